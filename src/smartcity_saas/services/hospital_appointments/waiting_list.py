"""The waiting list: a freed place is kept for the first in line, for a limited time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, func, select

from smartcity_saas.audit import record
from smartcity_saas.database import CITY, db, load, one_or_404, table_of, transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.notifications import QuietHours
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.hospital_appointments.booking import has_free_place, keep, take_place
from smartcity_saas.services.hospital_appointments.booking_limits import (
    SAME_PERSON,
    AnyPatient,
    Blocked,
    person_values,
    refuse_after_unpaid_holds,
    refuse_at_one_time,
    refuse_beyond_limits,
)
from smartcity_saas.services.hospital_appointments.fee_models import PayWhen
from smartcity_saas.services.hospital_appointments.fees import agree_on, keep_fee
from smartcity_saas.services.hospital_appointments.models import (
    OPEN_ENTRY,
    Appointment,
    ClinicPlace,
    ClinicSession,
    EntryState,
    Patient,
    PlaceState,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.notifications import (
    tell_booked,
    tell_lapsed,
    tell_offer,
)
from smartcity_saas.services.hospital_appointments.patients import locked_patient
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import locked_session
from smartcity_saas.tenancy.current import current_city

LAPSE = "hospital_appointments.lapse"


def join(
    resident: SignedInResident,
    patient_id: uuid.UUID,
    session_id: uuid.UUID,
    rules: Rules,
    now: datetime,
) -> WaitingEntry:
    """Wait for a place of a session that is full.

    Raises:
        NotFound: There is no such session, or the patient is not the resident's.
        Conflict: There are free places, or the list is full.
        Blocked: It is closed or over, or the patient may not book there.
    """
    with transaction():
        session = locked_session(session_id)
        if session.is_called_off:
            raise Blocked(_("This clinic is cancelled."))
        if session.is_over(now):
            raise Blocked(_("This clinic is over. Choose another day."))
        if not rules.is_released(session.day, now):
            raise Blocked(_("You cannot book these slots yet."))
        patient = locked_patient(resident, patient_id, now)
        found = _open_entry(session_id, patient)
        if found is not None and found.resident_id == resident.id:
            return found
        if found is not None:
            raise Blocked(
                _("Another account has already put %(name)s on this waiting list.",
                  name=patient.name),
            )  # fmt: skip
        refuse_beyond_limits(patient, session, rules, now)
        if has_free_place(session_id, now):
            raise Conflict(_("There are slots left. Book one."))
        if ahead_of(session_id, None) >= rules.most_waiting:
            raise Conflict(_("The waiting list is full. Choose another day."))
        entry = WaitingEntry(
            session_id=session_id,
            patient_id=patient.id,
            resident_id=resident.id,
            state=EntryState.WAITING,
            created_at=now,
        )
        db.session.add(entry)
        db.session.flush()
        record(resident.actor, "hospital_appointments.wait", str(session_id), {}, now)
    return entry


def leave(
    resident: SignedInResident, entry_id: uuid.UUID, rules: Rules, now: datetime
) -> WaitingEntry:
    """Stop waiting; a place that was kept goes to the next in line.

    Raises:
        NotFound: It is no entry of the resident's.
    """
    own = own_entry(resident, entry_id)
    with transaction():
        session = locked_session(own.session_id)
        entry = _locked(entry_id)
        if entry.is_open:
            place_id = entry.place_id
            entry.leave()
            db.session.flush()
            if place_id is not None:
                pass_on(session, place_id, rules, now)
    return entry


def accept(
    resident: SignedInResident,
    entry_id: uuid.UUID,
    rules: Rules,
    now: datetime,
    pays: PayWhen | None = None,
) -> Appointment:
    """Take the place that is kept; ``pays`` is when its fee is paid, None for what is usual.

    Raises:
        NotFound: It is no entry of the resident's.
        Conflict: Nothing is kept (any more), or the fee cannot be paid that way.
        Blocked: The person has reached a limit since, or has another place at that time.
    """
    own = own_entry(resident, entry_id)
    with transaction():
        agreed = agree_on(resident, own.session, pays, rules, now)
        session = locked_session(own.session_id)
        entry = _locked(entry_id)
        kept = entry.is_offered and entry.offered_until is not None
        if not kept or now >= entry.offered_until or entry.place_id is None:  # type: ignore[operator]
            raise Conflict(_("This slot is no longer held for you."))
        patient = locked_patient(resident, entry.patient_id, now)
        held = refuse_beyond_limits(patient, session, rules, now)
        if agreed[0] == PayWhen.AHEAD:
            refuse_after_unpaid_holds(patient, session, rules, now)
        place = _place(entry.place_id)
        refuse_at_one_time(patient, place.starts_at, held, rules)
        if place.state != PlaceState.OFFERED:
            raise Conflict(_("This slot is no longer held for you."))
        entry.accept()
        made = keep(resident.actor, resident.id, patient, session, place.take(), now)
        tell_booked(made, session, keep_fee(made, session, agreed, rules, now), now)
        return made


def pass_on(session: ClinicSession, place_id: uuid.UUID, rules: Rules, now: datetime) -> None:
    """Offer a place that was given back to the first in line, or free it; in the caller's
    transaction, which holds the session."""
    place = _place(place_id)
    if session.is_called_off or place.number > session.capacity:
        place.state = PlaceState.SHUT
        return
    begins = QuietHours.of_city(current_city()).over(now)  # offers of the night run on from morning
    until = min(begins + timedelta(minutes=rules.offer_minutes), place.starts_at)
    entry = _first(place.session_id) if until > now else None
    if entry is None:
        place.state = PlaceState.FREE
        return
    entry.offer(place, until)
    tell_offer(entry, place, until, now)
    enqueue(
        LAPSE,
        {"entry": str(entry.id), "place": str(place.id)},
        now,
        due_at=until,
        key=f"{entry.id}:{place.id}",
    )
    db.session.flush()


def lapse(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: an offer that nobody took goes to the next in line."""
    rules = Rules.of_city(current_city())
    entry_id, place_id = uuid.UUID(payload["entry"]), uuid.UUID(payload["place"])
    with transaction():
        session = locked_session(_entry(entry_id).session_id)
        entry = _locked(entry_id)
        kept = entry.is_offered and entry.place_id == place_id
        if not kept or entry.offered_until is None or entry.offered_until > now:
            return
        entry.lapse()
        db.session.flush()
        tell_lapsed(entry, now)
        pass_on(session, place_id, rules, now)


def offer_free(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: places that came by an import go to whoever waits, in line."""
    rules = Rules.of_city(current_city())
    with transaction():
        session = locked_session(uuid.UUID(payload["session"]))
        for _place_left in range(ahead_of(session.id, None)):
            place = None if session.is_called_off else take_place(session.id, None, now)
            if place is None:
                return
            pass_on(session, place.id, rules, now)
            db.session.flush()


_waiting_entry = table_of(WaitingEntry)
_ENTRIES_OF = (
    select(_waiting_entry)
    .where(
        _waiting_entry.c.city_id == CITY,
        _waiting_entry.c.resident_id == bindparam("resident"),
        _waiting_entry.c.state.in_(OPEN_ENTRY),
    )
    .order_by(_waiting_entry.c.created_at)
)


def entries_of(resident: SignedInResident) -> list[WaitingEntry]:
    """Where a resident waits, the earliest first."""
    return load(WaitingEntry, _ENTRIES_OF, {"resident": resident.id})


def own_entry(resident: SignedInResident, entry_id: uuid.UUID) -> WaitingEntry:
    """One entry of a resident's.

    Raises:
        NotFound: It is someone else's, another city's, or none.
    """
    return one_or_404(
        select(WaitingEntry).where(
            WaitingEntry.id == entry_id, WaitingEntry.resident_id == resident.id
        ),
        _("We cannot find that waiting list place."),
    )


def kept_place(entry: WaitingEntry) -> ClinicPlace | None:
    """The place that is kept for an entry, None if there is none."""
    if entry.place_id is None:
        return None
    query = select(ClinicPlace).where(ClinicPlace.id == entry.place_id)
    return db.session.scalars(query).one_or_none()


def ahead_of(session_id: uuid.UUID, entry: WaitingEntry | None) -> int:
    """How many wait before an entry; before a newcomer, for None."""
    query = select(func.count(WaitingEntry.id)).where(
        WaitingEntry.session_id == session_id, WaitingEntry.state == EntryState.WAITING
    )
    if entry is not None:
        query = query.where(WaitingEntry.id < entry.id)
    return db.session.scalar(query) or 0


def _first(session_id: uuid.UUID) -> WaitingEntry | None:
    """The first in line; keys are made in the order of time (UUID version 7)."""
    return db.session.scalars(
        select(WaitingEntry)
        .where(WaitingEntry.session_id == session_id, WaitingEntry.state == EntryState.WAITING)
        .order_by(WaitingEntry.created_at, WaitingEntry.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _open_entry(session_id: uuid.UUID, patient: AnyPatient) -> WaitingEntry | None:
    """Where the person waits already, on whoever's list; the account's own before others'."""
    found = db.session.scalars(
        select(WaitingEntry)
        .join(Patient, Patient.id == WaitingEntry.patient_id)
        .where(
            SAME_PERSON,
            WaitingEntry.session_id == session_id,
            WaitingEntry.state.in_(OPEN_ENTRY),
        ),
        person_values(patient),
    ).all()
    own = (one for one in found if one.resident_id == patient.resident_id)
    return next(own, found[0] if found else None)


def _entry(entry_id: uuid.UUID) -> WaitingEntry:
    """An entry as it stands, not held: to know its session, which is held first."""
    return db.session.scalars(select(WaitingEntry).where(WaitingEntry.id == entry_id)).one()


def _locked(entry_id: uuid.UUID) -> WaitingEntry:
    return db.session.scalars(
        select(WaitingEntry).where(WaitingEntry.id == entry_id).with_for_update()
    ).one()


def _place(place_id: uuid.UUID) -> ClinicPlace:
    return db.session.scalars(
        select(ClinicPlace).where(ClinicPlace.id == place_id).with_for_update()
    ).one()
