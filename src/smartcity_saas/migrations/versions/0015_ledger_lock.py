"""What is held while something is posted, or a day is closed."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "0015_ledger_lock"
down_revision = "0014_payment_disputes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_lock",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_ledger_lock"),
        sa.UniqueConstraint("city_id", "name", name="uq_ledger_lock_city_id_name"),
    )
    isolate_city_tables("ledger_lock")
