"""Bills are paid by payments."""

import sqlalchemy as sa
from alembic import op

revision = "utility_bills_0002"
down_revision = "utility_bills_0001"
branch_labels = None
depends_on = "0002_money"


def upgrade() -> None:
    # SQLite makes the table anew, without the checks that it does not tell of: said again here.
    checks = (
        sa.CheckConstraint("amount >= 0", name="ck_utility_bill_amount"),
        sa.CheckConstraint("usage >= 0", name="ck_utility_bill_usage"),
    )
    with op.batch_alter_table("utility_bill", table_args=checks) as table:
        table.add_column(sa.Column("payment_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            "fk_utility_bill_city_id_payment_id",
            "payment",
            ["city_id", "payment_id"],
            ["city_id", "id"],
        )
    op.create_index("ix_utility_bill_city_id_due_on", "utility_bill", ["city_id", "due_on"])
