"""Persons: rows of one name and telephone are counted as one; and turns to book for one."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city, isolate_city_tables
from smartcity_saas.migrations.sealing import CityKeys
from smartcity_saas.product import product

revision = "hospital_appointments_0003"
down_revision = "hospital_appointments_0002"
branch_labels = None
depends_on = None

PHONE, PERSON = "patient phone", "patient person"
DOTS = str.maketrans(dict.fromkeys("·•‧∙⋅・ㆍ᛫ᐧ⸱⸳ꞏ●․.", "·"))
PATIENT = sa.table(
    "patient",
    sa.column("city_id", sa.BigInteger()),
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("sealed", sa.LargeBinary()),
    sa.column("phone_index", sa.String()),
    sa.column("person_index", sa.String()),
)


def upgrade() -> None:
    bind, keyring = op.get_bind(), product().keyring
    # Every key is opened before anything is changed: SQLite keeps what a failed upgrade has done.
    keys = {
        city_id: CityKeys(bind, keyring, city_id)
        for city_id in inside_each_city(bind)
        if bind.scalar(sa.select(PATIENT.c.id).where(_in(city_id)).limit(1)) is not None
    }
    op.create_table(
        "booking_turn",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_booking_turn"),
        sa.UniqueConstraint("city_id", "number", name="uq_booking_turn_city_id_number"),
    )
    isolate_city_tables("booking_turn")
    op.add_column(
        "patient", sa.Column("person_index", sa.String(), nullable=False, server_default="")
    )
    for city_id in inside_each_city(bind):
        query = sa.select(PATIENT.c.id, PATIENT.c.name, PATIENT.c.sealed).where(_in(city_id))
        for row in bind.execute(query).all():
            name, phone = _folded(row.name), _phone(keys[city_id].unseal(PHONE, row.sealed))
            bind.execute(
                sa.update(PATIENT)
                .where(_in(city_id), PATIENT.c.id == row.id)
                .values(
                    phone_index=keys[city_id].index(PHONE, phone),
                    person_index=keys[city_id].index(PERSON, f"{name}\n{phone}"),
                )
            )
    op.create_index("ix_patient_city_id_person_index", "patient", ["city_id", "person_index"])
    op.create_index("ix_appointment_city_id_patient_id", "appointment", ["city_id", "patient_id"])


def _in(city_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(PATIENT.c.city_id == city_id, PATIENT.c.sealed.is_not(None))


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).translate(DOTS).casefold()
    return "".join(one for one in plain if unicodedata.category(one) not in ("Zs", "Cc", "Cf"))


def _phone(typed: str) -> str:
    number = re.sub(r"[\s()./‐-―-]", "", unicodedata.normalize("NFKC", typed))
    number = re.sub(r"^00", "+", number)
    if found := re.fullmatch(r"(?:\+?86)(1[3-9][0-9]{9})", number, re.ASCII):
        return found[1]
    return re.sub(r"^\+860?(?=[0-9])", "0", number)
