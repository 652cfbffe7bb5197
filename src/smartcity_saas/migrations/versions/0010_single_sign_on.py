"""Staff who come in by their province's provider, and acts that want a fresh proof."""

import sqlalchemy as sa
from alembic import op

revision = "0010_single_sign_on"
down_revision = "0009_counter"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("DELETE FROM staff_session")  # everyone signs in again, which is a proof
    op.add_column(
        "staff_session",
        sa.Column(
            "proved_at", MOMENT, nullable=False, server_default=sa.text("'1970-01-01 00:00:00+00'")
        ),
    )
    op.add_column("staff_session", sa.Column("province", sa.String(), nullable=True))
    op.add_column("staff_session", sa.Column("id_token", sa.LargeBinary(), nullable=True))
    op.add_column("staff_invitation", sa.Column("staff_id", sa.Uuid(), nullable=True))
    op.create_table(
        "staff_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        *(sa.Column(n, sa.String(), nullable=False) for n in ("province", "issuer", "subject")),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_identity_staff_id"),
        sa.UniqueConstraint(
            "province", "issuer", "subject", name="uq_staff_identity_province_issuer_subject"
        ),
        sa.UniqueConstraint("staff_id", name="uq_staff_identity_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_identity"),
    )
    op.create_table(
        "province_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(n, sa.String(), nullable=False) for n in ("province", "name", "updated_by")),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.UniqueConstraint("province", "name", name="uq_province_secret_province_name"),
        sa.PrimaryKeyConstraint("id", name="pk_province_secret"),
    )
