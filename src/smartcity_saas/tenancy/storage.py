"""Storage: what the files of a city take in the database, and the quota that bounds them.

It is measured whenever a file comes, so there is no count that could go wrong. PostgreSQL and SQLite
both know the length of a value without reading it, and the quota bounds how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, LargeBinary, Select, Table, func, select, union_all
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.configuration.quotas import DEFAULT_QUOTAS
from smartcity_saas.database import CITY, Base, run, table_of
from smartcity_saas.errors import Invalid
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_quotas import STORAGE
from smartcity_saas.tenant_context import current_city_id
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

MEGABYTE = 1_000_000
RESERVE_PERCENT = 10
"""Of the quota: what residents send finds no room in it, so that what the city itself issues does."""


class StoredFile:
    """A row that holds a file of a city: a ``CityModel`` whose ``content`` counts as storage. Whoever
    adds one asks ``require_room`` first."""

    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class StorageUse(NamedTuple):
    """Bytes in use, and bytes that may be."""

    used: int
    quota: int


def file_models() -> Iterator[type[Any]]:
    """The models whose rows are files."""
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, StoredFile):
            yield mapper.class_


def storage_use() -> StorageUse:
    """What the files of the current city take, and may take: one statement for all tables of files."""
    used = sum(found or 0 for found in run(_taken()).scalars())
    city = product().registry.snapshot.by_id.get(current_city_id())
    quotas = city.quotas if city is not None else DEFAULT_QUOTAS  # one that is being added
    return StorageUse(int(used), quotas.storage_megabytes * MEGABYTE)


@cache
def _taken() -> CompoundSelect[Any]:
    """The bytes in each table of files, a row each."""
    return union_all(*(_taken_by(table_of(model)) for model in file_models()))


@cache
def _taken_by(table: Table) -> Select[Any]:
    """The bytes in one of them."""
    return select(func.sum(func.length(table.c.content))).where(table.c.city_id == CITY)


def has_share(model: type[Any], size: int, percent: int) -> bool:
    """Whether the files of one table, with so many bytes more, take no more than their share of the current
    city's quota."""
    taken = int(run(_taken_by(table_of(model))).scalar() or 0)
    return taken + size <= storage_use().quota * percent // 100


def require_room(size: int, advice: Text, *, from_reserve: bool = False) -> None:
    """Refuse a file for which the current city's storage has no room. Files that come in one moment do
    not see each other: those that are on their way may go beyond the quota, and no more after them.

    Args:
        size: Bytes that are to be added.
        advice: What whoever sent it can do.
        from_reserve: Whether the city itself adds it, and so may fill the quota to its end; what residents
            send leaves a reserve.

    Raises:
        Invalid: There is no room; nothing was stored.
    """
    used, quota = storage_use()
    if not from_reserve:
        quota -= quota * RESERVE_PERCENT // 100
    if used + size <= quota:
        return
    product().quotas.refuse(current_city_id(), STORAGE)
    raise Invalid(
        _(
            "There is no room for these %(size)s MB: the city's files take %(used)s MB of %(quota)s MB. "
            "%(advice)s",
            size=_megabytes(size),
            used=_megabytes(used),
            quota=_megabytes(quota),
            advice=advice,
        )
    )


def _megabytes(size: int) -> str:
    """Three digits after the point, where they say something."""
    return f"{size / MEGABYTE:,.3f}".rstrip("0").rstrip(".")
