"""Acts on documents and accounts become links of chains too; what people write to an act stands
beside its chain. Acts that stand already are linked in their order, by place."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from smartcity_saas.audit.hash_chain import BEGINNING, link_hash
from smartcity_saas.migrations.operations import isolate_city_tables, keep_append_only

revision = "0012_trail_of_documents"
down_revision = "0011_counter_sessions"
branch_labels = None
depends_on = None

AUDIT_LOG = "audit_event"


def upgrade() -> None:
    op.create_table(
        "audit_place_head",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_audit_place_head"),
    )
    op.create_table(
        "audit_reason",
        sa.Column("city_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", "id", name="pk_audit_reason"),
        sa.ForeignKeyConstraint(
            ["city_id", "event_id"],
            ["city_audit_event.city_id", "city_audit_event.id"],
            name="fk_audit_reason_city_id_event_id",
        ),
        sa.UniqueConstraint("city_id", "event_id", name="uq_audit_reason_city_id_event_id"),
    )
    isolate_city_tables("audit_reason")
    for name in ("place", "previous", "hash", "origin"):
        op.add_column(AUDIT_LOG, sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column(
        AUDIT_LOG, sa.Column("number", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(f'DROP TRIGGER "{AUDIT_LOG}_no_{act}"')
    _link(bind)
    op.drop_index("ix_audit_event_subject_at", AUDIT_LOG)
    op.create_index("ix_audit_event_place_at", AUDIT_LOG, ["place", "at"])
    op.create_index("uq_audit_event_place_number", AUDIT_LOG, ["place", "number"], unique=True)
    keep_append_only(AUDIT_LOG)


def _link(bind: sa.Connection) -> None:
    kinds: dict[str, Any] = {
        "id": sa.Uuid(),
        "at": sa.DateTime(timezone=True),
        "detail": sa.JSON(),
        "number": sa.BigInteger(),
    }
    names = ("actor", "action", "subject", "place", "previous", "hash")
    events = sa.table(
        AUDIT_LOG, *(sa.column(name, kinds.get(name, sa.String())) for name in (*kinds, *names))
    )
    heads: dict[str, tuple[int, str]] = defaultdict(lambda: (0, BEGINNING))
    where = _places(bind)
    for row in bind.execute(sa.select(events).order_by(events.c.at, events.c.id)).all():
        place = _place(row, where)
        number, previous = heads[place][0] + 1, heads[place][1]
        at: datetime = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
        values = {
            "number": number,
            "id": row.id,
            "at": at,
            "actor": row.actor,
            "action": row.action,
            "subject": row.subject,
            "detail": json.loads(row.detail) if isinstance(row.detail, str) else row.detail,
            "origin": "",
        }
        found = link_hash({"place": place}, previous, values)
        bind.execute(
            sa.update(events)
            .where(events.c.id == row.id)
            .values(place=place, number=number, previous=previous, hash=found)
        )
        heads[place] = (number, found)
    head = sa.table(
        "audit_place_head",
        *(sa.column(name, kinds.get(name, sa.String())) for name in ("place", "number", "hash")),
    )
    for place, (number, last) in heads.items():
        bind.execute(sa.insert(head).values(place=place, number=number, hash=last))


def _place(row: Any, where: dict[str, str]) -> str:
    """The place of an act. Invitations of a province's were noted by its bare slug, which some
    city may have too: the roles tell."""
    subject: str = row.subject
    if ":" in subject:
        return where.get(subject, "platform")
    province = f"province:{subject}"
    detail = json.loads(row.detail) if isinstance(row.detail, str) else row.detail
    theirs = "province_admin" in detail.get("roles", ())
    return province if province in where and (theirs or subject not in where) else subject


def _places(bind: sa.Connection) -> dict[str, str]:
    """The place of every subject that is no document's own name: accounts, and documents that
    have a colon in theirs."""
    staff = bind.execute(sa.text("SELECT username, province, city FROM staff")).all()
    named = bind.execute(sa.text("SELECT name FROM document")).scalars().all()
    return {name: name for name in named} | {
        f"staff:{row.username}": row.city
        or (f"province:{row.province}" if row.province else "platform")
        for row in staff
    }
