"""How the file of a roll-out was read: its encoding, and the columns that nobody reads."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.database.models import Json

revision = "0019_rollout_reading"
down_revision = "0018_passkeys_once"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rollout", sa.Column("encoding", sa.String(), nullable=False, server_default=""))
    op.add_column("rollout", sa.Column("unread", Json, nullable=False, server_default="[]"))
