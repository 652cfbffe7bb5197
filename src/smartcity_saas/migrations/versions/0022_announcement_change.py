"""When an announcement was last published, withdrawn or put back: for whoever takes it as data."""

import sqlalchemy as sa
from alembic import op

revision = "0022_announcement_change"
down_revision = "0021_measures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("announcement", sa.Column("changed_at", sa.DateTime(timezone=True)))
