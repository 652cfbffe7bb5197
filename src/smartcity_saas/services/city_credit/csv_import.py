"""Entries that the city brings itself, such as volunteer hours: for residents who take part."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.catalog.csv_import import Cells, CsvImporter
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.credentials.personal_encryption import personal_indexes
from smartcity_saas.database import db
from smartcity_saas.identity.residents.assurance import OWN_WORD
from smartcity_saas.identity.residents.identity_numbers import read_number
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.product import product
from smartcity_saas.services.city_credit.consent import choices_of_all, covers, takes
from smartcity_saas.services.city_credit.entries import forget_entry
from smartcity_saas.services.city_credit.membership import forget_appeals, locked_membership
from smartcity_saas.services.city_credit.models import MOST_AT_ONCE, CreditAppeal, CreditEntry
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.rules import credit_rules

REQUIRED = ("source", "reference", "id_number", "day", "quantity")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True)
class _Row:
    line: int
    source: str
    reference: str
    number: str
    day: date
    quantity: int

    @property
    def key(self) -> tuple[str, str]:
        """The source's own key."""
        return self.source, self.reference


def import_entries(request: ImportRequest) -> Imported:
    """Take a table of entries into the current city. Importing it again changes nothing.

    Rows of people who do not take part, who have that source off, or who did it before they turned
    it on, are read and not kept. Every row that can be read is counted alike: whoever brings the table does not learn who takes part.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    return EntryImporter(request).run()


class EntryImporter(CsvImporter[_Row]):
    """One table of the city's on its way in."""

    act = f"{SERVICE}.import"
    required = REQUIRED
    key_column = "reference"

    def __init__(self, request: ImportRequest) -> None:
        super().__init__(request)
        self.credit = credit_rules(self.city)
        self.sources = sorted(self.credit.imported)

    def stands_twice(self, line: int) -> Any:
        """Two rows are of one thing."""
        return _("This entry is also on line %(line)s.", line=line)

    def parse(self, cells: Cells) -> _Row:
        """What was done, by whom, when and how much."""
        reference = cells.raw("reference")
        if not _REFERENCE.fullmatch(reference):
            cells.wrong("reference", _("Enter 1 to 40 letters, digits, dots, - and _."))
        number = read_number(cells.raw("id_number"), today_in(self.city.timezone, self.now))
        if number is None:
            cells.wrong("id_number", _("This is not a valid ID number."))
        return _Row(
            line=cells.line.number,
            source=cells.choice("source", self.sources),
            reference=reference,
            number=number or "",
            day=cells.past_day("day"),
            quantity=cells.integer("quantity", 0, MOST_AT_ONCE),
        )

    def about(self, row: _Row) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Rows share nothing."""
        return iter(())

    def write(self, rows: list[_Row]) -> None:
        """Keep what those did who take part; an entry that is somebody else's now is a new one."""
        members = self._members(rows)
        choices = choices_of_all(set(members.values()), self.sources)
        query = select(CreditEntry).where(
            CreditEntry.source.in_(self.sources),
            CreditEntry.reference.in_([row.reference for row in rows]),
        )
        held = {(one.source, one.reference): one for one in db.session.scalars(query)}
        for row in rows:
            resident_id = members.get(row.number)
            choice = choices.get((resident_id, row.source)) if resident_id else None
            covered = choice is not None and covers(choice, row.day, self.city.timezone)
            entry = held.get(row.key)
            if entry is not None and (not covered or entry.resident_id != resident_id):
                forget_entry(entry)
                entry = None
            if entry is not None:
                self._correct(entry, row)
            elif choice is not None and covered and takes(choice, self.credit):
                db.session.add(self._made(row, choice.resident_id))
            self.result.same += 1

    def _correct(self, entry: CreditEntry, row: _Row) -> None:
        """Bring a stored entry to what a row says; an appeal against what it said before is over."""
        entry.day = row.day
        if entry.quantity != row.quantity:
            forget_appeals(CreditAppeal.entry_id == entry.id)
            entry.quantity, entry.claimed = row.quantity, max(1, row.quantity)

    def _made(self, row: _Row, resident_id: uuid.UUID) -> CreditEntry:
        return CreditEntry(
            resident_id=resident_id,
            source=row.source,
            reference=row.reference,
            day=row.day,
            quantity=row.quantity,
            claimed=max(1, row.quantity),
            revision=self.city.revision,
            recorded_at=self.now,
            sample=self.request.sample,
        )

    def _members(self, rows: list[_Row]) -> dict[str, uuid.UUID]:
        """Who of some people takes part, by a number that somebody else has verified. None of them
        chooses anew or leaves until the table is in."""
        indexes = personal_indexes(
            product().keyring, "resident number", {row.number for row in rows}, self.now
        )
        query = (
            select(Resident.number_index, Resident.id)
            .where(
                Resident.number_index.in_(indexes.values()),
                Resident.closed_at.is_(None),
                Resident.verified_by != OWN_WORD,
            )
            .order_by(Resident.id)
        )
        people = db.session.execute(query).all()
        found = {row[0]: row[1] for row in people if locked_membership(row[1]) is not None}
        return {number: found[index] for number, index in indexes.items() if index in found}
