"""What each city took of its quotas, by hour."""

import sqlalchemy as sa
from alembic import op

revision = "0029_quota_use"
down_revision = "0028_serving_process"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "quota_use",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quota", sa.String(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "began_at", "quota", name="pk_quota_use"),
    )
