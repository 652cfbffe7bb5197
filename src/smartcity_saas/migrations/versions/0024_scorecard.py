"""The scorecard: figures that cities enter, and a row a day of what each card came to."""

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables, keep_append_only

revision = "0024_scorecard"
down_revision = "0023_ratings"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scorecard_value",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_label", sa.String(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_scorecard_value"),
    )
    op.create_index(
        "ix_scorecard_value_city_id_edition",
        "scorecard_value",
        ["city_id", "edition", "item", "entered_at"],
    )
    isolate_city_tables("scorecard_value")
    keep_append_only("scorecard_value")
    op.create_table(
        "city_score",
        sa.Column("city_id", KEY, autoincrement=False, nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in (
                "low",
                "high",
                "by_hand",
                "computed_items",
                "by_hand_items",
                "missing_items",
            )
        ),
        sa.PrimaryKeyConstraint("city_id", "edition", "day", name="pk_city_score"),
    )
