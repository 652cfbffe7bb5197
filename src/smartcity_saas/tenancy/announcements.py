"""Announcements: a city's own rows, written on the console, shown on its site."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import Index, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.audit import Actor, record
from smartcity_saas.database import CityModel, db, transaction
from smartcity_saas.errors import NotFound


class Announcement(CityModel):
    """One announcement, in both languages. Withdrawn, it stays as a row and leaves the site.
    ``changed_at`` is when it was last published, withdrawn or put back; None where that was before
    it was noted."""

    __tablename__ = "announcement"
    __table_args__ = (Index("ix_announcement_city_id_published_at", "city_id", "published_at"),)

    title: Mapped[dict[str, str]]
    body: Mapped[dict[str, str]]
    source: Mapped[dict[str, str]]
    urgent: Mapped[bool] = mapped_column(default=False)
    sample: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    author_label: Mapped[str] = mapped_column(Text)


def published(limit: int = 50) -> list[Announcement]:
    """What the site shows, the urgent first, then the newest."""
    return list(
        db.session.scalars(
            select(Announcement)
            .where(Announcement.withdrawn_at.is_(None))
            .order_by(Announcement.urgent.desc(), Announcement.published_at.desc())
            .limit(limit)
        )
    )


def all_announcements(limit: int = 100) -> list[Announcement]:
    """All of them, withdrawn ones included, the newest first."""
    query = select(Announcement).order_by(Announcement.published_at.desc()).limit(limit)
    return list(db.session.scalars(query))


def announcement(announcement_id: uuid.UUID, *, withdrawn: bool = False) -> Announcement:
    """One announcement of this city.

    Raises:
        NotFound: There is none, or it is withdrawn.
    """
    found = db.session.scalars(
        select(Announcement).where(Announcement.id == announcement_id)
    ).one_or_none()
    if found is None or (found.withdrawn_at is not None and not withdrawn):
        raise NotFound(_("We cannot find that announcement."))
    return found


def last_change() -> datetime | None:
    """When an announcement was last published, withdrawn or put back; None where there is none."""
    noted = func.coalesce(
        Announcement.changed_at, Announcement.withdrawn_at, Announcement.published_at
    )
    found: datetime | None = db.session.scalar(select(func.max(noted)))
    return found


def publish(
    actor: Actor,
    title: Mapping[str, str],
    body: Mapping[str, str],
    source: Mapping[str, str],
    now: datetime,
    *,
    urgent: bool = False,
    sample: bool = False,
) -> Announcement:
    """Put an announcement on the site of the current city."""
    with transaction() as session:
        row = Announcement(
            title=dict(title),
            body=dict(body),
            source=dict(source),
            urgent=urgent,
            sample=sample,
            published_at=now,
            changed_at=now,
            author_label=actor.label,
        )
        session.add(row)
        session.flush()
        record(actor, "announcement.publish", str(row.id), {"title": row.title}, now)
    return row


def withdraw(
    actor: Actor, announcement_id: uuid.UUID, now: datetime, *, back: bool = False
) -> None:
    """Take an announcement off the site, or put it back.

    Raises:
        NotFound: There is none.
    """
    with transaction():
        row = announcement(announcement_id, withdrawn=True)
        row.withdrawn_at = None if back else now
        row.changed_at = now
        action = "announcement.restore" if back else "announcement.withdraw"
        record(actor, action, str(row.id), {"title": row.title}, now)
