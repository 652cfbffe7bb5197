"""Applications: the form as it was, the application, its timeline, files, papers."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "forms_0001"
down_revision = None
branch_labels = ("forms",)
depends_on = "0001_platform"

TABLES = (
    "form_definition",
    "application",
    "application_event",
    "application_file",
    "application_paper",
)
MOMENT = sa.DateTime(timezone=True)


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


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    named = "_".join(("city_id", *columns))
    return sa.UniqueConstraint("city_id", *columns, name=f"uq_{table}_{named}")


def upgrade() -> None:
    _table(
        "form_definition",
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _unique("form_definition", "service", "digest"),
    )
    _table(
        "application",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("fee", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("days_left", sa.Integer(), nullable=True),
        sa.Column("taken_by", sa.String(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("reopened", sa.Boolean(), nullable=False),
        sa.Column("erase_on", sa.Date(), nullable=True),
        sa.Column("sample", sa.Boolean(), nullable=False),
        _refers("application", "resident_id", "resident"),
        _refers("application", "definition_id", "form_definition"),
        _unique("application", "number"),
        sa.CheckConstraint("fee >= 0", name="ck_application_fee"),
    )
    op.create_index("ix_application_city_id_resident_id", "application", ["city_id", "resident_id"])
    op.create_index(
        "ix_application_city_id_state_due_on", "application", ["city_id", "state", "due_on"]
    )
    op.create_index("ix_application_city_id_erase_on", "application", ["city_id", "erase_on"])
    _table(
        "application_event",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by_staff", sa.String(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        _refers("application_event", "application_id", "application"),
    )
    op.create_index(
        "ix_application_event_city_id_application_id",
        "application_event",
        ["city_id", "application_id"],
    )
    _table(
        "application_file",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _refers("application_file", "application_id", "application"),
    )
    op.create_index(
        "ix_application_file_city_id_application_id",
        "application_file",
        ["city_id", "application_id"],
    )
    _table(
        "application_paper",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        _refers("application_paper", "application_id", "application"),
        _unique("application_paper", "application_id"),
        _unique("application_paper", "number"),
        _unique("application_paper", "code"),
    )
    isolate_city_tables(*TABLES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
