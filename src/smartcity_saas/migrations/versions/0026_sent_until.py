"""Which tasks a dispatcher has sent to the workers of a queue."""

import sqlalchemy as sa
from alembic import op

revision = "0026_sent_until"
down_revision = "0025_failed_due"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("city_due", sa.Column("sent_until", sa.DateTime(timezone=True), nullable=True))
    sent = sa.text("sent_until IS NOT NULL")
    op.create_index(
        "ix_city_due_sent_until",
        "city_due",
        ["sent_until"],
        postgresql_where=sent,
        sqlite_where=sent,
    )
