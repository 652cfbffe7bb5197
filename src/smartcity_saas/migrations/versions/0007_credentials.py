"""Rotation with overlap, last use and probes of secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0007_credentials"
down_revision = "0006_staff"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name, kind in (
        ("before", sa.LargeBinary()),
        ("before_until", MOMENT),
        ("used_at", MOMENT),
        ("probed_at", MOMENT),
        ("probe_ok", sa.Boolean()),
    ):
        op.add_column("credential", sa.Column(name, kind, nullable=True))
    for name in ("updated_by", "probe_detail"):
        op.add_column("credential", sa.Column(name, sa.String(), nullable=False, server_default=""))
