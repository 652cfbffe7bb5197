"""Of which service, and about what, somebody looked at a resident's data."""

import sqlalchemy as sa
from alembic import op

revision = "0031_access_subjects"
down_revision = "0030_host_ownership"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("resident_access", sa.Column("service", sa.String(), nullable=True))
    op.add_column("resident_access", sa.Column("subject", sa.String(), nullable=True))
