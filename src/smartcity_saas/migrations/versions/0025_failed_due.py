"""Tasks that were given up stay in ``city_due``, so that they can be counted across cities."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city

revision = "0025_failed_due"
down_revision = "0024_scorecard"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("city_due") as table:
        table.add_column(sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))
        table.alter_column("due_at", existing_type=sa.DateTime(timezone=True), nullable=True)
        table.create_check_constraint(
            "ck_city_due_due_or_failed", "(due_at IS NULL) = (failed_at IS NOT NULL)"
        )
    op.create_index("ix_city_due_failed_at", "city_due", ["failed_at"])
    bind = op.get_bind()
    for city_id in inside_each_city(bind):
        bind.execute(
            sa.text(
                "INSERT INTO city_due (city_id, task_id, failed_at)"
                " SELECT city_id, id, failed_at FROM outbox_task"
                " WHERE city_id = :city AND failed_at IS NOT NULL AND done_at IS NULL"
            ),
            {"city": city_id},
        )
