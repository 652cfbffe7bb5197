"""Vehicles, licences and violations of the current city: the domain of the service."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select

from smartcity_saas.addresses import network_of
from smartcity_saas.audit import record
from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.credentials.personal_encryption import personal_index
from smartcity_saas.database import CITY, db, load, one_or_404, table_of, transaction
from smartcity_saas.errors import FieldErrors, NotFound
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.product import product
from smartcity_saas.services.traffic_tickets.back_office import find_vehicle
from smartcity_saas.services.traffic_tickets.models import (
    LicenceLink,
    TicketStatus,
    TrafficLicence,
    TrafficVehicle,
    VehicleLink,
    Violation,
)
from smartcity_saas.services.traffic_tickets.plates import licence_of, scoring_year, tail_of
from smartcity_saas.web.plates import plate_of

MOST_VEHICLES = 10
MOST_LOOK_UPS = 10
MOST_LOOK_UPS_OF_PLATE = 5
MOST_LOOK_UPS_OF_CITY = 600
MOST_LINK_TRIES = 10
MOST_SHOWN = 200


@dataclass(frozen=True)
class Points:
    """Points of a licence in its scoring year: what counts, what open tickets would add, the
    limit, and from when it counts anew."""

    counted: int
    open: int
    limit: int
    anew_on: date


def look_up(
    entry: CatalogEntry, plate: str, tail: str, address: str, now: datetime
) -> TrafficVehicle:
    """A vehicle, for someone who is not signed in, and knows a piece of it.

    Counted per address, per plate and per city before anything is looked at, and answered alike
    whether the plate or the piece is wrong, so that plates cannot be walked.

    Raises:
        FieldErrors: Something is of the wrong form, or they do not belong together.
        Throttled: Too many attempts.
        BackOfficeDown: The city's back office is asked and does not answer.
    """
    found, known = _well_formed(plate, tail)
    count_attempt(ResidentAttempt, f"tickets:address:{network_of(address)}", MOST_LOOK_UPS, now)
    count_attempt(ResidentAttempt, f"tickets:plate:{found}", MOST_LOOK_UPS_OF_PLATE, now)
    count_attempt(ResidentAttempt, "tickets:city", MOST_LOOK_UPS_OF_CITY, now)
    return _proven(entry, found, known, now)


def open_tickets_of(vehicle_id: uuid.UUID) -> tuple[TrafficVehicle, list[Violation]]:
    """A vehicle that somebody has looked up, with its open tickets.

    Raises:
        NotFound: It is not there any more.
    """
    vehicle = one_or_404(select(TrafficVehicle).where(TrafficVehicle.id == vehicle_id))
    return vehicle, violations_of([vehicle.id], status=TicketStatus.OPEN)


def link_vehicle(
    resident: SignedInResident, entry: CatalogEntry, plate: str, tail: str, now: datetime
) -> VehicleLink:
    """Link a vehicle to a resident who knows a piece of its VIN or engine number.

    Raises:
        FieldErrors: Something is of the wrong form, or they do not belong together.
        Throttled: Too many attempts.
        BackOfficeDown: The city's back office is asked and does not answer.
    """
    found, known = _well_formed(plate, tail)
    count_attempt(ResidentAttempt, f"vehicle:{resident.id}", MOST_LINK_TRIES, now)
    count_attempt(ResidentAttempt, f"tickets:plate:{found}", MOST_LOOK_UPS_OF_PLATE, now)
    vehicle = _proven(entry, found, known, now)
    with transaction() as session:
        _refuse_unproven(_held(vehicle), known)
        held = vehicle_links(resident)
        same = next((link for link in held if link.vehicle_id == vehicle.id), None)
        if same is not None:
            return same
        if len(held) >= MOST_VEHICLES:
            raise FieldErrors({"plate": _("You have linked 10 vehicles, the maximum.")})
        link = VehicleLink(resident_id=resident.id, vehicle_id=vehicle.id, created_at=now)
        session.add(link)
        session.flush()
        record(resident.actor, "traffic_tickets.link_vehicle", str(vehicle.id), {}, now)
    return link


def link_licence(
    resident: SignedInResident, number: str, file_tail: str, now: datetime
) -> LicenceLink:
    """Link the resident's own driving licence, by its number and the end of its file number.

    Raises:
        FieldErrors: Something is of the wrong form, or they do not belong together.
        Throttled: Too many attempts.
    """
    licence, tail = licence_of(number), tail_of(file_tail)
    errors: dict[str, Any] = {}
    if not number.strip():
        errors["number"] = _("Enter the licence number: 18 characters, on the front.")
    elif licence is None:
        errors["number"] = _("A licence number has 18 characters. Check it again.")
    if tail is None:
        errors["file_tail"] = _("Enter the last 6 characters of the file number.")
    if licence is None or tail is None:
        raise FieldErrors(errors)
    count_attempt(ResidentAttempt, f"licence:{resident.id}", MOST_LINK_TRIES, now)
    index = personal_index(product().keyring, "licence", licence, now)
    with transaction() as session:
        found = session.scalars(
            select(TrafficLicence).where(TrafficLicence.number_index == index)
        ).one_or_none()
        if found is None or not hmac.compare_digest(found.file_tail, tail):
            raise FieldErrors(
                {
                    "number": _(
                        "No licence here has this licence number and file number. Check both."
                    )
                }
            )
        session.execute(delete(LicenceLink).where(LicenceLink.resident_id == resident.id))
        link = LicenceLink(resident_id=resident.id, licence_id=found.id, created_at=now)
        session.add(link)
        session.flush()
        record(resident.actor, "traffic_tickets.link_licence", str(found.id), {}, now)
    return link


def unlink_vehicle(resident: SignedInResident, link_id: uuid.UUID, now: datetime) -> None:
    """Take a vehicle off the resident's page.

    Raises:
        NotFound: It is no link of the resident's.
    """
    with transaction() as session:
        link = next((one for one in vehicle_links(resident) if one.id == link_id), None)
        if link is None:
            raise NotFound(_("We cannot find that vehicle."))
        session.execute(delete(VehicleLink).where(VehicleLink.id == link.id))
        record(resident.actor, "traffic_tickets.unlink_vehicle", str(link.vehicle_id), {}, now)


_link = table_of(VehicleLink)
_VEHICLE_LINKS = (
    select(_link)
    .where(_link.c.city_id == CITY, _link.c.resident_id == bindparam("resident"))
    .order_by(_link.c.created_at, _link.c.id)
)


def vehicle_links(resident: SignedInResident) -> list[VehicleLink]:
    """A resident's vehicles, in the order in which they were linked."""
    return load(VehicleLink, _VEHICLE_LINKS, {"resident": resident.id})


def licence_link(resident: SignedInResident) -> LicenceLink | None:
    """A resident's licence, None without one."""
    query = select(LicenceLink).where(LicenceLink.resident_id == resident.id)
    return db.session.scalars(query).one_or_none()


def own_violation(resident: SignedInResident, violation_id: uuid.UUID) -> Violation:
    """A violation of a vehicle or licence that the resident linked.

    Raises:
        NotFound: It is someone else's, another city's, or none.
    """
    found = next(iter(own_violations(resident, [violation_id])), None)
    if found is None:
        raise NotFound(_("We cannot find that ticket."))
    return found


def own_violations(
    resident: SignedInResident, keys: Collection[uuid.UUID] | None = None
) -> list[Violation]:
    """Violations that a resident sees, of all linked vehicles and the licence; the newest
    first."""
    vehicles = [link.vehicle_id for link in vehicle_links(resident)]
    licence = licence_link(resident)
    seen: ColumnElement[bool] = Violation.vehicle_id.in_(vehicles)
    if licence is not None:
        seen = or_(seen, Violation.licence_id == licence.licence_id)
    query = select(Violation).where(seen)
    if keys is not None:
        query = query.where(Violation.id.in_(list(keys)))
    query = query.order_by(Violation.at.desc()).limit(MOST_SHOWN)
    return list(db.session.scalars(query))


def violations_of(vehicle_ids: Sequence[uuid.UUID], status: str | None = None) -> list[Violation]:
    """Violations of some vehicles, the newest first."""
    query = select(Violation).where(Violation.vehicle_id.in_(vehicle_ids))
    if status is not None:
        query = query.where(Violation.status == status)
    return list(db.session.scalars(query.order_by(Violation.at.desc()).limit(MOST_SHOWN)))


def points_of(licence: TrafficLicence, zone: str, now: datetime, limit: int = 12) -> Points:
    """A licence's points in its scoring year (Measures for scoring road traffic violations,
    Ministry of Public Security order 163: twelve points a year)."""
    today = today_in(zone, now)
    start, anew = scoring_year(licence.first_issued_on, today)
    since = start_of_day(start, zone)
    rows = db.session.execute(
        select(Violation.status, func.sum(Violation.points))
        .where(
            Violation.licence_id == licence.id,
            Violation.at >= since,
            Violation.status.in_((TicketStatus.OPEN, TicketStatus.PAID)),
        )
        .group_by(Violation.status)
    )
    sums = {status: int(total) for status, total in rows}
    return Points(sums.get(TicketStatus.PAID, 0), sums.get(TicketStatus.OPEN, 0), limit, anew)


def _well_formed(plate: str, tail: str) -> tuple[str, str]:
    found, known = plate_of(plate), tail_of(tail)
    errors: dict[str, Any] = {}
    if not plate.strip():
        errors["plate"] = _("Enter the plate, such as 浙A12345.")
    elif found is None:
        errors["plate"] = _(
            "This is not a valid plate. For example: 浙A12345, or 浙AD12345 (new energy)."
        )
    if known is None:
        errors["tail"] = _("Enter the last 6 characters of the VIN or engine number.")
    if found is None or known is None:
        raise FieldErrors(errors)
    return found, known


def _proven(entry: CatalogEntry, plate: str, tail: str, now: datetime) -> TrafficVehicle:
    return _refuse_unproven(find_vehicle(entry, plate, tail, now), tail)


def _refuse_unproven(vehicle: TrafficVehicle | None, tail: str) -> TrafficVehicle:
    fits = vehicle is not None and any(
        hmac.compare_digest(tail, known) for known in (vehicle.vin_tail, vehicle.engine_tail)
    )
    if vehicle is None or not fits:
        raise FieldErrors(
            {"plate": _("No vehicle here has this plate and these 6 characters. Check both.")}
        )
    return vehicle


def _held(vehicle: TrafficVehicle) -> TrafficVehicle | None:
    """A vehicle as it stands now, held so that its plate does not pass to another meanwhile."""
    query = select(TrafficVehicle).where(TrafficVehicle.id == vehicle.id)
    fresh = query.with_for_update(read=True).execution_options(populate_existing=True)
    return db.session.scalars(fresh).one_or_none()
