"""Roles as data, invitations, second factors."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_staff"
down_revision = "0005_rights"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
NEW_NAMES = {"city_staff": "city_admin"}


def upgrade() -> None:
    _roles()
    op.add_column("staff", sa.Column("mail", sa.String(), nullable=True))
    op.execute("DELETE FROM staff_session")  # everyone signs in again, with a second factor
    op.add_column(
        "staff_session",
        sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "staff_session", sa.Column("device", sa.String(), nullable=False, server_default="")
    )
    op.create_table(
        "staff_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roles", JSON, nullable=False),
        sa.Column("province", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_invitation"),
        sa.UniqueConstraint("token_hash", name="uq_staff_invitation_token_hash"),
    )
    op.create_table(
        "staff_factor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=True),
        sa.Column("last_used", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_factor_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_factor"),
    )
    op.create_index("ix_staff_factor_staff_id", "staff_factor", ["staff_id"])
    op.create_table(
        "staff_recovery_code",
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_recovery_code_staff_id"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_staff_recovery_code"),
    )
    op.create_index("ix_staff_recovery_code_staff_id", "staff_recovery_code", ["staff_id"])


def _roles() -> None:
    op.add_column("staff", sa.Column("roles", JSON, nullable=False, server_default="[]"))
    bind = op.get_bind()
    for staff_id, role in bind.execute(sa.text("SELECT id, role FROM staff")).all():
        bind.execute(
            sa.text("UPDATE staff SET roles = :roles WHERE id = :id").bindparams(
                sa.bindparam("roles", json.dumps([NEW_NAMES.get(role, role)]), sa.Text()),
                sa.bindparam("id", staff_id),
            )
            if bind.dialect.name == "sqlite"
            else sa.text(
                "UPDATE staff SET roles = CAST(:roles AS jsonb) WHERE id = :id"
            ).bindparams(roles=json.dumps([NEW_NAMES.get(role, role)]), id=staff_id)
        )
    op.drop_column("staff", "role")
