"""What a FHIR server offers, into the city's own tables: sessions of half days, a place for each slot.

A place that somebody has here stays as it is, whatever the server says of its slot. Every other
follows the server: free there is free here, and what is busy or gone there is shut here.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from smartcity_saas.clock import local_time, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.hospital_appointments.fhir_models import FhirSlot
from smartcity_saas.services.hospital_appointments.fhir_reading import (
    Named,
    Offer,
    OfferedSlot,
    Party,
    overlap,
)
from smartcity_saas.services.hospital_appointments.models import (
    BUSY,
    OFFER,
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
    PlaceState,
)

AT_ONCE = 500
"""How many keys one statement names."""
NOON = 12


@dataclass(frozen=True)
class Stored:
    """What became of an offer: whether hospitals or departments changed, and the slots that moved
    away under somebody's appointment."""

    directory: bool
    moved: int


@dataclass
class _Storing:
    """One offer on its way in."""

    offer: Offer
    city: City
    settings: Mapping[str, Any]
    now: datetime
    directory: bool = False
    moved: int = 0
    gained: set[uuid.UUID] = field(default_factory=set)
    doctors: dict[tuple[str, str, str], Doctor] = field(default_factory=dict)

    def doctor(self, party: Party) -> Doctor:
        """The row of a doctor, with those of the department and the hospital, made or brought to what
        the server says."""
        key = (party.hospital.code, party.department.code, party.doctor.code)
        if key not in self.doctors:
            hospital = self._kept(Hospital, party.hospital, {})
            self._say(hospital, address=_both(party.hospital.address), phone=party.hospital.phone)
            department = self._kept(
                HospitalDepartment, party.department, {"hospital_id": hospital.id}, keywords=[]
            )
            department.refreshed_at = self.now
            doctor = self._kept(
                Doctor,
                party.doctor,
                {"department_id": department.id},
                title=_both(""),
                specialty=_both(""),
            )
            doctor.title = _named(doctor.title, party.doctor.title)
            doctor.specialty = _named(doctor.specialty, party.doctor.specialty)
            self.doctors[key] = doctor
        return self.doctors[key]

    def _kept(self, model: Any, named: Named, parent: Mapping[str, uuid.UUID], **empty: Any) -> Any:
        query = select(model).where(model.code == named.code)
        for column, key in parent.items():
            query = query.where(getattr(model, column) == key)
        row = db.session.scalars(query).one_or_none()
        if row is None:
            extra = {"address": _both(""), "phone": ""} if model is Hospital else empty
            row = model(code=named.code, name=_both(named.name), **parent, **extra)
            db.session.add(row)
            db.session.flush()
            self.directory = True
        else:
            self._say(row, name=_named(row.name, named.name))
        return row

    def _say(self, row: Any, **values: Any) -> None:
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
                self.directory = True


def store_offer(offer: Offer, city: City, settings: Mapping[str, Any], now: datetime) -> Stored:
    """Bring the current city's sessions and places to what a server offers, in the present
    transaction. Storing the same again changes nothing.

    Raises:
        OddAnswer: A slot that changed overlaps one that did not.
    """
    storing = _Storing(offer, city, settings, now)
    known = _known(offer)
    _refuse_overlaps_with_known(offer)
    sessions = _locked_sessions(_sessions_of_places([row.place_id for row in known.values()]))
    places = _locked_places([row.place_id for row in known.values()])
    fresh = []
    for slot in sorted(offer.slots, key=lambda one: (one.starts_at, one.id)):
        row = known.get(slot.id)
        if row is None or _follow(storing, slot, row, places[row.place_id]):
            fresh.append(slot)
    if offer.whole:
        _forget_gone(offer, known)
    db.session.flush()
    _settle(storing, known.values(), places, sessions)
    _add(storing, fresh)
    _settle_rest(offer)
    for key in sorted(storing.gained):
        enqueue(OFFER, {"session": str(key)}, now)
    db.session.execute(update(HospitalDepartment).values(refreshed_at=now))
    return Stored(storing.directory, storing.moved)


def _known(offer: Offer) -> dict[str, FhirSlot]:
    """The rows of the slots that the answer names, and of a whole one those that it might have."""
    query = select(FhirSlot).where(FhirSlot.slot.is_not(None))
    found: list[FhirSlot] = []
    for keys in _chunks([slot.id for slot in offer.slots]):
        found += db.session.scalars(query.where(FhirSlot.slot.in_(keys)))
    if offer.whole:
        found += db.session.scalars(
            query.where(
                FhirSlot.starts_at >= offer.window.starts, FhirSlot.starts_at < offer.window.ends
            )
        )
    return {str(row.slot): row for row in found}


def _refuse_overlaps_with_known(offer: Offer) -> None:
    """Refuse a slot that changed and is free now, where it shares a moment with a free one of its
    schedule that did not change."""
    if offer.whole:
        return
    named = {slot.id for slot in offer.slots}
    others: dict[str, list[FhirSlot]] = defaultdict(list)
    for keys in _chunks({slot.schedule for slot in offer.slots if slot.free}):
        rows = db.session.scalars(
            select(FhirSlot).where(
                FhirSlot.schedule.in_(keys),
                FhirSlot.slot.is_not(None),
                FhirSlot.free.is_(True),
                FhirSlot.ends_at > offer.window.starts,
            )
        )
        for row in rows:
            if row.slot not in named:
                others[row.schedule].append(row)
    for slot in offer.slots:
        for row in others[slot.schedule] if slot.free and slot.schedule in offer.parties else ():
            if row.starts_at < slot.ends_at and slot.starts_at < row.ends_at:
                raise overlap(str(row.slot), slot.id, slot.schedule)


def _follow(storing: _Storing, slot: OfferedSlot, row: FhirSlot, place: ClinicPlace) -> bool:
    """Bring a known slot to what the server says; whether it needs a place anew, having moved."""
    party = storing.offer.parties.get(slot.schedule)
    moved = (row.starts_at, row.ends_at, row.schedule) != (
        slot.starts_at,
        slot.ends_at,
        slot.schedule,
    )
    if moved and place.state in BUSY:
        storing.moved += 1
        return False
    if moved:
        row.slot, row.free = None, False
        return True
    row.free = slot.free and party is not None
    if party is not None:
        row.performer = party.performer
        storing.doctor(party)
    return False


def _forget_gone(offer: Offer, known: Mapping[str, FhirSlot]) -> None:
    """Note the slots that a whole answer no longer has."""
    named = {slot.id for slot in offer.slots}
    for key, row in known.items():
        if key not in named:
            row.free = False


def _settle(
    storing: _Storing,
    rows: Iterable[FhirSlot],
    places: Mapping[uuid.UUID, ClinicPlace],
    sessions: Mapping[uuid.UUID, ClinicSession],
) -> None:
    """Shut the free places whose slot is not, and open the shut ones whose slot is."""
    for row in rows:
        place = places[row.place_id]
        session = sessions[place.session_id]
        if place.state == PlaceState.FREE and not row.free:
            place.state = PlaceState.SHUT
        elif place.state == PlaceState.SHUT and row.free and not session.is_called_off:
            place.state = PlaceState.FREE
            storing.gained.add(session.id)


def _settle_rest(offer: Offer) -> None:
    """Shut what came free here since (a place given back, a clinic reinstated) and is not free there."""
    shut = select(FhirSlot.place_id).where(
        FhirSlot.free.is_(False), FhirSlot.starts_at >= offer.window.starts
    )
    db.session.flush()
    db.session.execute(
        update(ClinicPlace)
        .where(ClinicPlace.state == PlaceState.FREE, ClinicPlace.id.in_(shut))
        .values(state=PlaceState.SHUT)
    )


def _add(storing: _Storing, slots: Sequence[OfferedSlot]) -> None:
    """Make places of slots that are new and free."""
    grouped: dict[tuple[uuid.UUID, date, str], list[tuple[OfferedSlot, Party]]] = defaultdict(list)
    departments = {}
    for slot in slots:
        party = storing.offer.parties.get(slot.schedule)
        if party is None or not slot.free or slot.starts_at <= storing.now:
            continue
        doctor = storing.doctor(party)
        zone = storing.city.timezone
        half = "am" if local_time(slot.starts_at, zone).hour < NOON else "pm"
        grouped[doctor.id, today_in(zone, slot.starts_at), half].append((slot, party))
        departments[doctor.id] = doctor.department_id
    for key, members in sorted(grouped.items()):
        _add_to_session(storing, key, departments[key[0]], members)


def _add_to_session(
    storing: _Storing,
    key: tuple[uuid.UUID, date, str],
    department_id: uuid.UUID,
    members: Sequence[tuple[OfferedSlot, Party]],
) -> None:
    doctor_id, day, half = key
    starts_at = min(slot.starts_at for slot, _party in members)
    ends_at = max(slot.ends_at for slot, _party in members)
    session = db.session.scalars(
        select(ClinicSession)
        .where(
            ClinicSession.doctor_id == doctor_id,
            ClinicSession.day == day,
            ClinicSession.half == half,
        )
        .with_for_update(key_share=True)
    ).one_or_none()
    if session is None:
        session = ClinicSession(
            doctor_id=doctor_id,
            department_id=department_id,
            day=day,
            half=half,
            clinic=storing.settings["clinic"],
            fee=storing.settings["fee"],
            currency=storing.city.currency,
            starts_at=starts_at,
            ends_at=ends_at,
            capacity=len(members),
        )
        db.session.add(session)
        db.session.flush()
        first = 1
    else:
        first = session.capacity + 1
        session.capacity += len(members)
        session.starts_at = min(session.starts_at, starts_at)
        session.ends_at = max(session.ends_at, ends_at)
    state = PlaceState.SHUT if session.is_called_off else PlaceState.FREE
    made = [
        ClinicPlace(session_id=session.id, number=first + at, starts_at=slot.starts_at, state=state)
        for at, (slot, _party) in enumerate(members)
    ]
    db.session.add_all(made)
    db.session.flush()
    db.session.add_all(
        FhirSlot(
            place_id=place.id,
            slot=slot.id,
            schedule=slot.schedule,
            performer=party.performer,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            free=True,
        )
        for place, (slot, party) in zip(made, members, strict=True)
    )
    db.session.flush()
    storing.gained.add(session.id)


def _sessions_of_places(places: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for keys in _chunks(places):
        found |= set(
            db.session.scalars(select(ClinicPlace.session_id).where(ClinicPlace.id.in_(keys)))
        )
    return found


def _locked_sessions(keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, ClinicSession]:
    """Sessions, held before their places are, in one order (``locked_session``)."""
    found: dict[uuid.UUID, ClinicSession] = {}
    for chunk in _chunks(sorted(keys)):
        rows = db.session.scalars(
            select(ClinicSession)
            .where(ClinicSession.id.in_(chunk))
            .order_by(ClinicSession.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        found |= {row.id: row for row in rows}
    return found


def _locked_places(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, ClinicPlace]:
    found: dict[uuid.UUID, ClinicPlace] = {}
    for chunk in _chunks(sorted(keys)):
        rows = db.session.scalars(
            select(ClinicPlace)
            .where(ClinicPlace.id.in_(chunk))
            .order_by(ClinicPlace.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        found |= {row.id: row for row in rows}
    return found


def _chunks(keys: Iterable[Any]) -> Iterable[list[Any]]:
    every = list(keys)
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))


def _both(text: str) -> dict[str, str]:
    """A text that the server has in one language, for both."""
    return {"zh": text, "en": text}


def _named(known: Mapping[str, str], text: str) -> dict[str, str]:
    """What something is called: as before where that has the server's text in one of the languages,
    so that a translation that the city brought itself stays."""
    return dict(known) if text in known.values() else _both(text)
