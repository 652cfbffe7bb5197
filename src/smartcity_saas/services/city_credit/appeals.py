"""Appeals against entries, with a clock: answered in time, or decided for the resident.

Personal Information Protection Law: article 46 (whoever finds what is held of them wrong may have it
corrected) and article 24 (of an automated decision, its reasons, and a person to decide): the desk
answers, with a reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.catalog.objections import (
    photo_content,
    photo_keys,
    read_answer,
    read_objection,
)
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import Conflict, FieldErrors, NotFound
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.measures import Measure, count
from smartcity_saas.notifications import notify
from smartcity_saas.services.city_credit.entries import own_entry
from smartcity_saas.services.city_credit.figures import count_decision
from smartcity_saas.services.city_credit.membership import (
    appeal_key,
    forget_appeals,
    locked_membership,
)
from smartcity_saas.services.city_credit.models import (
    MOST_AT_ONCE,
    AppealState,
    CreditAppeal,
    CreditAppealPhoto,
    CreditEntry,
)
from smartcity_saas.services.city_credit.names import ROOT, SERVICE
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.services.city_credit.standing import counts_on
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import both, local
from smartcity_saas.working_days import (
    working_days_after,
    working_days_until,
)

MOST_TRIES = 10
MOST_SHOWN = 100
SHOWN_FOR = timedelta(days=30)
"""How long the desk is shown what was decided for want of an answer."""


@dataclass(frozen=True)
class AppealClock:
    """Where an appeal stands in its time: working days in all and left, and the last of them."""

    days: int
    left: int
    due_on: date


def appeal(
    resident: SignedInResident,
    entry_id: uuid.UUID,
    reason: str,
    photos: Sequence[bytes],
    now: datetime,
    claimed: int | None = None,
) -> CreditAppeal:
    """Object to an entry that adds less than it could; until it is answered, it adds all. Of an
    entry that counts how much was done, ``claimed`` says how much it should be; until it is
    answered, it adds what it did. After a withdrawal there is one more, whose clock goes on from
    where the first one's stopped.

    Raises:
        NotFound: It is no entry of the resident's.
        FieldErrors: The reason is too short or long, a file no photograph, or ``claimed`` no more
            than is recorded.
        Conflict: The entry adds all it can, counts no longer, or was appealed before.
        Throttled: Too many tries.
    """
    require_appealable(own_entry(resident, entry_id), now)
    count_attempt(ResidentAttempt, f"credit:{resident.id}", MOST_TRIES, now)
    objection = read_objection(reason, photos)
    city = current_city()
    today = today_in(city.timezone, now)
    with transaction() as session:
        locked_membership(resident.id)
        entry = own_entry(resident, entry_id)
        require_appealable(entry, now)
        if entry.has_amount:
            entry.claimed = _more_than(entry.quantity, claimed)
        earlier = _appeal_of(entry_id)
        days = _days_to_answer(earlier)
        forget_appeals(CreditAppeal.entry_id == entry_id)  # one that was withdrawn
        row = CreditAppeal(
            resident_id=resident.id,
            entry_id=entry_id,
            reason=objection.reason,
            state=AppealState.OPEN,
            due_on=working_days_after(today, days),
            again=earlier is not None,
            created_at=now,
        )
        session.add(row)
        session.flush()
        session.add_all(
            CreditAppealPhoto(appeal_id=row.id, content=data, created_at=now)
            for data in objection.photos
        )
        record(resident.actor, f"{SERVICE}.appeal", str(row.id), {}, now)
        count(SERVICE, Measure.BEGUN, now)
    return row


def withdraw_appeal(resident: SignedInResident, appeal_id: uuid.UUID, now: datetime) -> None:
    """Take an appeal back: the entry counts as it did before, and nothing was decided.

    Raises:
        NotFound: It is no appeal of the resident's.
        Conflict: It has been answered.
    """
    with transaction():
        row = _locked(appeal_id)
        if row.resident_id != resident.id:
            raise NotFound(_("We cannot find that appeal."))
        _require_open(row)
        row.decide(AppealState.WITHDRAWN, "", "", now)
        record(resident.actor, f"{SERVICE}.withdraw", str(row.id), {}, now)
        count(SERVICE, Measure.CALLED_OFF, now)


def answer(actor: Actor, appeal_id: uuid.UUID, decision: str, words: str, now: datetime) -> None:
    """Answer an appeal: it is upheld, or rejected with a reason.

    Raises:
        NotFound: There is no such appeal.
        FieldErrors: No decision, or no words.
        Conflict: It has been answered, withdrawn, or decided for the resident for want of an answer.
    """
    errors: dict[str, Any] = {}
    if decision not in (AppealState.UPHELD, AppealState.REJECTED):
        errors["decision"] = _("Choose whether the resident is right.")
    words = read_answer(words, errors)
    with transaction():
        row = _locked(appeal_id)
        if row.is_open and today_in(current_city().timezone, now) > row.due_on:
            _decide_overdue(row, now)
            late = True
        else:
            late = False
            _require_open(row)
            row.decide(AppealState(decision), words, actor.label, now)
            count_decision(row, now)
            record(actor, f"{SERVICE}.{row.state.value}", str(row.id), {}, now)
            count(SERVICE, Measure.DONE, now, waited=now - row.created_at)
            _tell(row, now)
    if late:
        raise Conflict(_("The time for an answer is over. It was decided for the resident."))


def decide_overdue(now: datetime) -> None:
    """Decide for the resident what nobody answered in time."""
    today = today_in(current_city().timezone, now)
    query = select(CreditAppeal.id).where(
        CreditAppeal.state == AppealState.OPEN, CreditAppeal.due_on < today
    )
    for appeal_id in list(db.session.scalars(query)):
        with transaction(), suppress(NotFound):  # its resident has left meanwhile
            row = _locked(appeal_id)
            if row.is_open:
                _decide_overdue(row, now)


def clock_of(row: CreditAppeal, now: datetime) -> AppealClock:
    """How much of its time is left, in working days of the city."""
    zone = current_city().timezone
    today = today_in(zone, now)
    began = today_in(zone, row.created_at)
    return AppealClock(
        working_days_until(began, row.due_on), working_days_until(today, row.due_on), row.due_on
    )


def open_appeals() -> list[CreditAppeal]:
    """Appeals that wait for an answer, those due first before the others."""
    query = select(CreditAppeal).where(CreditAppeal.state == AppealState.OPEN)
    return list(
        db.session.scalars(
            query.order_by(CreditAppeal.due_on, CreditAppeal.created_at).limit(MOST_SHOWN)
        )
    )


def lately_overdue(now: datetime) -> list[CreditAppeal]:
    """Appeals of the last thirty days that were decided for the resident because nobody answered,
    the newest first."""
    query = select(CreditAppeal).where(
        CreditAppeal.state == AppealState.OVERDUE, CreditAppeal.answered_at >= now - SHOWN_FOR
    )
    newest = query.order_by(CreditAppeal.answered_at.desc()).limit(MOST_SHOWN)
    return list(db.session.scalars(newest))


def one_appeal(appeal_id: uuid.UUID) -> CreditAppeal:
    """One appeal.

    Raises:
        NotFound: There is none.
    """
    return one_or_404(
        select(CreditAppeal).where(CreditAppeal.id == appeal_id), _("We cannot find that appeal.")
    )


def photos_of(appeal_id: uuid.UUID) -> list[uuid.UUID]:
    """The keys of an appeal's photographs."""
    return photo_keys(CreditAppealPhoto, CreditAppealPhoto.appeal_id, appeal_id)


def photo(photo_id: uuid.UUID, resident: SignedInResident | None) -> bytes:
    """A photograph, for the desk or (with ``resident``) for whoever sent it.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    return photo_content(
        CreditAppealPhoto, CreditAppealPhoto.appeal_id, CreditAppeal, photo_id, resident
    )


def require_appealable(entry: CreditEntry, now: datetime) -> None:
    """Refuse an appeal that cannot be, before anything is typed.

    Raises:
        Conflict: The entry adds all it can, counts no longer, or was appealed before.
    """
    city = current_city()
    rules, today = credit_rules(city).rules, today_in(city.timezone, now)
    earlier = _appeal_of(entry.id)
    if earlier is not None and not earlier.may_follow:
        if earlier.state is AppealState.WITHDRAWN:
            raise Conflict(
                _("You have withdrawn two appeals against this entry. There is no third.")
            )
        raise Conflict(
            _("You have already appealed against this entry. That answer still applies.")
        )
    if entry.quantity >= entry.claimed and not entry.has_amount:
        raise Conflict(_("This entry already adds all that it can."))
    if not counts_on(entry.as_record, rules, today):
        raise Conflict(_("This entry has expired, so an appeal would change nothing."))


def appeal_days(entry_id: uuid.UUID) -> int:
    """Within how many working days the city would answer an appeal against an entry."""
    return _days_to_answer(_appeal_of(entry_id))


def _days_to_answer(earlier: CreditAppeal | None) -> int:
    """The working days of an appeal: those of the city's rules; after one that was withdrawn,
    those it had left, so that withdrawing neither gives the entry longer nor the desk less."""
    city = current_city()
    if earlier is None or earlier.answered_at is None:
        return credit_rules(city).appeal_days
    return working_days_until(today_in(city.timezone, earlier.answered_at), earlier.due_on)


def _appeal_of(entry_id: uuid.UUID) -> CreditAppeal | None:
    query = select(CreditAppeal).where(CreditAppeal.entry_id == entry_id)
    found: CreditAppeal | None = db.session.scalars(query).one_or_none()
    return found


def _more_than(quantity: int, claimed: int | None) -> int:
    if claimed is None or not quantity < claimed <= MOST_AT_ONCE:
        words = _(
            "Enter how much it should be: more than %(num)s, at most %(most)s.",
            num=quantity,
            most=MOST_AT_ONCE,
        )
        raise FieldErrors({"claimed": words})
    return claimed


def _require_open(row: CreditAppeal) -> None:
    if not row.is_open:
        raise Conflict(_("This appeal has been answered or withdrawn."))


def _locked(appeal_id: uuid.UUID) -> CreditAppeal:
    return one_or_404(
        select(CreditAppeal).where(CreditAppeal.id == appeal_id).with_for_update(),
        _("We cannot find that appeal."),
    )


def _decide_overdue(row: CreditAppeal, now: datetime) -> None:
    row.decide(AppealState.OVERDUE, "", "", now)
    count_decision(row, now)
    record(system("city-credit"), f"{SERVICE}.overdue", str(row.id), {}, now)
    count(SERVICE, Measure.DONE, now, waited=now - row.created_at)
    count(SERVICE, Measure.LATE, now)
    _tell(row, now)


def _tell(row: CreditAppeal, now: datetime) -> None:
    name = credit_rules(current_city()).source_name(row.entry.source)
    upheld = row.favours_resident
    notify(
        row.resident_id,
        appeal_key(row.id),
        both(
            lambda: (
                _("Your appeal was upheld: %(entry)s", entry=local(name))
                if upheld
                else _("Your appeal was not upheld: %(entry)s", entry=local(name))
            )
        ),
        both(
            lambda: (
                _("You can read the answer here.")
                if row.answer
                else _("Nobody answered in time, so it was decided for you.")
            )
        ),
        f"{ROOT}/mine#appeals",
        now,
    )
