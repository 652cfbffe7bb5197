"""Consent for each source, versions of the rules, every question about a code, public figures.

Who took part before is asked again: their consent named no single source.
"""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.database.models import Json
from smartcity_saas.migrations.operations import inside_each_city, isolate_city_tables

revision = "city_credit_0002"
down_revision = "city_credit_0001"
branch_labels = None
depends_on = None

TABLES = (
    "credit_source_choice",
    "credit_rules_version",
    "credit_question",
    "credit_appeal_count",
    "credit_figures",
)
WHEN = sa.DateTime(timezone=True)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("city_id", "id", name=f"pk_{name}"),
    )


def _refers(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["city_id", "resident_id"],
        ["resident.city_id", "resident.id"],
        name=f"fk_{table}_city_id_resident_id",
    )


def upgrade() -> None:
    _make_tables()
    _ask_members_again()
    with op.batch_alter_table("credit_appeal") as table:
        table.add_column(
            sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("credit_appeal") as table:
        table.alter_column("again", existing_type=sa.Boolean(), server_default=None)
    _keep_questions()


def _ask_members_again() -> None:
    with op.batch_alter_table("credit_membership") as table:
        table.add_column(
            sa.Column("rules_version", sa.Integer(), nullable=False, server_default="1")
        )
        table.add_column(sa.Column("answered", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("agreed_at", WHEN, nullable=True))
    bind = op.get_bind()
    for city_id in inside_each_city(bind):
        bind.execute(
            sa.text("UPDATE credit_membership SET agreed_at = joined_at WHERE city_id = :city"),
            {"city": city_id},
        )
    with op.batch_alter_table("credit_membership") as table:
        table.alter_column("rules_version", existing_type=sa.Integer(), server_default=None)
        table.alter_column("answered", existing_type=sa.String(), server_default=None)
        table.alter_column("agreed_at", existing_type=WHEN, nullable=False)


def _keep_questions() -> None:
    """What was asked of codes goes into its own table; codes themselves live for ten minutes."""
    bind = op.get_bind()
    for city_id in inside_each_city(bind):
        bind.execute(
            sa.text(
                "INSERT INTO credit_question"
                " (city_id, id, resident_id, benefit, asked_by, asked_at, holds)"
                " SELECT city_id, id, resident_id, benefit, asked_by, asked_at, held_then"
                " FROM credit_certificate WHERE city_id = :city AND asked_at IS NOT NULL"
                " AND asked_by IS NOT NULL AND held_then IS NOT NULL"
            ),
            {"city": city_id},
        )
        bind.execute(
            sa.text("DELETE FROM credit_certificate WHERE city_id = :city"), {"city": city_id}
        )
    op.drop_index("ix_credit_certificate_city_id_resident_id", "credit_certificate")
    with op.batch_alter_table("credit_certificate") as table:
        table.drop_column("asked_at")
        table.drop_column("asked_by")
        table.drop_column("held_then")
        table.add_column(sa.Column("used_at", WHEN, nullable=True))
    op.create_index(
        "ix_credit_certificate_city_id_expires_at", "credit_certificate", ["city_id", "expires_at"]
    )


def _make_tables() -> None:
    _table(
        "credit_source_choice",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("since", WHEN, nullable=False),
        _refers("credit_source_choice"),
        sa.UniqueConstraint(
            *("city_id", "resident_id", "source"),
            name="uq_credit_source_choice_city_id_resident_id_source",
        ),
    )
    _table(
        "credit_rules_version",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("seen_at", WHEN, nullable=False),
        sa.UniqueConstraint("city_id", "number", name="uq_credit_rules_version_city_id_number"),
    )
    _table(
        "credit_question",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("benefit", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        _refers("credit_question"),
    )
    op.create_index(
        "ix_credit_question_city_id_resident_id", "credit_question", ["city_id", "resident_id"]
    )
    _table(
        "credit_appeal_count",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.UniqueConstraint(
            *("city_id", "month", "outcome", "days"),
            name="uq_credit_appeal_count_city_id_month_outcome_days",
        ),
        sa.CheckConstraint("number > 0", name="ck_credit_appeal_count_number"),
    )
    _table(
        "credit_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.UniqueConstraint("city_id", "day", name="uq_credit_figures_city_id_day"),
    )
    isolate_city_tables(*TABLES)
