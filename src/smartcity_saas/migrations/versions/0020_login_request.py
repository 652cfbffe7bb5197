"""The table of login requests by its model's name; those under way go on."""

from alembic import op

revision = "0020_login_request"
down_revision = "0019_rollout_reading"
branch_labels = None
depends_on = None

OLD, NEW = "sign_in_handshake", "login_request"
UNIQUE = "city_id_state_hash"


def upgrade() -> None:
    op.rename_table(OLD, NEW)  # row-level security and privileges go with it
    if op.get_bind().dialect.name == "postgresql":
        for old, new in ((f"pk_{OLD}", f"pk_{NEW}"), (f"uq_{OLD}_{UNIQUE}", f"uq_{NEW}_{UNIQUE}")):
            op.execute(f"ALTER TABLE {NEW} RENAME CONSTRAINT {old} TO {new}")
        return
    with op.batch_alter_table(NEW, recreate="always") as table:
        table.drop_constraint(f"uq_{OLD}_{UNIQUE}", type_="unique")
        table.create_unique_constraint(f"uq_{NEW}_{UNIQUE}", ["city_id", "state_hash"])
