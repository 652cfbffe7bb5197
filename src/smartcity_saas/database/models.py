"""The two kinds of table. Every model is a ``CityModel`` or a ``PlatformModel``; no third."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

BigKey = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")


class Timestamp(TypeDecorator[datetime]):
    """A moment, stored in UTC and read back as an aware ``datetime``.

    Raises:
        ValueError: A naive ``datetime`` is written.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StoredEnum(TypeDecorator[StrEnum]):
    """A word of a ``StrEnum``, stored as its text and read back as its member.

    Raises:
        ValueError: A text is written, or stands in the database, that is no member's.
    """

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


class Base(DeclarativeBase):
    """What both kinds share: one metadata with named constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: Timestamp(),
        dict[str, Any]: Json,
        dict[str, str]: Json,
        list[Any]: Json,
    }


class PlatformModel(Base):
    """A row of the whole platform, reached only through a repository that takes an actor."""

    __abstract__ = True


class CityModel(Base):
    """A row of one city. Its key is ``(city_id, id)``; the flush stamps ``current_city_id``.

    ``id`` is a UUID version 7 (RFC 9562) made here, because a sequence tells cities' volumes.
    """

    __abstract__ = True

    city_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, sort_order=-2
    )
    id: Mapped[uuid.UUID] = mapped_column(
        Uuid, primary_key=True, default=uuid_utils.compat.uuid7, sort_order=-1
    )


@event.listens_for(Mapper, "instrument_class")
def _mark_table(mapper: Mapper[Any], class_: type) -> None:
    kind = "city" if issubclass(class_, CityModel) else "platform"
    class_.__dict__["__table__"].info["owner"] = kind


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements in Core."""
    return Base.metadata.tables[model.__tablename__]


def city_tables() -> frozenset[str]:
    """The names of all tables that belong to a city."""
    return _names("city")


def platform_tables() -> frozenset[str]:
    """The names of all tables that belong to the platform."""
    return _names("platform")


def _names(kind: str) -> frozenset[str]:
    tables = Base.metadata.tables.values()
    return frozenset(table.name for table in tables if table.info.get("owner") == kind)


def city_foreign_key(column: str, target: str, **options: Any) -> ForeignKeyConstraint:
    """A reference to another row of the same city; it cannot point at another city's.

    There is no ``SET NULL``: it would blank ``current_city_id``, a part of the primary key.
    """
    return ForeignKeyConstraint(
        ["city_id", column], [f"{target}.city_id", f"{target}.id"], **options
    )


def city_relationship(target: str, column: str, **options: Any) -> Any:
    """The object behind a ``city_foreign_key``. Only ``column`` is written, never ``current_city_id``."""
    owner = options.pop("owner")
    return relationship(
        target,
        primaryjoin=(f"and_({owner}.{column} == {target}.id, {owner}.city_id == {target}.city_id)"),
        foreign_keys=f"{owner}.{column}",
        **options,
    )
