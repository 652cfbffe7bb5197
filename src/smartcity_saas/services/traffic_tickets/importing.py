"""Tickets from the traffic police's CSV, and their changes of status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.importing import Cells, file_mark, refuse_twice
from smartcity_saas.catalog.service import Imported
from smartcity_saas.clock import read_moment, start_of_day, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.csv_input import Line, csv_problem, read_csv
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.credentials.personal import personal_indexes
from smartcity_saas.database import command, db
from smartcity_saas.services.traffic_tickets.models import (
    OPEN,
    PAID,
    STATUSES,
    TrafficLicence,
    TrafficVehicle,
    Violation,
)
from smartcity_saas.services.traffic_tickets.plates import licence_of, plate_of, tail_of
from smartcity_saas.services.traffic_tickets.source import (
    locked_violations,
    prove_anew,
    store_violation,
)
from smartcity_saas.tenancy.here import present_city

REQUIRED = (
    "plate",
    "vin_tail",
    "engine_tail",
    "number",
    "at",
    "place_zh",
    "place_en",
    "act_code",
    "act_zh",
    "act_en",
    "points",
    "fine",
    "status",
)
OPTIONAL = ("licence_number", "licence_file_tail", "licence_first_issued_on")
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}")
_ACT = re.compile(r"[0-9]{4,5}[A-Z]?")


@dataclass(frozen=True)
class _Row:
    line: int
    plate: str
    vin_tail: str
    engine_tail: str
    values: Mapping[str, Any]
    licence: tuple[str, str, date] | None

    @property
    def key(self) -> str:
        """The ticket's number."""
        return str(self.values["number"])


def import_tickets(
    actor: Actor,
    city: City,
    data: bytes,
    name: str,
    now: datetime,
    *,
    all_or_nothing: bool = False,
    sample: bool = False,
) -> Imported:
    """Take a file of tickets into the city that we are in. Importing it again changes nothing.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    result = Imported()
    lines = read_csv(data, name, REQUIRED)
    rows = [row for line in lines if (row := _parsed(line, city, name, result.problems))]
    refuse_twice(
        rows,
        name,
        result.problems,
        "number",
        lambda line: _("This ticket stands on line %(line)s too.", line=line),
    )
    if result.problems and all_or_nothing:
        return result
    with command():
        _store(rows, name, result, now, sample)
        detail = {"added": result.added, "changed": result.changed}
        faults = {"faults": len(result.problems)}
        record(
            actor, "traffic_tickets.import", file_mark(data), {**detail, **faults}, now, reason=name
        )
    return result


def _parsed(line: Line, city: City, name: str, problems: list[Problem]) -> _Row | None:
    reader = Cells(line, name, problems)
    plate = plate_of(reader.raw("plate"))
    if plate is None:
        reader.fault("plate", _("This is no plate (GA 36)."))
    number = reader.raw("number")
    if not _NUMBER.fullmatch(number):
        reader.fault("number", _("Write 1 to 40 letters, digits and -."))
    act_code = reader.raw("act_code")
    if not _ACT.fullmatch(act_code):
        reader.fault("act_code", _("Write a code of GA/T 16.31, such as 1039."))
    row = _Row(
        line=line.number,
        plate=plate or "",
        vin_tail=_tail(reader, "vin_tail"),
        engine_tail=_tail(reader, "engine_tail"),
        values={
            "number": number,
            "at": _moment(reader, city.timezone),
            "place": reader.both("place", 120),
            "act_code": act_code,
            "act": reader.both("act", 200),
            "points": reader.integer("points", 0, 12),
            "fine": reader.money("fine", city.currency),
            "status": reader.choice("status", STATUSES),
        },
        licence=_licence(reader),
    )
    return None if reader.faulty else row


def _tail(reader: Cells, column: str) -> str:
    found = tail_of(reader.raw(column))
    if found is None:
        reader.fault(column, _("Write its last six letters and digits."))
    return found or ""


def _moment(reader: Cells, zone: str) -> datetime:
    found = read_moment(reader.raw("at"), zone)
    if found is None:
        reader.fault("at", _("Write a local date and time such as 2026-11-20T08:15."))
    return found or start_of_day(date.min, zone)


def _licence(reader: Cells) -> tuple[str, str, date] | None:
    if not reader.raw("licence_number"):
        return None
    number = licence_of(reader.raw("licence_number"))
    if number is None:
        reader.fault("licence_number", _("This is no number of a licence (its check fails)."))
    return number or "", _tail(reader, "licence_file_tail"), reader.day("licence_first_issued_on")


def _store(rows: list[_Row], name: str, result: Imported, now: datetime, sample: bool) -> None:
    vehicles = _vehicles(rows, now, sample)
    held = locked_violations([row.key for row in rows])
    fitting = []
    for row in rows:
        violation = held.get(row.key)
        if violation is None or violation.vehicle_id == vehicles[row.plate].id:
            fitting.append(row)
            continue
        message = _("This ticket is another vehicle's.")
        result.problems.append(csv_problem(name, row.line, "number", message))
    licences = _licences(fitting, now, sample)
    for row in fitting:
        violation = held.get(row.key)
        before = _said(violation) if violation is not None else None
        stored = store_violation(violation, vehicles[row.plate].id, row.values)
        if row.licence is not None:
            stored.licence_id, stored.licence_by_payment = licences[row.licence[0]].id, False
        if stored.status == PAID and stored.paid_on is None:
            stored.paid_on = today_in(present_city().timezone, now)
        if stored.status == OPEN:
            stored.paid_on = None
        db.session.flush()
        if before is None:
            result.added += 1
        elif before == _said(stored):
            result.same += 1
        else:
            result.changed += 1


def _said(found: Violation) -> tuple[Any, ...]:
    return (
        found.at,
        found.place,
        found.act_code,
        found.act,
        found.points,
        found.fine,
        found.status,
        found.licence_id,
    )


def _vehicles(rows: list[_Row], now: datetime, sample: bool) -> dict[str, TrafficVehicle]:
    found = {
        vehicle.plate: vehicle
        for vehicle in db.session.scalars(
            select(TrafficVehicle).where(TrafficVehicle.plate.in_([row.plate for row in rows]))
        )
    }
    for row in rows:
        vehicle = found.get(row.plate)
        if vehicle is None:
            vehicle = TrafficVehicle(plate=row.plate, sample=sample)
            db.session.add(vehicle)
            found[row.plate] = vehicle
        prove_anew(vehicle, row.vin_tail, row.engine_tail)
        vehicle.updated_at = now
    db.session.flush()
    return found


def _licences(rows: list[_Row], now: datetime, sample: bool) -> dict[str, TrafficLicence]:
    """The licences that some rows name, by their numbers."""
    named = [row.licence for row in rows if row.licence is not None]
    if not named:
        return {}
    ring = current_app.extensions["keyring"]
    indexes = personal_indexes(ring, "licence", {number for number, *_rest in named}, now)
    query = select(TrafficLicence).where(TrafficLicence.number_index.in_(indexes.values()))
    held = {licence.number_index: licence for licence in db.session.scalars(query)}
    found = {}
    for number, tail, issued in named:
        licence = held.get(indexes[number])
        if licence is None:
            licence = TrafficLicence(
                number_index=indexes[number], number_end=number[-4:], sample=sample
            )
            db.session.add(licence)
            held[licence.number_index] = licence
        licence.file_tail, licence.first_issued_on, licence.updated_at = tail, issued, now
        found[number] = licence
    db.session.flush()
    return found
