"""Vehicles, licences, violations, disputes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "traffic_tickets_0001"
down_revision = None
branch_labels = ("traffic_tickets",)
depends_on = "0002_money"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

CITY_TABLES = (
    "dispute",
    "dispute_photo",
    "licence_link",
    "traffic_licence",
    "traffic_vehicle",
    "vehicle_link",
    "violation",
)


def upgrade() -> None:
    op.create_table(
        "traffic_licence",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_index", sa.String(), nullable=False),
        sa.Column("number_end", sa.String(), nullable=False),
        sa.Column("file_tail", sa.String(), nullable=False),
        sa.Column("first_issued_on", sa.Date(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_traffic_licence"),
        sa.UniqueConstraint(
            "city_id", "number_index", name="uq_traffic_licence_city_id_number_index"
        ),
    )
    op.create_table(
        "traffic_vehicle",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("vin_tail", sa.String(), nullable=False),
        sa.Column("engine_tail", sa.String(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_traffic_vehicle"),
        sa.UniqueConstraint("city_id", "plate", name="uq_traffic_vehicle_city_id_plate"),
    )
    op.create_table(
        "licence_link",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "licence_id"],
            ["traffic_licence.city_id", "traffic_licence.id"],
            name="fk_licence_link_city_id_licence_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_licence_link_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_licence_link"),
        sa.UniqueConstraint("city_id", "resident_id", name="uq_licence_link_city_id_resident_id"),
    )
    op.create_table(
        "vehicle_link",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_vehicle_link_city_id_resident_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "vehicle_id"],
            ["traffic_vehicle.city_id", "traffic_vehicle.id"],
            name="fk_vehicle_link_city_id_vehicle_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_vehicle_link"),
        sa.UniqueConstraint(
            "city_id",
            "resident_id",
            "vehicle_id",
            name="uq_vehicle_link_city_id_resident_id_vehicle_id",
        ),
    )
    op.create_table(
        "violation",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=True),
        sa.Column("licence_by_payment", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", JSON, nullable=False),
        sa.Column("act_code", sa.String(), nullable=False),
        sa.Column("act", JSON, nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("fine", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("fine >= 0", name="ck_violation_fine"),
        sa.CheckConstraint("points BETWEEN 0 AND 12", name="ck_violation_points"),
        sa.ForeignKeyConstraint(
            ["city_id", "licence_id"],
            ["traffic_licence.city_id", "traffic_licence.id"],
            name="fk_violation_city_id_licence_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "payment_id"],
            ["payment.city_id", "payment.id"],
            name="fk_violation_city_id_payment_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "vehicle_id"],
            ["traffic_vehicle.city_id", "traffic_vehicle.id"],
            name="fk_violation_city_id_vehicle_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_violation"),
        sa.UniqueConstraint("city_id", "number", name="uq_violation_city_id_number"),
    )
    op.create_index(
        "ix_violation_city_id_licence_id_at",
        "violation",
        ["city_id", "licence_id", "at"],
        unique=False,
    )
    op.create_index(
        "ix_violation_city_id_vehicle_id_at",
        "violation",
        ["city_id", "vehicle_id", "at"],
        unique=False,
    )
    op.create_table(
        "dispute",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_dispute_city_id_resident_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "violation_id"],
            ["violation.city_id", "violation.id"],
            name="fk_dispute_city_id_violation_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_dispute"),
        sa.UniqueConstraint("city_id", "violation_id", name="uq_dispute_city_id_violation_id"),
    )
    op.create_index("ix_dispute_city_id_state", "dispute", ["city_id", "state"], unique=False)
    op.create_table(
        "dispute_photo",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "dispute_id"],
            ["dispute.city_id", "dispute.id"],
            name="fk_dispute_photo_city_id_dispute_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_dispute_photo"),
    )
    op.create_index(
        "ix_dispute_photo_city_id_dispute_id",
        "dispute_photo",
        ["city_id", "dispute_id"],
        unique=False,
    )
    # ### end Alembic commands ###
    isolate_city_tables(*CITY_TABLES)
