"""Which forms were sent already, so that one that is sent twice is one report."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "problem_reports_0004"
down_revision = "problem_reports_0003"
branch_labels = None
depends_on = None

TABLE = "problem_report_form"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form_hash", sa.String(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "report_id"],
            ["problem_report.city_id", "problem_report.id"],
            name=f"fk_{TABLE}_city_id_report_id",
        ),
        sa.PrimaryKeyConstraint("city_id", "id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("city_id", "form_hash", name=f"uq_{TABLE}_city_id_form_hash"),
    )
    op.create_index(
        f"ix_{TABLE}_city_id_created_at", TABLE, ["city_id", "created_at"], unique=False
    )
    op.create_index(f"ix_{TABLE}_city_id_report_id", TABLE, ["city_id", "report_id"], unique=False)
    isolate_city_tables(TABLE)
