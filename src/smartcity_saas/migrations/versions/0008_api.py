"""Machine clients, their tokens, and answers that are given again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "0008_api"
down_revision = "0007_credentials"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _made(
        "api_client",
        *(sa.Column(n, sa.String(), nullable=False) for n in ("client_id", "name", "secret_hash")),
        sa.Column("before_hash", sa.String(), nullable=True),
        sa.Column("before_until", MOMENT, nullable=True),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.UniqueConstraint("city_id", "client_id", name="uq_api_client_city_id_client_id"),
    )
    _made(
        "api_token",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["city_id", "client_id"],
            ["api_client.city_id", "api_client.id"],
            name="fk_api_token_city_id_client_id",
        ),
        sa.UniqueConstraint("city_id", "token_hash", name="uq_api_token_city_id_token_hash"),
    )
    op.create_index("ix_api_token_city_id_client_id", "api_token", ["city_id", "client_id"])
    _made(
        "api_answer",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("owner", "key", "mark")),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("held_until", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.UniqueConstraint("city_id", "owner", "key", name="uq_api_answer_city_id_owner_key"),
    )
    op.create_index("ix_api_answer_city_id_expires_at", "api_answer", ["city_id", "expires_at"])
    isolate_city_tables("api_client", "api_token", "api_answer")


def _made(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("city_id", "id", name=f"pk_{name}"),
    )
