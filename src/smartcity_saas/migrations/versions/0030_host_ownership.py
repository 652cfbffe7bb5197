"""Hosts of cities' own, each with what DNS says of whose it is.

What led to a city before goes on to (``earlier``): nobody was asked for a record then. The release
before this one still writes ``host_claim`` alone while this one is rolled out; what it adds there is
taken for earlier too. Exempt are the domains that nobody can have (RFC 2606, section 2).
"""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0030_host_ownership"
down_revision = "0029_quota_use"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
EXEMPT = ("%.example", "%.invalid", "%.localhost", "%.test")


def upgrade() -> None:
    op.add_column("installation", sa.Column("challenge_key", sa.String(), nullable=True))
    table = op.create_table(
        "host_ownership",
        sa.Column("document_id", KEY, nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("proved_at", MOMENT, nullable=True),
        sa.Column("record_name", sa.String(), nullable=True),
        sa.Column("missing_since", MOMENT, nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("finding", sa.String(), nullable=True),
        sa.Column("seen", sa.String(), nullable=True),
        sa.Column("check_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name="fk_host_ownership_document_id"
        ),
        sa.PrimaryKeyConstraint("document_id", "host", name="pk_host_ownership"),
    )
    op.create_index("ix_host_ownership_check_at", "host_ownership", ["check_at"])
    bind = op.get_bind()
    claim = sa.table("host_claim", sa.column("host"), sa.column("document_id"))
    claims = bind.execute(
        sa.select(claim.c.document_id, claim.c.host).where(
            *(claim.c.host.not_like(ending) for ending in EXEMPT)
        )
    ).all()
    if not claims:
        return
    now = datetime.now(UTC)
    op.bulk_insert(
        table,
        [
            {
                "document_id": document_id,
                "host": host,
                "state": "earlier",
                "claimed_at": now,
                "check_at": now,
            }
            for document_id, host in claims
        ],
    )
    installation = sa.table("installation", sa.column("challenge_key"))
    bind.execute(installation.update().values(challenge_key=secrets.token_hex(32)))
