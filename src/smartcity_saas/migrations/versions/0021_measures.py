"""Measures: what is counted is appended, and added to its day by the worker."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021_measures"
down_revision = "0020_login_request"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "measure_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("city_id", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        *_what(),
        sa.PrimaryKeyConstraint("id", name="pk_measure_event"),
    )
    op.create_index("ix_measure_event_city_id_day", "measure_event", ["city_id", "day"])
    op.create_table(
        "city_measure",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *_what(),
        sa.PrimaryKeyConstraint(
            *("city_id", "day", "service", "channel", "measure", "detail"), name="pk_city_measure"
        ),
    )
    op.create_table(
        "city_hour",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        *(column for column in _what() if column.name != "channel"),
        sa.PrimaryKeyConstraint(
            *("city_id", "day", "hour", "service", "measure", "detail"), name="pk_city_hour"
        ),
    )
    op.create_table(
        "city_measure_day",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "day", name="pk_city_measure_day"),
    )
    # What was counted until now knew no service: it stays as use of the city as a whole.
    op.execute(
        "INSERT INTO city_measure (city_id, day, service, channel, measure, detail, value)"
        " SELECT city_id, day, '', 'none', CASE metric WHEN 'sign_ins' THEN 'sign_in' ELSE 'done' END,"
        " '', value FROM city_count WHERE metric IN ('done', 'sign_ins')"
    )
    op.execute(
        "INSERT INTO city_measure_day (city_id, day, version)"
        " SELECT DISTINCT city_id, day, 1 FROM city_measure"
    )
    op.drop_table("city_count")


def _what() -> list[sa.Column[Any]]:
    return [
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
    ]
