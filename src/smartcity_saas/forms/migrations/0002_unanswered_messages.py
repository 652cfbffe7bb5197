"""Since when a resident's message waits for the desk."""

import sqlalchemy as sa
from alembic import op

revision = "forms_0002"
down_revision = "forms_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "application", sa.Column("unanswered_since", sa.DateTime(timezone=True), nullable=True)
    )
