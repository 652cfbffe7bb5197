"""Telling a hospital's FHIR server of bookings: an Appointment is created once, and cancelled once.

The outbox calls at least once, and may be killed between the server's answer and our note of it. So
every Appointment carries an identifier of ours, by which it is found again, and whatever was done is
seen before it is done anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select, update

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors import BackOfficeRefused
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.outbox import PermanentFailure, enqueue
from smartcity_saas.services.hospital_appointments.fhir_capabilities import Capabilities
from smartcity_saas.services.hospital_appointments.fhir_client import (
    FhirServer,
    Resource,
    is_gone,
    server_of,
)
from smartcity_saas.services.hospital_appointments.fhir_models import FhirAppointment, FhirSlot
from smartcity_saas.services.hospital_appointments.fhir_sync import known_capabilities
from smartcity_saas.services.hospital_appointments.fhir_words import OddAnswer
from smartcity_saas.services.hospital_appointments.models import Appointment, AppointmentState
from smartcity_saas.services.hospital_appointments.names import REPORT, SLOT_TAKEN

SYSTEM = "urn:ietf:rfc:3986"
"""The system of identifiers that are themselves URIs."""
OVER = ("cancelled", "noshow", "entered-in-error", "fulfilled")
"""States of an Appointment (hl7.org/fhir/appointmentstatus) of which nobody comes any more."""


class NoSlot(PermanentFailure):
    """The place is of no slot of the server: it was brought in before, by another connector."""

    reason = "no FHIR slot"


class _SlotTaken(Exception):
    """Somebody else has the slot there."""


def report_booked(
    entry: CatalogEntry,
    appointment: Appointment,
    patient: Mapping[str, str],
    texts: Mapping[str, str],
    now: datetime,
) -> None:
    """Create the Appointment of a booking, unless there is one.

    Args:
        entry: The service's, with the server.
        appointment: The booking.
        patient: Who comes: ``name`` and ``phone``.
        texts: The ``performer``'s and the ``department``'s names.
        now: The time.

    Raises:
        BackOfficeDown: There is no sound answer now.
        BackOfficeRefused, NoSlot: It will not be.

    Where somebody else has the slot there, a task is written that ends the booking here.
    """
    if _noted(appointment.id) is not None:
        return
    slot = _slot_of(appointment.place_id)
    resource = _appointment(appointment, slot, patient, texts)
    gone_before = _given_back_before(appointment)
    server = server_of(entry)
    capabilities = known_capabilities(entry, server)
    for other in gone_before:  # of the same slot, which is busy there until it hears of it
        _cancel(server, capabilities, other, now)
    try:
        remote = _created(server, capabilities, resource, appointment.id, str(slot.slot))
    except _SlotTaken:
        if gone_before:  # it may be busy a moment longer than the booking that had it
            raise OddAnswer("busy", which=f"Slot/{slot.slot}") from None
        enqueue(SLOT_TAKEN, {"appointment": str(appointment.id)}, now, key=str(appointment.id))
        return
    _note(appointment.id, str(remote["id"]), now)


def report_off(entry: CatalogEntry, appointment_id: uuid.UUID, now: datetime) -> None:
    """Cancel the Appointment of a booking that is off; one that the server never had is none to
    cancel.

    Raises:
        BackOfficeDown: There is no sound answer now.
        BackOfficeRefused: It will not be.
    """
    server = server_of(entry)
    _cancel(server, known_capabilities(entry, server), appointment_id, now)


def identifier_of(appointment_id: uuid.UUID) -> str:
    """Our identifier of a booking, a URI (RFC 9562)."""
    return appointment_id.urn


def _created(
    server: FhirServer, capabilities: Capabilities, resource: Resource, key: uuid.UUID, slot: str
) -> Resource:
    """The server's Appointment: the one that it has by our identifier, or a new one.

    A server need not refuse a second Appointment of one slot, so the slot is looked at first. It is
    busy too where the first try created ours, and was ended before it could note that.

    Raises:
        _SlotTaken: The slot is somebody else's.
    """
    if server.read("Slot", slot).get("status") != "free":
        found = _found(server, key)
        if found is None:
            raise _SlotTaken
        return found
    try:
        if capabilities.conditional_create:
            return server.create(resource, unless=urlencode(_by(key)))
        return _found(server, key) or server.create(resource, unless=None)
    except BackOfficeRefused as error:
        if error.code == 412:
            raise OddAnswer("twins", identifier=identifier_of(key)) from None
        if error.code == 409:
            raise _SlotTaken from None
        raise


def _found(server: FhirServer, key: uuid.UUID) -> Resource | None:
    """The Appointment that has our identifier; None where there is none.

    Raises:
        OddAnswer: There are several, or one that has it not.
    """
    rows = server.search("Appointment", _by(key))
    for one in rows:
        if {"system": SYSTEM, "value": identifier_of(key)} not in _identifiers(one):
            raise OddAnswer("kind", found=f"Appointment/{one['id']}", wanted=identifier_of(key))
    if len(rows) > 1:
        raise OddAnswer("twins", identifier=identifier_of(key))
    return rows[0] if rows else None


def _identifiers(resource: Resource) -> list[dict[str, Any]]:
    found = resource.get("identifier")
    return [
        {name: one.get(name) for name in ("system", "value")}
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, Mapping)
    ]


def _by(key: uuid.UUID) -> list[tuple[str, str]]:
    return [("identifier", f"{SYSTEM}|{identifier_of(key)}")]


def _cancel(server: FhirServer, capabilities: Capabilities, key: uuid.UUID, now: datetime) -> None:
    noted = _noted(key)
    if noted is not None and noted.cancelled_at is not None:
        return
    remote_id = noted.remote_id if noted is not None else None
    db.session.rollback()
    remote = _present(server, key, remote_id)
    if remote is not None:
        if remote.get("status") not in OVER:
            _end(server, capabilities, remote)
        remote_id = str(remote["id"])
    if remote_id is not None:
        _note(key, remote_id, now, cancelled=True)


def _present(server: FhirServer, key: uuid.UUID, remote_id: str | None) -> Resource | None:
    """The server's Appointment of a booking, as it is now; None where it has none (any more)."""
    if remote_id is None:
        return _found(server, key)
    try:
        return server.read("Appointment", remote_id)
    except BackOfficeRefused as error:
        if is_gone(error):
            return None
        raise


def _end(server: FhirServer, capabilities: Capabilities, remote: Resource) -> None:
    """Set an Appointment to cancelled, if it is still as it was read; what changed meanwhile is looked
    at again by the next try."""
    meta = remote.get("meta")
    version = meta.get("versionId") if isinstance(meta, Mapping) else None
    held = version if capabilities.versioned and isinstance(version, str) else None
    try:
        if capabilities.update:
            server.update({**remote, "status": "cancelled"}, held)
        else:
            change = {"op": "replace", "path": "/status", "value": "cancelled"}
            server.patch("Appointment", remote["id"], [change], held)
    except BackOfficeRefused as error:
        if error.code in (409, 412):
            raise OddAnswer("changed", which=f"Appointment/{remote['id']}") from None
        raise


def _noted(key: uuid.UUID) -> FhirAppointment | None:
    return db.session.scalars(
        select(FhirAppointment).where(FhirAppointment.appointment_id == key)
    ).one_or_none()


def _note(key: uuid.UUID, remote_id: str, now: datetime, *, cancelled: bool = False) -> None:
    """Note what the server has. A booking that was given back while it was being created is cancelled
    after all: the task that was to do so may have found nothing there yet."""
    with transaction():
        insert_once(
            FhirAppointment,
            ("appointment_id",),
            appointment_id=key,
            remote_id=remote_id,
            created_at=now,
        )
        state = db.session.scalars(
            select(Appointment.state).where(Appointment.id == key).with_for_update()
        ).one()
        if cancelled:
            db.session.execute(
                update(FhirAppointment)
                .where(FhirAppointment.appointment_id == key)
                .values(cancelled_at=now)
            )
        elif state in (AppointmentState.CANCELLED, AppointmentState.CLOSED):
            payload = {"appointment": str(key), "act": str(state)}
            enqueue(REPORT, payload, now, key=f"{key}:{state}:after")


def _slot_of(place_id: uuid.UUID) -> FhirSlot:
    found = db.session.scalars(
        select(FhirSlot).where(FhirSlot.place_id == place_id, FhirSlot.slot.is_not(None))
    ).one_or_none()
    if found is None:
        raise NoSlot
    return found


def _given_back_before(appointment: Appointment) -> list[uuid.UUID]:
    """The earlier bookings of a place of which the server has not heard yet that they are off."""
    query = (
        select(Appointment.id)
        .join(FhirAppointment, FhirAppointment.appointment_id == Appointment.id)
        .where(
            Appointment.place_id == appointment.place_id,
            Appointment.state == AppointmentState.CANCELLED,
            FhirAppointment.cancelled_at.is_(None),
        )
    )
    return list(db.session.scalars(query))


def _appointment(
    appointment: Appointment, slot: FhirSlot, patient: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, Any]:
    """An Appointment as FHIR R4 has it: booked, of one slot and its times. The patient stands inside
    it, since the hospital alone knows whether it has them already."""
    inside: dict[str, Any] = {
        "resourceType": "Patient",
        "id": "patient",
        "name": [{"text": patient["name"]}],
    }
    if patient["phone"]:
        inside["telecom"] = [{"system": "phone", "value": patient["phone"]}]
    return {
        "resourceType": "Appointment",
        "contained": [inside],
        "identifier": [{"system": SYSTEM, "value": identifier_of(appointment.id)}],
        "status": "booked",
        "description": texts["department"],
        "slot": [{"reference": f"Slot/{slot.slot}"}],
        "start": _text(slot.starts_at),
        "end": _text(slot.ends_at),
        "created": _text(appointment.booked_at),
        "comment": appointment.code,
        "participant": [
            {
                "actor": {"reference": "#patient", "display": patient["name"]},
                "status": "accepted",
            },
            {
                "actor": {"reference": slot.performer, "display": texts["performer"]},
                "status": "accepted",
            },
        ],
    }


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
