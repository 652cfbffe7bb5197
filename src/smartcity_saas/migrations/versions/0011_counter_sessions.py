"""Sessions at the counter end with the console's session that began them, and know why."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import inside_each_city

revision = "0011_counter_sessions"
down_revision = "0010_single_sign_on"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("resident_session", sa.Column("acting_by", sa.String(), nullable=True))
    op.add_column(
        "resident_session",
        sa.Column("acting_why", sa.String(), nullable=False, server_default=""),
    )
    op.add_column(
        "sign_in_handshake", sa.Column("why", sa.String(), nullable=False, server_default="")
    )
    sessions = sa.table(
        "resident_session", sa.column("city_id", sa.BigInteger()), sa.column("acting", sa.String())
    )
    bind = op.get_bind()
    for city_id in inside_each_city(bind):  # whoever acts now begins anew
        bind.execute(
            sa.delete(sessions).where(sessions.c.city_id == city_id, sessions.c.acting.is_not(None))
        )
