"""Who of the staff has seen whose data."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "0005_rights"
down_revision = "0004_residents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resident_access",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_resident_access_city_id_resident_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_resident_access"),
    )
    op.create_index(
        "ix_resident_access_city_id_resident_id_at",
        "resident_access",
        ["city_id", "resident_id", "at"],
    )
    isolate_city_tables("resident_access")
