"""Positions as everyone is told them, to be looked for by."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city

revision = "problem_reports_0002"
down_revision = "problem_reports_0001"
branch_labels = None
depends_on = None

REPORT = sa.table(
    "problem_report",
    sa.column("city_id", sa.BigInteger()),
    sa.column("id", sa.Uuid()),
    sa.column("latitude", sa.Double()),
    sa.column("longitude", sa.Double()),
    sa.column("public_latitude", sa.Double()),
    sa.column("public_longitude", sa.Double()),
)
PUBLIC_DECIMALS = 3


def upgrade() -> None:
    bind = op.get_bind()
    for name in ("public_latitude", "public_longitude"):
        op.add_column("problem_report", sa.Column(name, sa.Double(), nullable=True))
    for city_id in inside_each_city(bind):
        query = sa.select(REPORT.c.id, REPORT.c.latitude, REPORT.c.longitude).where(
            REPORT.c.city_id == city_id, REPORT.c.latitude.is_not(None)
        )
        for row in bind.execute(query).all():
            bind.execute(
                sa.update(REPORT)
                .where(REPORT.c.city_id == city_id, REPORT.c.id == row.id)
                .values(
                    public_latitude=round(row.latitude, PUBLIC_DECIMALS),
                    public_longitude=round(row.longitude, PUBLIC_DECIMALS),
                )
            )
    op.create_index(
        "ix_problem_report_city_id_category_public_latitude",
        "problem_report",
        ["city_id", "category", "public_latitude", "public_longitude"],
    )
