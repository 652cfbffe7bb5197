"""The processes that serve, each with the version that it serves."""

import sqlalchemy as sa
from alembic import op

revision = "0028_serving_process"
down_revision = "0027_runners"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "serving_process",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_serving_process"),
    )
