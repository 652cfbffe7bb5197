"""Where tickets come from: the city's own tables, or the traffic police's system over HTTP.

What people see always comes from the tables. With ``http`` they hold the last good answer,
fetched again when someone looks and it has grown old; what is paid or disputed here is reported
by the outbox. The contract is docs/connectors/traffic-tickets.yaml.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from marshmallow import ValidationError, fields, validate, validates_schema
from sqlalchemy import delete, select

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.configuration.fields import no_control_characters as clean
from smartcity_saas.connectors import Answer, ask, has_back_office, refresh_if_stale, send_event
from smartcity_saas.connectors.response_fields import PastMoment
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.ledger import turn_of
from smartcity_saas.services.traffic_tickets.models import (
    STATUSES,
    Dispute,
    TicketDisputeState,
    TicketStatus,
    TrafficVehicle,
    VehicleLink,
    Violation,
)
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.api import Whole, matches_whole
from smartcity_saas.web.money import LARGEST_AMOUNT

REPORT = "traffic_tickets.report"
MOST_VIOLATIONS = 500
NUMBER = "[A-Za-z0-9-]{1,40}"
"""The form of a ticket's number."""
ACT = "[0-9]{4,5}[A-Z]?"
"""The form of a code of GA/T 16.31."""

log = get_logger(__name__)


class _TextAnswer(Answer):
    zh = fields.String(required=True, validate=[validate.Length(1, 200), clean])
    en = fields.String(required=True, validate=[validate.Length(1, 300), clean])


class ViolationAnswer(Answer):
    """One violation as a back office gives it. The fine is in the minor unit."""

    number = fields.String(required=True, validate=matches_whole(NUMBER))
    at = PastMoment(required=True)
    place = fields.Nested(_TextAnswer, required=True)
    act_code = fields.String(required=True, validate=matches_whole(ACT))
    act = fields.Nested(_TextAnswer, required=True)
    points = Whole(required=True, validate=validate.Range(0, 12))
    fine = Whole(required=True, validate=validate.Range(0, LARGEST_AMOUNT))
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class VehicleAnswer(Answer):
    """One vehicle with its violations."""

    vin_tail = fields.String(required=True, validate=matches_whole("[A-Z0-9]{6}"))
    engine_tail = fields.String(required=True, validate=matches_whole("[A-Z0-9]{6}"))
    violations = fields.List(
        fields.Nested(ViolationAnswer),
        required=True,
        validate=validate.Length(max=MOST_VIOLATIONS),
    )

    @validates_schema
    def refuse_a_number_twice(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """A violation stands once."""
        numbers = [one["number"] for one in data.get("violations", ())]
        if len(set(numbers)) != len(numbers):
            raise ValidationError({"violations": ["a number stands twice"]})


def find_vehicle(
    entry: CatalogEntry, plate: str, tail: str, now: datetime
) -> TrafficVehicle | None:
    """The vehicle of a plate, asked of the back office where the city has one.

    Raises:
        BackOfficeDown: The back office is asked and does not answer.
    """
    if has_back_office(entry):
        _fetch(entry, plate, tail, now)
    return db.session.scalars(
        select(TrafficVehicle).where(TrafficVehicle.plate == plate)
    ).one_or_none()


def bring_up_to_date(entry: CatalogEntry, vehicle: TrafficVehicle, now: datetime) -> bool:
    """Ask the back office again if what is held has grown old; whether it is fresh then."""
    plate, tail = vehicle.plate, vehicle.vin_tail
    return refresh_if_stale(entry, vehicle.updated_at, now, lambda: _fetch(entry, plate, tail, now))


def report(violation: Violation, act: str, now: datetime) -> None:
    """Write the task that tells the back office, in the transaction of what there is to tell."""
    if has_back_office(current_city().catalog[SERVICE]):
        payment_id = violation.payment_id
        when = f"{payment_id}{turn_of(payment_id)}" if payment_id else now.isoformat()
        key = f"{violation.id}:{act}:{when}"
        payload = {"violation": str(violation.id), "act": act, "key": key}
        if act == TicketStatus.PAID:
            paid = {"payment": str(violation.payment_id), "paid_on": str(violation.paid_on)}
            payload |= paid
        enqueue(REPORT, payload, now, key=key)


def send_report(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: tell the back office that a ticket was paid or disputed."""
    key = uuid.UUID(payload["violation"])
    violation = db.session.scalars(select(Violation).where(Violation.id == key)).one()
    now_paid_by = str(violation.payment_id or "")
    if violation.status != payload["act"] or payload.get("payment", "") != now_paid_by:
        return  # something newer has happened, and has a report of its own
    body: dict[str, Any] = {
        "status": payload["act"],
        "fine": violation.fine,
        "currency": violation.currency,
    }
    if payload["act"] == TicketStatus.PAID:
        body |= {"paid_on": payload["paid_on"], "payment": payload["payment"]}
    if payload["act"] == TicketStatus.DISPUTED:
        query = select(Dispute).where(Dispute.violation_id == key)
        body |= {"reason": db.session.scalars(query).one().newest_reason}
    path = f"/violations/{quote(violation.number, safe='')}/status"
    send_event(SERVICE, path, body, payload["key"])


def _fetch(entry: CatalogEntry, plate: str, tail: str, now: datetime) -> None:
    found = ask(entry, f"/vehicles/{quote(plate, safe='')}", VehicleAnswer(), {"tail": tail})
    if found is not None:
        with transaction():
            _store(plate, found, now)


def _store(plate: str, found: Mapping[str, Any], now: datetime) -> None:
    insert_once(
        TrafficVehicle,
        ("plate",),
        plate=plate,
        vin_tail=found["vin_tail"],
        engine_tail=found["engine_tail"],
        updated_at=now,
    )
    vehicle = db.session.scalars(
        select(TrafficVehicle).where(TrafficVehicle.plate == plate).with_for_update()
    ).one()
    prove_anew(vehicle, found["vin_tail"], found["engine_tail"])
    vehicle.updated_at = now
    db.session.flush()
    by_number = {values["number"]: values for values in found["violations"]}
    held = locked_violations([*by_number])
    for number, values in by_number.items():
        known = held.get(number)
        if known is None or known.vehicle_id == vehicle.id:
            store_violation(known, vehicle.id, values)


def prove_anew(vehicle: TrafficVehicle, vin_tail: str, engine_tail: str) -> bool:
    """Keep the pieces of a vehicle. Where both are others, the plate is on another vehicle by
    now: whoever linked it proves knowing the new one, or sees it no longer.

    Returns:
        Whether it is another vehicle.
    """
    before = (vehicle.vin_tail, vehicle.engine_tail)
    vehicle.vin_tail, vehicle.engine_tail = vin_tail, engine_tail
    another = vehicle.id is not None and before[0] != vin_tail and before[1] != engine_tail
    if another:
        db.session.execute(delete(VehicleLink).where(VehicleLink.vehicle_id == vehicle.id))
    return another


def locked_violations(numbers: Collection[str]) -> dict[str, Violation]:
    """Violations by number, held in the order in which a payment holds them."""
    query = (
        select(Violation)
        .where(Violation.number.in_(list(numbers)))
        .order_by(Violation.id)
        .with_for_update()
    )
    return {found.number: found for found in db.session.scalars(query)}


def store_violation(
    held: Violation | None, vehicle_id: uuid.UUID, values: Mapping[str, Any]
) -> Violation:
    """Write a violation as the police give it. What was paid, disputed or decided here stays so
    until they know of it. A fine is in the city's present currency, whatever it was in before."""
    currency, theirs = current_city().currency, TicketStatus(values["status"])
    if held is None:
        held = Violation(
            number=values["number"],
            vehicle_id=vehicle_id,
            status=theirs,
        )
        db.session.add(held)
    held.at, held.place, held.act = values["at"], dict(values["place"]), dict(values["act"])
    held.act_code, held.points = values["act_code"], values["points"]
    if held.payment_id is not None and (held.fine, held.currency) != (values["fine"], currency):
        log.warning("paid_ticket_differs", violation=str(held.id))
    if held.payment_id is None:
        held.fine, held.currency = values["fine"], currency
        held.status = _status(held, theirs)
    elif theirs not in (TicketStatus.OPEN, TicketStatus.DISPUTED):
        held.status = theirs
    return held


def _status(held: Violation, theirs: TicketStatus) -> TicketStatus:
    """The status of an unpaid violation by what the police say and what was disputed here: their
    file may be older than a dispute, or than its answer."""
    if TicketStatus.DISPUTED not in (held.status, theirs) and held.status != TicketStatus.REVOKED:
        return theirs
    query = select(Dispute.state).where(Dispute.violation_id == held.id)
    here = db.session.scalars(query).one_or_none()
    if here == TicketDisputeState.ASKED and theirs == TicketStatus.OPEN:
        return TicketStatus.DISPUTED
    if here == TicketDisputeState.WON and theirs in (TicketStatus.OPEN, TicketStatus.DISPUTED):
        return TicketStatus.REVOKED
    if here == TicketDisputeState.KEPT and theirs == TicketStatus.DISPUTED:
        return TicketStatus.OPEN
    return theirs
