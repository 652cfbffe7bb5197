"""Documents, staff, residents, announcements, pictures, counts and the two audit logs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from smartcity_saas.migrations.operations import isolate_city_tables, keep_append_only

revision = "0001_platform"
down_revision = None
branch_labels = ("platform",)
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

CITY_TABLES = (
    "announcement",
    "asset",
    "city_audit_event",
    "resident",
    "resident_attempt",
    "resident_identity",
    "resident_session",
)
APPEND_ONLY = ("revision", "audit_event", "city_audit_event")


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("source", JSON, nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("author_label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_announcement"),
    )
    op.create_index(
        "ix_announcement_city_id_published_at",
        "announcement",
        ["city_id", "published_at"],
        unique=False,
    )
    op.create_table(
        "asset",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_asset"),
        sa.UniqueConstraint("city_id", "sha256", name="uq_asset_city_id_sha256"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_label", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    op.create_index("ix_audit_event_subject_at", "audit_event", ["subject", "at"], unique=False)
    op.create_table(
        "city_audit_event",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_label", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_city_audit_event"),
    )
    op.create_index(
        "ix_city_audit_event_city_id_at", "city_audit_event", ["city_id", "at"], unique=False
    )
    op.create_table(
        "city_count",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "day", "metric", name="pk_city_count"),
    )
    op.create_table(
        "document",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("province", sa.String(), nullable=True),
        sa.Column("division_code", sa.String(), nullable=True),
        sa.Column("live_number", sa.Integer(), nullable=False),
        sa.Column("went_live", sa.Boolean(), nullable=False),
        sa.Column("changed_at_version", KEY, nullable=False),
        sa.Column("content_version", sa.Integer(), nullable=False),
        sa.Column("applied_text", sa.Text(), nullable=True),
        sa.Column("applied_files", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.UniqueConstraint("kind", "division_code", name="uq_document_kind_division_code"),
        sa.UniqueConstraint("name", name="uq_document_name"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_document_changed_at_version", "document", ["changed_at_version"], unique=False
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
    op.create_table(
        "resident",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_resident"),
    )
    op.create_table(
        "resident_attempt",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("window_ends", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_resident_attempt"),
        sa.UniqueConstraint("city_id", "key", name="uq_resident_attempt_city_id_key"),
    )
    op.create_table(
        "rollout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("csv", sa.Text(), nullable=False),
        sa.Column("all_or_nothing", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("results", JSON, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollout"),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("province", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("username", name="uq_staff_username"),
    )
    op.create_table(
        "staff_attempt",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("window_ends", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_staff_attempt"),
    )
    op.create_table(
        "host_claim",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_host_claim_document_id"),
        sa.PrimaryKeyConstraint("host", name="pk_host_claim"),
    )
    op.create_index("ix_host_claim_document_id", "host_claim", ["document_id"], unique=False)
    op.create_table(
        "preview_link",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name="fk_preview_link_document_id"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_preview_link"),
    )
    op.create_table(
        "resident_identity",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_resident_identity_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_resident_identity"),
        sa.UniqueConstraint(
            "city_id", "channel", "subject", name="uq_resident_identity_city_id_channel_subject"
        ),
    )
    op.create_table(
        "resident_session",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_resident_session_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_resident_session"),
        sa.UniqueConstraint("city_id", "token_hash", name="uq_resident_session_city_id_token_hash"),
    )
    op.create_index(
        "ix_resident_session_city_id_resident_id",
        "resident_session",
        ["city_id", "resident_id"],
        unique=False,
    )
    op.create_table(
        "revision",
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("since", JSON, nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("author_label", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_revision_document_id"),
        sa.PrimaryKeyConstraint("document_id", "number", name="pk_revision"),
    )
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_session_staff_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_session"),
    )
    op.create_index("ix_staff_session_staff_id", "staff_session", ["staff_id"], unique=False)
    op.execute("INSERT INTO installation (id, version, demo) VALUES (1, 0, false)")
    isolate_city_tables(*CITY_TABLES)
    keep_append_only(*APPEND_ONLY)
