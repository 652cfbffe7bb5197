"""Channels, codes, linked identities, levels of assurance, consents."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from smartcity_saas.migrations.operations import isolate_city_tables

revision = "0004_residents"
down_revision = "0003_audit_chain"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _residents()
    _contacts()
    _made("sign_in_handshake", *_login_request(), sa.UniqueConstraint("city_id", "state_hash"))
    _made(
        "one_time_code",
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.UniqueConstraint("city_id", "browser_hash", "purpose"),
    )
    _made(
        "consent",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_consent_city_id_resident_id",
        ),
    )
    op.create_index("ix_consent_city_id_resident_id", "consent", ["city_id", "resident_id"])
    isolate_city_tables("sign_in_handshake", "one_time_code", "consent")


def _residents() -> None:
    op.add_column(
        "resident", sa.Column("assurance", sa.String(), nullable=False, server_default="none")
    )
    for name, kind in (
        ("consented", sa.String()),
        ("real_name", sa.LargeBinary()),
        ("number", sa.LargeBinary()),
        ("number_index", sa.String()),
        ("verified_by", sa.String()),
        ("verified_at", MOMENT),
        ("closed_at", MOMENT),
        ("merged_into", sa.Uuid()),
    ):
        op.add_column("resident", sa.Column(name, kind, nullable=True))
    with op.batch_alter_table("resident") as table:
        table.create_unique_constraint(
            "uq_resident_city_id_number_index", ["city_id", "number_index"]
        )
    op.add_column(
        "resident_identity", sa.Column("name", sa.String(), nullable=False, server_default="")
    )
    op.add_column("resident_identity", sa.Column("created_at", MOMENT, nullable=True))
    op.create_index(
        "ix_resident_identity_city_id_resident_id", "resident_identity", ["city_id", "resident_id"]
    )
    for name in ("channel", "device"):
        op.add_column(
            "resident_session", sa.Column(name, sa.String(), nullable=False, server_default="")
        )
    op.add_column("resident_session", sa.Column("id_token", sa.LargeBinary(), nullable=True))


def _contacts() -> None:
    """Contacts are sealed from now on. Nothing could verify one before, so none is lost."""
    op.drop_table("resident_contact")
    _made(
        "resident_contact",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["city_id", "resident_id"],
            ["resident.city_id", "resident.id"],
            name="fk_resident_contact_city_id_resident_id",
        ),
        sa.UniqueConstraint("city_id", "resident_id", "kind"),
    )
    isolate_city_tables("resident_contact")


def _login_request() -> list[sa.Column[Any]]:
    texts = ("state_hash", "browser_hash", "channel", "purpose", "nonce", "verifier")
    return [
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in (*texts, "redirect_uri", "next")
        ),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    ]


def _made(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("city_id", "id", name=f"pk_{name}"),
    )
