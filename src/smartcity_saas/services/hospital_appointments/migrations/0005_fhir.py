"""Hospitals by FHIR R4: where reading stands, which slot a place is, what was made of a booking."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "hospital_appointments_0005"
down_revision = "hospital_appointments_0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _keys() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["city_id", column],
        [f"{other}.city_id", f"{other}.id"],
        name=f"fk_{table}_city_id_{column}",
    )


def upgrade() -> None:
    op.create_table(
        "fhir_sync",
        *_keys(),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("settings", sa.String(), nullable=False),
        *(_moment(name, nullable=True) for name in ("since", "read_until")),
        *(_moment(name, nullable=True) for name in ("tried_at", "synced_at")),
        sa.Column("problem", JSON, nullable=True),
        _moment("problem_since", nullable=True),
        sa.Column("capabilities", JSON, nullable=True),
        sa.Column("notes", JSON, nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_fhir_sync"),
        sa.UniqueConstraint("city_id", "base_url", name="uq_fhir_sync_city_id_base_url"),
    )
    op.create_table(
        "fhir_slot",
        *_keys(),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.String(), nullable=True),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("performer", sa.String(), nullable=False),
        _moment("starts_at"),
        _moment("ends_at"),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_fhir_slot"),
        _to("fhir_slot", "place_id", "clinic_place"),
        sa.UniqueConstraint("city_id", "slot", name="uq_fhir_slot_city_id_slot"),
        sa.UniqueConstraint("city_id", "place_id", name="uq_fhir_slot_city_id_place_id"),
    )
    op.create_index("ix_fhir_slot_city_id_schedule", "fhir_slot", ["city_id", "schedule"])
    op.create_index("ix_fhir_slot_city_id_starts_at", "fhir_slot", ["city_id", "starts_at"])
    op.create_table(
        "fhir_appointment",
        *_keys(),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        _moment("created_at"),
        _moment("cancelled_at", nullable=True),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_fhir_appointment"),
        _to("fhir_appointment", "appointment_id", "appointment"),
        sa.UniqueConstraint(
            "city_id", "appointment_id", name="uq_fhir_appointment_city_id_appointment_id"
        ),
    )
    isolate_city_tables("fhir_sync", "fhir_slot", "fhir_appointment")
