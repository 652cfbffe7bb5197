"""Tickets from the traffic police's table, and their changes of status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.catalog.csv_import import Cells, CsvImporter
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.credentials.personal_encryption import personal_indexes
from smartcity_saas.database import db
from smartcity_saas.product import product
from smartcity_saas.services.traffic_tickets.back_office import (
    ACT,
    NUMBER,
    locked_violations,
    prove_anew,
    store_violation,
)
from smartcity_saas.services.traffic_tickets.models import (
    STATUSES,
    TicketStatus,
    TrafficLicence,
    TrafficVehicle,
    Violation,
)
from smartcity_saas.services.traffic_tickets.plates import licence_of, tail_of
from smartcity_saas.web.money import format_money
from smartcity_saas.web.plates import plate_of

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
_NUMBER = re.compile(NUMBER)
_ACT = re.compile(ACT)


@dataclass(frozen=True)
class _Licence:
    """Whose points a row says they are: nobody's with an empty ``number``; ``values`` are what it
    says of the licence."""

    number: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class _Row:
    """A row; ``licence`` is None where the table says nothing of it."""

    line: int
    plate: str
    vin_tail: str
    engine_tail: str
    values: Mapping[str, Any]
    licence: _Licence | None

    @property
    def key(self) -> str:
        """The ticket's number."""
        return str(self.values["number"])


def import_tickets(request: ImportRequest) -> Imported:
    """Take a table of tickets into the current city. Importing it again changes nothing.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    return TicketImporter(request).run()


class TicketImporter(CsvImporter[_Row]):
    """One table of the police's on its way in."""

    act = "traffic_tickets.import"
    required = REQUIRED
    optional = OPTIONAL
    key_column = "number"

    def __init__(self, request: ImportRequest) -> None:
        super().__init__(request)
        self.held: dict[str, Violation] = {}
        self.indexes: dict[str, str] = {}
        self.licences: dict[str, TrafficLicence] = {}

    def stands_twice(self, line: int) -> Any:
        """Two rows are of one ticket."""
        return _("This ticket is also on line %(line)s.", line=line)

    def parse(self, cells: Cells) -> _Row:
        """A ticket, its vehicle, and whose points they are."""
        plate = plate_of(cells.raw("plate"))
        if plate is None:
            cells.wrong("plate", _("This is not a valid plate (GA 36)."))
        number = cells.raw("number")
        if not _NUMBER.fullmatch(number):
            cells.wrong("number", _("Enter 1 to 40 letters, digits or hyphens (-)."))
        act_code = cells.raw("act_code")
        if not _ACT.fullmatch(act_code):
            cells.wrong("act_code", _("Enter a GA/T 16.31 code, such as 1039."))
        return _Row(
            line=cells.line.number,
            plate=plate or "",
            vin_tail=_tail(cells, "vin_tail"),
            engine_tail=_tail(cells, "engine_tail"),
            values={
                "number": number,
                "at": cells.past_moment("at"),
                "place": cells.both("place", 120),
                "act_code": act_code,
                "act": cells.both("act", 200),
                "points": cells.integer("points", 0, 12),
                "fine": cells.money("fine", self.city.currency),
                "status": cells.choice("status", STATUSES),
            },
            licence=_licence(cells),
        )

    def about(self, row: _Row) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """A file gives a vehicle and a licence one set of pieces."""
        yield row.plate, {"vin_tail": row.vin_tail, "engine_tail": row.engine_tail}
        if row.licence is not None and row.licence.number:
            said = {f"licence_{column}": value for column, value in row.licence.values.items()}
            yield row.licence.number, said

    def fitting(self, rows: list[_Row]) -> list[_Row]:
        """The rows that fit what is stored; the others are noted."""
        self.held = locked_violations([row.key for row in rows])
        self.licences = self._known_licences(rows)
        found = []
        for row in rows:
            violation = self.held.get(row.key)
            if violation is not None and violation.vehicle.plate != row.plate:
                self.fault(row, "number", _("This ticket belongs to another vehicle."))
            elif missing := self._missing(row.licence):
                self.fault(
                    row, missing, _("This licence is not known yet, so this field is required.")
                )
            else:
                found.append(row)
        return found

    def write(self, rows: list[_Row]) -> None:
        """Bring vehicles, licences and tickets to what the rows say."""
        vehicles = self._vehicles(rows)
        for row in rows:
            if row.licence is not None and row.licence.number:
                self._write_licence(row.licence)
        db.session.flush()
        for row in rows:
            self._write_ticket(row, vehicles[row.plate], self.held.get(row.key))

    def _missing(self, licence: _Licence | None) -> str:
        """The first column that a licence which is not known yet lacks."""
        if licence is None or not licence.number or licence.number in self.licences:
            return ""
        columns = ("file_tail", "first_issued_on")
        missing = next((column for column in columns if column not in licence.values), "")
        return missing and f"licence_{missing}"

    def _known_licences(self, rows: list[_Row]) -> dict[str, TrafficLicence]:
        """The stored licences that some rows name, by their numbers."""
        numbers = {row.licence.number for row in rows if row.licence and row.licence.number}
        if not numbers:
            return {}
        ring = product().keyring
        self.indexes = personal_indexes(ring, "licence", numbers, self.now)
        query = select(TrafficLicence).where(TrafficLicence.number_index.in_(self.indexes.values()))
        held = {licence.number_index: licence for licence in db.session.scalars(query)}
        return {n: held[index] for n, index in self.indexes.items() if index in held}

    def _write_licence(self, said: _Licence) -> None:
        licence = self.licences.get(said.number)
        if licence is None:
            licence = TrafficLicence(
                number_index=self.indexes[said.number],
                number_end=said.number[-4:],
                sample=self.request.sample,
            )
            db.session.add(licence)
            self.licences[said.number] = licence
        for column, value in said.values.items():
            if getattr(licence, column) != value:
                setattr(licence, column, value)
                self.changed.add(said.number)
        licence.updated_at = self.now

    def _vehicles(self, rows: list[_Row]) -> dict[str, TrafficVehicle]:
        """The vehicles of some rows, made or brought up to date, in one order for all writers."""
        query = (
            select(TrafficVehicle)
            .where(TrafficVehicle.plate.in_([row.plate for row in rows]))
            .order_by(TrafficVehicle.id)
            .with_for_update()
        )
        found = {vehicle.plate: vehicle for vehicle in db.session.scalars(query)}
        for plate, row in {row.plate: row for row in rows}.items():
            if plate not in found:
                found[plate] = TrafficVehicle(plate=plate, sample=self.request.sample)
                db.session.add(found[plate])
            self._write_vehicle(row, found[plate])
        db.session.flush()
        return found

    def _write_vehicle(self, row: _Row, vehicle: TrafficVehicle) -> None:
        before = (vehicle.vin_tail, vehicle.engine_tail)
        if prove_anew(vehicle, row.vin_tail, row.engine_tail):
            self.result.holders_changed += 1
            message = _(
                "The plate is now on another vehicle. Anyone who had linked it must link it again."
            )
            self.note(row, "plate", message)
        if before != (row.vin_tail, row.engine_tail):
            self.changed.add(row.plate)
        vehicle.updated_at = self.now

    def _write_ticket(self, row: _Row, vehicle: TrafficVehicle, held: Violation | None) -> None:
        before = _said(held) if held is not None else None
        if held is not None:
            self._note_paid(row, held)
        stored = store_violation(held, vehicle.id, row.values)
        self._write_points(row.licence, stored)
        if stored.is_paid and stored.paid_on is None:
            stored.paid_on = today_in(self.city.timezone, self.now)
        if stored.is_open:
            stored.paid_on = None
        db.session.flush()
        about = {row.plate, row.licence.number if row.licence else row.plate}
        if before is None:
            self.result.added += 1
        elif before == _said(stored) and not about & self.changed:
            self.result.same += 1
        else:
            self.result.changed += 1

    def _write_points(self, licence: _Licence | None, stored: Violation) -> None:
        """Say whose points they are; one whom only a payment here names stays until the police
        name somebody."""
        if licence is None or (not licence.number and stored.licence_by_payment):
            return
        stored.licence_id = self.licences[licence.number].id if licence.number else None
        stored.licence_by_payment = False

    def _note_paid(self, row: _Row, held: Violation) -> None:
        """Say where a row says another thing of a ticket that is paid already."""
        fine, status = row.values["fine"], row.values["status"]
        values = {
            "paid": format_money(held.fine, held.currency),
            "amount": format_money(fine, self.city.currency),
        }
        differs = (fine, self.city.currency) != (held.fine, held.currency)
        if not held.is_paid:
            return
        if status == TicketStatus.REVOKED:
            message = _("This ticket was paid. This line cancels it.")
        elif differs and held.payment_id is not None:
            message = _(
                "This ticket was paid here with %(paid)s and stays paid. This line says %(amount)s.",
                **values,
            )
        elif differs:
            message = _("This ticket was paid with %(paid)s. This line says %(amount)s.", **values)
        elif status == TicketStatus.OPEN and held.payment_id is None:
            message = _("This ticket was paid. This line makes it due again.")
        else:
            return
        self.result.paid_differs += 1
        self.note(row, "fine" if differs else "status", message)


def _tail(reader: Cells, column: str) -> str:
    found = tail_of(reader.raw(column))
    if found is None:
        reader.wrong(column, _("Enter the last 6 letters and digits."))
    return found or ""


def _licence(reader: Cells) -> _Licence | None:
    if "licence_number" not in reader.line.values:
        return None
    if not reader.raw("licence_number"):
        return _Licence("", {})
    number = licence_of(reader.raw("licence_number"))
    if number is None:
        reader.wrong(
            "licence_number", _("This is not a valid licence number (its check digit is wrong).")
        )
    values: dict[str, Any] = {}
    if "licence_file_tail" in reader.line.values:
        values["file_tail"] = _tail(reader, "licence_file_tail")
    if "licence_first_issued_on" in reader.line.values:
        values["first_issued_on"] = reader.past_day("licence_first_issued_on")
    return _Licence(number or "", values)


def _said(found: Violation) -> tuple[Any, ...]:
    """All that a row may say of a ticket."""
    return (
        found.at,
        found.place,
        found.act_code,
        found.act,
        found.points,
        found.fine,
        found.currency,
        found.status,
        found.licence_id,
    )
