"""Disputes of payers' banks (chargebacks)."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "0014_payment_disputes"
down_revision = "0013_payment_refusals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_dispute",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider_reference", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "payment_id"],
            ["payment.city_id", "payment.id"],
            name="fk_payment_dispute_city_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_payment_dispute"),
        sa.UniqueConstraint(
            "city_id", "provider_reference", name="uq_payment_dispute_city_id_provider_reference"
        ),
    )
    op.create_index(
        "ix_payment_dispute_city_id_payment_id", "payment_dispute", ["city_id", "payment_id"]
    )
    isolate_city_tables("payment_dispute")
