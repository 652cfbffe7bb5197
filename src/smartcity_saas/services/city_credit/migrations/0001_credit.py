"""Who takes part, entries, appeals."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "city_credit_0001"
down_revision = None
branch_labels = ("city_credit",)
depends_on = "0001_platform"

TABLES = (
    "credit_membership",
    "credit_entry",
    "credit_appeal",
    "credit_appeal_photo",
    "credit_certificate",
)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("city_id", "id", name=f"pk_{name}"),
    )


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["city_id", column], [f"{to}.city_id", f"{to}.id"], name=f"fk_{table}_city_id_{column}"
    )


def upgrade() -> None:
    _table(
        "credit_membership",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("consent_version", sa.String(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        _refers("credit_membership", "resident_id", "resident"),
    )
    present = sa.text("left_at IS NULL")
    op.create_index(
        "uq_credit_membership_taking_part",
        "credit_membership",
        ["city_id", "resident_id"],
        unique=True,
        sqlite_where=present,
        postgresql_where=present,
    )
    _table(
        "credit_entry",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        _refers("credit_entry", "resident_id", "resident"),
        sa.UniqueConstraint(
            "city_id", "source", "reference", name="uq_credit_entry_city_id_source_reference"
        ),
        sa.CheckConstraint("quantity >= 0", name="ck_credit_entry_quantity"),
        sa.CheckConstraint("claimed >= quantity", name="ck_credit_entry_claimed"),
    )
    op.create_index(
        "ix_credit_entry_city_id_resident_id", "credit_entry", ["city_id", "resident_id"]
    )
    _table(
        "credit_appeal",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        _refers("credit_appeal", "resident_id", "resident"),
        _refers("credit_appeal", "entry_id", "credit_entry"),
        sa.UniqueConstraint("city_id", "entry_id", name="uq_credit_appeal_city_id_entry_id"),
    )
    op.create_index(
        "ix_credit_appeal_city_id_state_due_on", "credit_appeal", ["city_id", "state", "due_on"]
    )
    _table(
        "credit_appeal_photo",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _refers("credit_appeal_photo", "appeal_id", "credit_appeal"),
    )
    op.create_index(
        "ix_credit_appeal_photo_city_id_appeal_id", "credit_appeal_photo", ["city_id", "appeal_id"]
    )
    _table(
        "credit_certificate",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("benefit", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=True),
        sa.Column("held_then", sa.Boolean(), nullable=True),
        _refers("credit_certificate", "resident_id", "resident"),
        sa.UniqueConstraint("city_id", "code_hash", name="uq_credit_certificate_city_id_code_hash"),
    )
    op.create_index(
        "ix_credit_certificate_city_id_resident_id",
        "credit_certificate",
        ["city_id", "resident_id"],
    )
    isolate_city_tables(*TABLES)
