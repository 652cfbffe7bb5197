"""Accounts, links and bills."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "utility_bills_0001"
down_revision = None
branch_labels = ("utility_bills",)
depends_on = "0001_platform"


CITY_TABLES = (
    "utility_account",
    "utility_bill",
    "utility_link",
)


def upgrade() -> None:
    op.create_table(
        "utility_account",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_utility_account"),
        sa.UniqueConstraint(
            "city_id", "kind", "number", name="uq_utility_account_city_id_kind_number"
        ),
    )
    op.create_table(
        "utility_bill",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("usage", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount >= 0", name="ck_utility_bill_amount"),
        sa.CheckConstraint("usage >= 0", name="ck_utility_bill_usage"),
        sa.ForeignKeyConstraint(
            ["city_id", "account_id"],
            ["utility_account.city_id", "utility_account.id"],
            name="fk_utility_bill_city_id_account_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_utility_bill"),
        sa.UniqueConstraint(
            "city_id", "account_id", "period", name="uq_utility_bill_city_id_account_id_period"
        ),
    )
    op.create_table(
        "utility_link",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("nickname", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "account_id"],
            ["utility_account.city_id", "utility_account.id"],
            name="fk_utility_link_city_id_account_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_utility_link_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_utility_link"),
        sa.UniqueConstraint(
            "city_id",
            "resident_id",
            "account_id",
            name="uq_utility_link_city_id_resident_id_account_id",
        ),
    )
    op.create_index(
        "ix_utility_link_city_id_account_id",
        "utility_link",
        ["city_id", "account_id"],
        unique=False,
    )
    isolate_city_tables(*CITY_TABLES)
