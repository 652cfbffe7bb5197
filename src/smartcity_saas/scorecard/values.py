"""Figures that staff enter: one by one, each with its source and its day; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import NotFound
from smartcity_saas.scorecard.models import ScorecardValue
from smartcity_saas.scorecard.standard import Edition, Item

MOST_HUNDREDTHS = 10_000
LONGEST_SOURCE = 200
SHOWN = 50
"""How many entries a page of the history shows."""


def oldest_that_counts(today: date) -> date:
    """The day a year ago: what is of an earlier day is too old, and counts as missing."""
    try:
        return today.replace(year=today.year - 1)
    except ValueError:  # 29 February
        return today.replace(year=today.year - 1, day=28)


def current_values(edition: Edition) -> Mapping[str, ScorecardValue]:
    """What counts as entered in the current city, by the item's number: the newest of each that was
    not taken back. Whether it is too old is for the reader to see."""
    rows = db.session.scalars(
        select(ScorecardValue)
        .where(ScorecardValue.edition == edition.key)
        .order_by(ScorecardValue.entered_at, ScorecardValue.id)
    )
    newest = {row.item: row for row in rows}
    return {item: row for item, row in newest.items() if row.hundredths is not None}


def history(edition: Edition, item: Item) -> list[ScorecardValue]:
    """What was entered for an item, the newest first."""
    query = (
        select(ScorecardValue)
        .where(ScorecardValue.edition == edition.key, ScorecardValue.item == item.number)
        .order_by(ScorecardValue.entered_at.desc(), ScorecardValue.id.desc())
    )
    return list(db.session.scalars(query.limit(SHOWN)))


def changes(edition: Edition, page: int) -> tuple[list[ScorecardValue], bool]:
    """What was entered for any item, the newest first, a page at a time from 1, and whether there
    are older ones.

    Raises:
        NotFound: There is no such page; the first is always there.
    """
    own = ScorecardValue.edition == edition.key
    number = db.session.scalar(select(func.count()).select_from(ScorecardValue).where(own)) or 0
    before = (page - 1) * SHOWN
    if before and not 0 < before < number:
        raise NotFound(_("There are no entries on this page."))
    query = (
        select(ScorecardValue)
        .where(own)
        .order_by(ScorecardValue.entered_at.desc(), ScorecardValue.id.desc())
    )
    rows = db.session.scalars(query.offset(before).limit(SHOWN))
    return list(rows), before + SHOWN < number


def item_of(edition: Edition, number: str) -> Item:
    """The item of a number.

    Raises:
        NotFound: The edition has none, as far as it was read.
    """
    found = edition.item(number)
    if found is None:
        raise NotFound(_("This edition has no such item."))
    return found


def enter(
    actor: Actor,
    edition: Edition,
    item: Item,
    hundredths: int,
    source: str,
    as_of: date,
    now: datetime,
    *,
    sample: bool = False,
) -> ScorecardValue:
    """Enter how far the current city reaches an item, in hundredths of a percent."""
    with transaction():
        row = add_value(actor, edition, item, hundredths, source, as_of, now, sample=sample)
        record(actor, "scorecard.enter", item.number, {"edition": edition.standard}, now)
    return row


def take_back(actor: Actor, edition: Edition, item: Item, zone: str, now: datetime) -> None:
    """Take back what was entered for an item: it is missing again, and the history stays."""
    with transaction():
        if item.number in current_values(edition):
            add_value(actor, edition, item, None, "", today_in(zone, now), now)
            record(actor, "scorecard.take_back", item.number, {"edition": edition.standard}, now)


def add_value(
    actor: Actor,
    edition: Edition,
    item: Item,
    hundredths: int | None,
    source: str,
    as_of: date,
    now: datetime,
    *,
    sample: bool = False,
) -> ScorecardValue:
    """Store one entry, without a word in the audit log: for whoever writes one for many."""
    with transaction() as session:
        row = ScorecardValue(
            edition=edition.key,
            item=item.number,
            hundredths=hundredths,
            source=source,
            as_of=as_of,
            entered_at=now,
            author_label=actor.label,
            sample=sample,
        )
        session.add(row)
        session.flush()
    return row
