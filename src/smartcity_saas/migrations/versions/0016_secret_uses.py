"""Secrets are bound to their uses: those that exist already, to what the documents name now."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from smartcity_saas.configuration.merge import Layer, merge, only_own
from smartcity_saas.configuration.schema import PROVINCE, document_schema, effective_schema
from smartcity_saas.configuration.secret_uses import SecretUse, secret_uses
from smartcity_saas.database.models import Json
from smartcity_saas.migrations.operations import inside_each_city
from smartcity_saas.product import product

revision = "0016_secret_uses"
down_revision = "0015_ledger_lock"
branch_labels = None
depends_on = None

_DOCUMENT = sa.table(
    "document",
    *(sa.column(name, sa.BigInteger()) for name in ("id", "live_number")),
    *(sa.column(name, sa.String()) for name in ("name", "kind", "province")),
)
_REVISION = sa.table(
    "revision",
    *(sa.column(name, sa.BigInteger()) for name in ("document_id", "number")),
    sa.column("values", Json),
)
_CREDENTIAL = sa.table(
    "credential",
    sa.column("city_id", sa.BigInteger()),
    sa.column("name", sa.String()),
    sa.column("bound_to", Json),
)
_PROVINCE_SECRET = sa.table(
    "province_secret",
    sa.column("province", sa.String()),
    sa.column("name", sa.String()),
    sa.column("bound_to", Json),
)


def upgrade() -> None:
    for table in ("credential", "province_secret"):
        op.add_column(table, sa.Column("bound_to", Json, nullable=False, server_default="[]"))
    bind = op.get_bind()
    documents = _documents(bind)
    for city_id in inside_each_city(bind):
        for name, bound_to in _bound(_uses_of_city(documents, city_id)):
            bind.execute(
                sa.update(_CREDENTIAL)
                .where(_CREDENTIAL.c.city_id == city_id, _CREDENTIAL.c.name == name)
                .values(bound_to=bound_to)
            )
    for row in documents.values():
        for name, bound_to in _bound(_uses_of_province(row)):
            bind.execute(
                sa.update(_PROVINCE_SECRET)
                .where(_PROVINCE_SECRET.c.province == row.province, _PROVINCE_SECRET.c.name == name)
                .values(bound_to=bound_to)
            )


def _documents(bind: sa.Connection) -> Mapping[int, Any]:
    """Every live document by its key."""
    live = (_REVISION.c.document_id == _DOCUMENT.c.id) & (
        _REVISION.c.number == _DOCUMENT.c.live_number
    )
    query = sa.select(_DOCUMENT, _REVISION.c["values"].label("said")).join(_REVISION, live)
    return {row.id: row for row in bind.execute(query)}


def _uses_of_city(documents: Mapping[int, Any], city_id: int) -> list[SecretUse]:
    own = documents.get(city_id)
    if own is None:
        return []
    by_name = {row.name: row for row in documents.values()}
    layers = [by_name[n] for n in ("platform", f"province:{own.province}") if n in by_name]
    merged = merge([Layer(row.name, row.said) for row in (*layers, own)])
    return secret_uses(effective_schema(_extensions()), merged.values)


def _uses_of_province(row: Any) -> list[SecretUse]:
    if row.kind != PROVINCE:
        return []
    return secret_uses(document_schema(PROVINCE, _extensions()), only_own(row.said))


def _bound(uses: list[SecretUse]) -> Iterator[tuple[str, list[list[str]]]]:
    """What each secret is bound to; one of payments to payments alone."""
    for name in sorted({use.name for use in uses}):
        own = sorted(use for use in uses if use.name == name)
        paying = [use for use in own if use.pays]
        yield name, [use.bound for use in paying or own]


def _extensions() -> Any:
    return product().registry.extensions
