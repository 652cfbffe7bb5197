"""Hospitals, schedules, places, appointments, waiting lists."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "hospital_appointments_0001"
down_revision = None
branch_labels = ("hospital_appointments",)
depends_on = "0001_platform"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

CITY_TABLES = (
    "appointment",
    "clinic_place",
    "clinic_session",
    "doctor",
    "hospital",
    "hospital_department",
    "patient",
    "waiting_entry",
)


def upgrade() -> None:
    op.create_table(
        "hospital",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", JSON, nullable=False),
        sa.Column("address", JSON, nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_hospital"),
        sa.UniqueConstraint("city_id", "code", name="uq_hospital_city_id_code"),
    )
    op.create_table(
        "hospital_department",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", JSON, nullable=False),
        sa.Column("keywords", JSON, nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "hospital_id"],
            ["hospital.city_id", "hospital.id"],
            name="fk_hospital_department_city_id_hospital_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_hospital_department"),
        sa.UniqueConstraint(
            "city_id", "hospital_id", "code", name="uq_hospital_department_city_id_hospital_id_code"
        ),
    )
    op.create_table(
        "patient",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_patient_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_patient"),
    )
    op.create_index(
        "ix_patient_city_id_resident_id", "patient", ["city_id", "resident_id"], unique=False
    )
    op.create_table(
        "doctor",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", JSON, nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("specialty", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "department_id"],
            ["hospital_department.city_id", "hospital_department.id"],
            name="fk_doctor_city_id_department_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_doctor"),
        sa.UniqueConstraint(
            "city_id", "department_id", "code", name="uq_doctor_city_id_department_id_code"
        ),
    )
    op.create_table(
        "clinic_session",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("half", sa.String(), nullable=False),
        sa.Column("clinic", sa.String(), nullable=False),
        sa.Column("fee", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_reason", JSON, nullable=True),
        sa.CheckConstraint("capacity > 0", name="ck_clinic_session_capacity"),
        sa.CheckConstraint("fee >= 0", name="ck_clinic_session_fee"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_clinic_session_times"),
        sa.ForeignKeyConstraint(
            ["city_id", "department_id"],
            ["hospital_department.city_id", "hospital_department.id"],
            name="fk_clinic_session_city_id_department_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "doctor_id"],
            ["doctor.city_id", "doctor.id"],
            name="fk_clinic_session_city_id_doctor_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_clinic_session"),
        sa.UniqueConstraint(
            "city_id",
            "doctor_id",
            "day",
            "half",
            name="uq_clinic_session_city_id_doctor_id_day_half",
        ),
    )
    op.create_index(
        "ix_clinic_session_city_id_day", "clinic_session", ["city_id", "day"], unique=False
    )
    op.create_index(
        "ix_clinic_session_city_id_department_id_day",
        "clinic_session",
        ["city_id", "department_id", "day"],
        unique=False,
    )
    op.create_table(
        "clinic_place",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('free', 'offered', 'taken', 'shut')", name="ck_clinic_place_state"
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "session_id"],
            ["clinic_session.city_id", "clinic_session.id"],
            name="fk_clinic_place_city_id_session_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_clinic_place"),
        sa.UniqueConstraint(
            "city_id", "session_id", "number", name="uq_clinic_place_city_id_session_id_number"
        ),
    )
    op.create_index(
        "ix_clinic_place_city_id_session_id_state",
        "clinic_place",
        ["city_id", "session_id", "state"],
        unique=False,
    )
    op.create_table(
        "appointment",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "patient_id"],
            ["patient.city_id", "patient.id"],
            name="fk_appointment_city_id_patient_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "place_id"],
            ["clinic_place.city_id", "clinic_place.id"],
            name="fk_appointment_city_id_place_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_appointment_city_id_resident_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "session_id"],
            ["clinic_session.city_id", "clinic_session.id"],
            name="fk_appointment_city_id_session_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_appointment"),
        sa.UniqueConstraint("city_id", "code", name="uq_appointment_city_id_code"),
    )
    op.create_index(
        "ix_appointment_city_id_resident_id",
        "appointment",
        ["city_id", "resident_id"],
        unique=False,
    )
    op.create_index(
        "ix_appointment_city_id_session_id", "appointment", ["city_id", "session_id"], unique=False
    )
    op.create_index(
        "uq_appointment_patient_session",
        "appointment",
        ["city_id", "patient_id", "session_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('booked', 'attended', 'no_show')"),
        postgresql_where=sa.text("state IN ('booked', 'attended', 'no_show')"),
    )
    op.create_index(
        "uq_appointment_place",
        "appointment",
        ["city_id", "place_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('booked', 'attended', 'no_show')"),
        postgresql_where=sa.text("state IN ('booked', 'attended', 'no_show')"),
    )
    op.create_table(
        "waiting_entry",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "patient_id"],
            ["patient.city_id", "patient.id"],
            name="fk_waiting_entry_city_id_patient_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "place_id"],
            ["clinic_place.city_id", "clinic_place.id"],
            name="fk_waiting_entry_city_id_place_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_waiting_entry_city_id_resident_id",
        ),
        sa.ForeignKeyConstraint(
            ["city_id", "session_id"],
            ["clinic_session.city_id", "clinic_session.id"],
            name="fk_waiting_entry_city_id_session_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_waiting_entry"),
    )
    op.create_index(
        "ix_waiting_entry_city_id_resident_id",
        "waiting_entry",
        ["city_id", "resident_id"],
        unique=False,
    )
    op.create_index(
        "ix_waiting_entry_city_id_session_id",
        "waiting_entry",
        ["city_id", "session_id", "state"],
        unique=False,
    )
    op.create_index(
        "uq_waiting_entry_open",
        "waiting_entry",
        ["city_id", "session_id", "patient_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'offered')"),
        postgresql_where=sa.text("state IN ('waiting', 'offered')"),
    )
    # ### end Alembic commands ###
    isolate_city_tables(*CITY_TABLES)
