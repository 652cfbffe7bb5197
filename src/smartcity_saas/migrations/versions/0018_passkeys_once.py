"""A passkey is registered once, with whichever account (WebAuthn): the oldest row of each stays."""

import sqlalchemy as sa
from alembic import op

revision = "0018_passkeys_once"
down_revision = "0017_master_mark"
branch_labels = None
depends_on = None

_FACTOR = sa.table(
    "staff_factor",
    sa.column("id", sa.Uuid()),
    sa.column("credential_id", sa.LargeBinary()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    """Take away what was registered again, then let nothing be."""
    rows = op.get_bind().execute(
        sa.select(_FACTOR.c.id, _FACTOR.c.credential_id)
        .where(_FACTOR.c.credential_id.is_not(None))
        .order_by(_FACTOR.c.created_at, _FACTOR.c.id)
    )
    seen: set[bytes] = set()
    for key, credential in rows.all():
        if bytes(credential) in seen:
            op.get_bind().execute(sa.delete(_FACTOR).where(_FACTOR.c.id == key))
        seen.add(bytes(credential))
    op.create_index("uq_staff_factor_credential_id", "staff_factor", ["credential_id"], unique=True)


def downgrade() -> None:
    """Let one be registered twice again."""
    op.drop_index("uq_staff_factor_credential_id", "staff_factor")
