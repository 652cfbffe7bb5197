"""Fees that are paid ahead of the visit or after it."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "hospital_appointments_0004"
down_revision = "hospital_appointments_0003"
branch_labels = None
depends_on = "0002_money"

TABLE = "appointment_fee"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("pays", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pay_days", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("city_id", "id", name=f"pk_{TABLE}"),
        *(
            sa.ForeignKeyConstraint(
                ["city_id", f"{to}_id"],
                [f"{to}.city_id", f"{to}.id"],
                name=f"fk_{TABLE}_city_id_{to}_id",
            )
            for to in ("appointment", "resident", "payment")
        ),
        sa.UniqueConstraint("city_id", "appointment_id", name=f"uq_{TABLE}_city_id_appointment_id"),
        sa.CheckConstraint("amount > 0", name=f"ck_{TABLE}_amount"),
        sa.CheckConstraint("pays IN ('ahead', 'after')", name=f"ck_{TABLE}_pays"),
    )
    op.create_index(f"ix_{TABLE}_city_id_resident_id", TABLE, ["city_id", "resident_id"])
    op.create_index(f"ix_{TABLE}_city_id_state_due_on", TABLE, ["city_id", "state", "due_on"])
    isolate_city_tables(TABLE)
