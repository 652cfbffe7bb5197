"""One hash chain a city over its audit log; what stands there already is linked in its order."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from smartcity_saas.audit.hash_chain import BEGINNING, link_hash
from smartcity_saas.migrations.operations import (
    inside_each_city,
    isolate_city_tables,
    keep_append_only,
)

revision = "0003_audit_chain"
down_revision = "0002_money"
branch_labels = None
depends_on = None

AUDIT_LOG = "city_audit_event"


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_audit_head"),
        sa.UniqueConstraint("city_id", name="uq_audit_head_city_id"),
    )
    op.add_column(
        AUDIT_LOG, sa.Column("number", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    for name in ("previous", "hash", "origin", "reason"):
        op.add_column(AUDIT_LOG, sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.drop_column(AUDIT_LOG, "actor_label")  # the names of people: not in an audit log
    bind = op.get_bind()
    postgresql = bind.dialect.name == "postgresql"
    if not postgresql:
        for act in ("update", "delete"):
            op.execute(f'DROP TRIGGER "{AUDIT_LOG}_no_{act}"')
    for city_id in inside_each_city(bind):
        _link(bind, city_id)
    op.create_index(
        "uq_city_audit_event_city_id_number", AUDIT_LOG, ["city_id", "number"], unique=True
    )
    if not postgresql:
        keep_append_only(AUDIT_LOG)
    isolate_city_tables("audit_head")


def _link(bind: sa.Connection, city_id: int) -> None:
    events = sa.table(
        AUDIT_LOG,
        *(
            sa.column(name, kind)
            for name, kind in (
                ("city_id", sa.BigInteger()),
                ("id", sa.Uuid()),
                ("at", sa.DateTime(timezone=True)),
                ("actor", sa.String()),
                ("action", sa.String()),
                ("subject", sa.String()),
                ("detail", sa.JSON()),
                ("number", sa.BigInteger()),
                ("previous", sa.String()),
                ("hash", sa.String()),
            )
        ),
    )
    rows = bind.execute(
        sa.select(events).where(events.c.city_id == city_id).order_by(events.c.at, events.c.id)
    ).all()
    number, previous = 0, BEGINNING
    for row in rows:
        number += 1
        detail = json.loads(row.detail) if isinstance(row.detail, str) else row.detail
        at: datetime = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
        values = {
            "number": number,
            "id": row.id,
            "at": at,
            "actor": row.actor,
            "action": row.action,
            "subject": row.subject,
            "detail": detail,
            "origin": "",
            "reason": "",
        }
        found = link_hash({"city": city_id}, previous, values)
        bind.execute(
            sa.update(events)
            .where(events.c.city_id == city_id, events.c.id == row.id)
            .values(number=number, previous=previous, hash=found)
        )
        previous = found
    if number:
        head = sa.table(
            "audit_head",
            sa.column("city_id", sa.BigInteger()),
            sa.column("id", sa.Uuid()),
            sa.column("number", sa.BigInteger()),
            sa.column("hash", sa.String()),
        )
        bind.execute(
            sa.insert(head).values(city_id=city_id, id=row.id, number=number, hash=previous)
        )
