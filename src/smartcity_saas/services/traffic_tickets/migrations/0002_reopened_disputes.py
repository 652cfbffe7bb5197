"""A dispute that was lost may be opened again, once."""

import sqlalchemy as sa
from alembic import op

revision = "traffic_tickets_0002"
down_revision = "traffic_tickets_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dispute", sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("dispute", sa.Column("reopened_reason", sa.String(), nullable=True))
    op.add_column("dispute", sa.Column("first_answer", sa.String(), nullable=True))
