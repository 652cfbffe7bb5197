"""Ratings of what residents finished, and the city's answers to them."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.database.models import Json
from smartcity_saas.migrations.operations import isolate_city_tables

revision = "0023_ratings"
down_revision = "0022_announcement_change"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rating",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("not_solved", sa.Boolean(), nullable=False),
        sa.Column("reopened", sa.Boolean(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_rating_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_rating"),
        sa.UniqueConstraint(
            "city_id", "service", "act", "reference", name="uq_rating_city_id_service_act_reference"
        ),
    )
    op.create_index(
        "ix_rating_city_id_resident_id_created_at",
        "rating",
        ["city_id", "resident_id", "created_at"],
    )
    op.create_table(
        "rating_answer",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rating_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "rating_id"],
            ["rating.city_id", "rating.id"],
            name="fk_rating_answer_city_id_rating_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_rating_answer"),
        sa.UniqueConstraint("city_id", "rating_id", name="uq_rating_answer_city_id_rating_id"),
    )
    op.create_index(
        "ix_rating_answer_city_id_answered_at_due_on",
        "rating_answer",
        ["city_id", "answered_at", "due_on"],
    )
    isolate_city_tables("rating", "rating_answer")
