"""Staff who act for residents at the counter."""

import sqlalchemy as sa
from alembic import op

revision = "0009_counter"
down_revision = "0008_api"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("resident_session", sa.Column("acting", sa.String(), nullable=True))
