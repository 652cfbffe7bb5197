"""Reports, with words, photographs, steps and followers."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "problem_reports_0001"
down_revision = None
branch_labels = ("problem_reports",)
depends_on = "0001_platform"

CITY_TABLES = (
    "problem_answer_photo",
    "problem_follow",
    "problem_report",
    "problem_report_note",
    "problem_report_photo",
    "problem_report_step",
    "problem_report_upload",
)


def upgrade() -> None:
    op.create_table(
        "problem_report_upload",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_report_upload"),
    )
    op.create_index(
        "ix_problem_report_upload_city_id_browser_hash",
        "problem_report_upload",
        ["city_id", "browser_hash"],
        unique=False,
    )
    op.create_index(
        "ix_problem_report_upload_city_id_created_at",
        "problem_report_upload",
        ["city_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "problem_report",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("code_hash", sa.String(), nullable=True),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assign_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("public_words", sa.String(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL)", name="ck_problem_report_position"
        ),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="ck_problem_report_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="ck_problem_report_longitude"),
        sa.ForeignKeyConstraint(
            ["city_id", "merged_into_id"],
            ["problem_report.city_id", "problem_report.id"],
            name="fk_problem_report_city_id_merged_into_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_problem_report_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_report"),
        sa.UniqueConstraint("city_id", "number", name="uq_problem_report_city_id_number"),
    )
    op.create_index(
        "ix_problem_report_city_id_category_latitude",
        "problem_report",
        ["city_id", "category", "latitude", "longitude"],
        unique=False,
    )
    op.create_index(
        "ix_problem_report_city_id_created_at",
        "problem_report",
        ["city_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_problem_report_city_id_merged_into_id",
        "problem_report",
        ["city_id", "merged_into_id"],
        unique=False,
    )
    op.create_index(
        "ix_problem_report_city_id_resident_id",
        "problem_report",
        ["city_id", "resident_id"],
        unique=False,
    )
    op.create_index(
        "ix_problem_report_city_id_state_due_at",
        "problem_report",
        ["city_id", "state", "due_at"],
        unique=False,
    )
    op.create_table(
        "problem_follow",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "report_id"],
            ["problem_report.city_id", "problem_report.id"],
            name="fk_problem_follow_city_id_report_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_problem_follow_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_follow"),
        sa.UniqueConstraint(
            "city_id",
            "report_id",
            "resident_id",
            name="uq_problem_follow_city_id_report_id_resident_id",
        ),
    )
    op.create_index(
        "ix_problem_follow_city_id_resident_id",
        "problem_follow",
        ["city_id", "resident_id"],
        unique=False,
    )
    op.create_table(
        "problem_report_note",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "report_id"],
            ["problem_report.city_id", "problem_report.id"],
            name="fk_problem_report_note_city_id_report_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_report_note"),
    )
    op.create_index(
        "ix_problem_report_note_city_id_report_id",
        "problem_report_note",
        ["city_id", "report_id"],
        unique=False,
    )
    op.create_table(
        "problem_report_photo",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "report_id"],
            ["problem_report.city_id", "problem_report.id"],
            name="fk_problem_report_photo_city_id_report_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_report_photo"),
    )
    op.create_index(
        "ix_problem_report_photo_city_id_report_id",
        "problem_report_photo",
        ["city_id", "report_id"],
        unique=False,
    )
    op.create_table(
        "problem_report_step",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("promised_by", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "report_id"],
            ["problem_report.city_id", "problem_report.id"],
            name="fk_problem_report_step_city_id_report_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_report_step"),
    )
    op.create_index(
        "ix_problem_report_step_city_id_report_id",
        "problem_report_step",
        ["city_id", "report_id"],
        unique=False,
    )
    op.create_table(
        "problem_answer_photo",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "step_id"],
            ["problem_report_step.city_id", "problem_report_step.id"],
            name="fk_problem_answer_photo_city_id_step_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_problem_answer_photo"),
    )
    op.create_index(
        "ix_problem_answer_photo_city_id_step_id",
        "problem_answer_photo",
        ["city_id", "step_id"],
        unique=False,
    )
    isolate_city_tables(*CITY_TABLES)
