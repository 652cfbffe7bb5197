"""Telephones of patients, sealed with the city's key and found by an index."""

import sqlalchemy as sa
from alembic import op
from flask import current_app

from smartcity_saas.migrations.operations import inside_each_city
from smartcity_saas.migrations.sealing import CityKeys

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
    op.add_column("patient", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    for name in ("shown", "phone_index"):
        op.add_column("patient", sa.Column(name, sa.String(), nullable=False, server_default=""))
    bind = op.get_bind()
    for city_id in inside_each_city(bind):
        rows = bind.execute(
            sa.select(PATIENT.c.id, PATIENT.c.phone).where(
                PATIENT.c.city_id == city_id, PATIENT.c.phone != ""
            )
        ).all()
        if not rows:
            continue
        keys = CityKeys(bind, current_app.extensions["keyring"], city_id)
        for row in rows:
            bind.execute(
                sa.update(PATIENT)
                .where(PATIENT.c.city_id == city_id, PATIENT.c.id == row.id)
                .values(
                    sealed=keys.seal(KIND, row.phone),
                    shown=_masked(row.phone),
                    phone_index=keys.index(KIND, row.phone),
                )
            )
    op.drop_column("patient", "phone")
    op.create_index("ix_patient_city_id_phone_index", "patient", ["city_id", "phone_index"])


def _masked(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 10 else f"****{phone[-2:]}"
