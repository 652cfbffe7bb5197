"""The processes that work for all cities, each with a row of its own.

``installation.worker_seen_at`` stays for the release before, which reads and writes it while this one
is rolled out; the release after this one drops it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027_runners"
down_revision = "0026_sent_until"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "runner_process",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runner_process"),
    )
