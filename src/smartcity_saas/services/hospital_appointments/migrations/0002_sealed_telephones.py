"""Telephones of patients, sealed with the city's key and found by an index."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city
from smartcity_saas.migrations.sealing import CityKeys
from smartcity_saas.product import product

revision = "hospital_appointments_0002"
down_revision = "hospital_appointments_0001"
branch_labels = None
depends_on = "0007_credentials"

KIND = "patient phone"
PATIENT = sa.table(
    "patient",
    sa.column("city_id", sa.BigInteger()),
    sa.column("id", sa.Uuid()),
    sa.column("phone", sa.String()),
    sa.column("sealed", sa.LargeBinary()),
    sa.column("shown", sa.String()),
    sa.column("phone_index", sa.String()),
)


def upgrade() -> None:
    bind, keyring = op.get_bind(), product().keyring
    # Every key is opened before anything is changed: SQLite keeps what a failed upgrade has done.
    keys = {
        city_id: CityKeys(bind, keyring, city_id)
        for city_id in inside_each_city(bind)
        if bind.scalar(sa.select(PATIENT.c.id).where(_in(city_id)).limit(1)) is not None
    }
    op.add_column("patient", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    for name in ("shown", "phone_index"):
        op.add_column("patient", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for city_id in inside_each_city(bind):
        query = sa.select(PATIENT.c.id, PATIENT.c.phone).where(_in(city_id))
        for row in bind.execute(query).all():
            bind.execute(
                sa.update(PATIENT)
                .where(_in(city_id), PATIENT.c.id == row.id)
                .values(
                    sealed=keys[city_id].seal(KIND, row.phone),
                    shown=_masked(row.phone),
                    phone_index=keys[city_id].index(KIND, row.phone),
                )
            )
    op.drop_column("patient", "phone")
    if (
        bind.dialect.name == "postgresql"
    ):  # a dropped column stays in the file until it is rewritten
        op.execute("CLUSTER patient USING pk_patient")
    op.create_index("ix_patient_city_id_phone_index", "patient", ["city_id", "phone_index"])


def _in(city_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(PATIENT.c.city_id == city_id, PATIENT.c.phone != "")


def _masked(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 10 else f"****{phone[-2:]}"
