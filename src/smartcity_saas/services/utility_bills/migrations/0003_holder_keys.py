"""The name of an account's holder as names are compared."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city
from smartcity_saas.web.name_folding import folded_name

revision = "utility_bills_0003"
down_revision = "utility_bills_0002"
branch_labels = None
depends_on = None

ACCOUNT = sa.table(
    "utility_account",
    sa.column("city_id", sa.BigInteger()),
    sa.column("id", sa.Uuid()),
    sa.column("holder", sa.String()),
    sa.column("holder_key", sa.String()),
)


def upgrade() -> None:
    bind = op.get_bind()
    op.add_column(
        "utility_account",
        sa.Column("holder_key", sa.String(), nullable=False, server_default=""),
    )
    for city_id in inside_each_city(bind):
        query = sa.select(ACCOUNT.c.id, ACCOUNT.c.holder).where(ACCOUNT.c.city_id == city_id)
        for row in bind.execute(query).all():
            bind.execute(
                sa.update(ACCOUNT)
                .where(ACCOUNT.c.city_id == city_id, ACCOUNT.c.id == row.id)
                .values(holder_key=folded_name(row.holder))
            )
    op.create_index(
        "ix_utility_account_city_id_holder_key", "utility_account", ["city_id", "holder_key"]
    )
