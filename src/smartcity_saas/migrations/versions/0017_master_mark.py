"""Which master key the database belongs to, and when its worker was last seen."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from smartcity_saas.credentials.keyring import MARK_LENGTH
from smartcity_saas.database.models import Json
from smartcity_saas.migrations.operations import inside_each_city

revision = "0017_master_mark"
down_revision = "0016_secret_uses"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
_INSTALLATION = sa.table("installation", sa.column("older_marks", Json))


def upgrade() -> None:
    op.add_column("installation", sa.Column("master_mark", sa.String(), nullable=True))
    op.add_column(
        "installation", sa.Column("older_marks", Json, nullable=False, server_default="[]")
    )
    op.add_column("installation", sa.Column("worker_seen_at", MOMENT, nullable=True))
    bind = op.get_bind()
    # Whoever starts next has to know all of them; its own then becomes the present one.
    marks = sorted({*_of_cities(bind), *_of_the_platform(bind)})
    bind.execute(sa.update(_INSTALLATION).values(older_marks=marks))


def _of_cities(bind: sa.Connection) -> Iterator[str]:
    for city_id in inside_each_city(bind):
        query = sa.text("SELECT master_mark FROM city_key WHERE city_id = :city")
        yield from bind.execute(query, {"city": city_id}).scalars()


def _of_the_platform(bind: sa.Connection) -> Iterator[str]:
    """The marks before what the master key itself has sealed."""
    for table, column, where in (
        ("province_secret", "sealed", "1 = 1"),
        ("staff_factor", "secret", "kind = 'totp'"),
    ):
        query = sa.text(f"SELECT {column} FROM {table} WHERE {where}")  # noqa: S608 -- our words
        for sealed in bind.execute(query).scalars():
            yield bytes(sealed)[:MARK_LENGTH].decode("ascii", "replace")
