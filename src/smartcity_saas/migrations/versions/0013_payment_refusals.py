"""Why a payment could not begin, and why a refund failed."""

import sqlalchemy as sa
from alembic import op

revision = "0013_payment_refusals"
down_revision = "0012_trail_of_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment", sa.Column("refusal", sa.String(), nullable=True))
    op.add_column("refund", sa.Column("failure", sa.String(), nullable=True))
