"""By when what is missing is to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "forms_0003"
down_revision = "forms_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("application", sa.Column("supply_by", sa.Date(), nullable=True))
