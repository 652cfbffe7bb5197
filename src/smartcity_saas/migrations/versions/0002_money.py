"""Work after a commit, secrets, messages, money."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from smartcity_saas.migrations.operations import isolate_city_tables, keep_append_only

revision = "0002_money"
down_revision = "0001_platform"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

CITY_TABLES = (
    "city_key",
    "credential",
    "daily_closing",
    "ledger_entry",
    "message",
    "message_delivery",
    "outbox_task",
    "payment",
    "payment_claim",
    "payment_item",
    "provider_event",
    "refund",
    "resident_contact",
)
APPEND_ONLY = (
    "ledger_entry",
    "daily_closing",
)


def upgrade() -> None:
    op.create_table(
        "city_due",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "task_id", name="pk_city_due"),
    )
    op.create_index("ix_city_due_due_at", "city_due", ["due_at"], unique=False)
    op.create_table(
        "city_key",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master_mark", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_city_key"),
        sa.UniqueConstraint("city_id", name="uq_city_key_city_id"),
    )
    op.create_table(
        "credential",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_credential"),
        sa.UniqueConstraint("city_id", "name", name="uq_credential_city_id_name"),
    )
    op.create_table(
        "daily_closing",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("totals", JSON, nullable=False),
        sa.Column("differences", sa.Integer(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_daily_closing"),
        sa.UniqueConstraint("city_id", "day", name="uq_daily_closing_city_id_day"),
    )
    op.create_table(
        "outbox_task",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_outbox_task"),
        sa.UniqueConstraint("city_id", "kind", "key", name="uq_outbox_task_city_id_kind_key"),
    )
    op.create_index(
        "ix_outbox_task_city_id_failed_at", "outbox_task", ["city_id", "failed_at"], unique=False
    )
    op.create_table(
        "provider_event",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_provider_event"),
        sa.UniqueConstraint(
            "city_id", "provider", "event_id", name="uq_provider_event_city_id_provider_event_id"
        ),
    )
    op.create_index(
        "ix_provider_event_city_id_received_at",
        "provider_event",
        ["city_id", "received_at"],
        unique=False,
    )
    op.create_table(
        "message",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_message_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_message"),
        sa.UniqueConstraint(
            "city_id", "resident_id", "key", name="uq_message_city_id_resident_id_key"
        ),
    )
    op.create_index(
        "ix_message_city_id_resident_id_created_at",
        "message",
        ["city_id", "resident_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "payment",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("checkout_id", sa.String(), nullable=True),
        sa.Column("checkout_url", sa.String(), nullable=True),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("received_currency", sa.String(), nullable=True),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("held_reason", sa.String(), nullable=True),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("back", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fulfilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name="ck_payment_amount"),
        sa.CheckConstraint("refunded >= 0 AND refunded <= received", name="ck_payment_refunded"),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_payment_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_payment"),
        sa.UniqueConstraint("city_id", "checkout_id", name="uq_payment_city_id_checkout_id"),
        sa.UniqueConstraint("city_id", "number", name="uq_payment_city_id_number"),
    )
    op.create_index(
        "ix_payment_city_id_created_at", "payment", ["city_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_payment_city_id_provider_reference",
        "payment",
        ["city_id", "provider_reference"],
        unique=False,
    )
    op.create_index(
        "ix_payment_city_id_resident_id", "payment", ["city_id", "resident_id"], unique=False
    )
    op.create_table(
        "resident_contact",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_resident_contact_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_resident_contact"),
        sa.UniqueConstraint(
            "city_id", "resident_id", "kind", name="uq_resident_contact_city_id_resident_id_kind"
        ),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("debit", sa.String(), nullable=False),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.CheckConstraint("amount > 0", name="ck_ledger_entry_amount"),
        sa.CheckConstraint("debit <> credit", name="ck_ledger_entry_accounts"),
        sa.ForeignKeyConstraint(
            ["city_id", "payment_id"],
            ["payment.city_id", "payment.id"],
            name="fk_ledger_entry_city_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_ledger_entry"),
        sa.UniqueConstraint("city_id", "key", name="uq_ledger_entry_city_id_key"),
    )
    op.create_index("ix_ledger_entry_city_id_at", "ledger_entry", ["city_id", "at"], unique=False)
    op.create_index(
        "ix_ledger_entry_city_id_payment_id",
        "ledger_entry",
        ["city_id", "payment_id"],
        unique=False,
    )
    op.create_table(
        "message_delivery",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "message_id"],
            ["message.city_id", "message.id"],
            name="fk_message_delivery_city_id_message_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_message_delivery"),
        sa.UniqueConstraint(
            "city_id", "message_id", "kind", name="uq_message_delivery_city_id_message_id_kind"
        ),
    )
    op.create_table(
        "payment_claim",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "payment_id"],
            ["payment.city_id", "payment.id"],
            name="fk_payment_claim_city_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_payment_claim"),
        sa.UniqueConstraint(
            "city_id", "service", "reference", name="uq_payment_claim_city_id_service_reference"
        ),
    )
    op.create_index(
        "ix_payment_claim_city_id_payment_id",
        "payment_claim",
        ["city_id", "payment_id"],
        unique=False,
    )
    op.create_table(
        "payment_item",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_payment_item_amount"),
        sa.ForeignKeyConstraint(
            ["city_id", "payment_id"],
            ["payment.city_id", "payment.id"],
            name="fk_payment_item_city_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_payment_item"),
        sa.UniqueConstraint(
            "city_id",
            "payment_id",
            "reference",
            name="uq_payment_item_city_id_payment_id_reference",
        ),
    )
    op.create_table(
        "refund",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name="ck_refund_amount"),
        sa.ForeignKeyConstraint(
            ["city_id", "payment_id"],
            ["payment.city_id", "payment.id"],
            name="fk_refund_city_id_payment_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_refund"),
        sa.UniqueConstraint(
            "city_id", "provider_reference", name="uq_refund_city_id_provider_reference"
        ),
    )
    op.create_index(
        "ix_refund_city_id_payment_id", "refund", ["city_id", "payment_id"], unique=False
    )
    # ### end Alembic commands ###
    isolate_city_tables(*CITY_TABLES)
    keep_append_only(*APPEND_ONLY)
