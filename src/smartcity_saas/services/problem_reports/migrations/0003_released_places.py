"""Whether everyone may read the place of a report, in the words of whoever reported it."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city

revision = "problem_reports_0003"
down_revision = "problem_reports_0002"
branch_labels = None
depends_on = None

REPORT = sa.table(
    "problem_report",
    sa.column("city_id", sa.BigInteger()),
    sa.column("resident_id", sa.Uuid()),
    sa.column("client_id", sa.String()),
    sa.column("place_released", sa.Boolean()),
)


def upgrade() -> None:
    bind = op.get_bind()
    op.add_column(
        "problem_report",
        sa.Column("place_released", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for city_id in inside_each_city(bind):
        bind.execute(
            sa.update(REPORT)
            .where(
                REPORT.c.city_id == city_id,
                sa.or_(REPORT.c.resident_id.is_not(None), REPORT.c.client_id.is_not(None)),
            )
            .values(place_released=True)
        )
