"""Many figures at once from a CSV, with every fault at its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.csv_import import Cells, CsvImporter
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.csv_input import Table
from smartcity_saas.scorecard.standard import Edition
from smartcity_saas.scorecard.values import (
    LONGEST_SOURCE,
    MOST_HUNDREDTHS,
    add_value,
    current_values,
    item_of,
    oldest_that_counts,
)
from smartcity_saas.web.numbers import NotPlain, parse_decimal

COLUMNS = ("item", "value", "source", "as_of")
FILLED = COLUMNS[1:]
"""What a row of the template leaves open: one that says none of it is passed over."""


@dataclass(frozen=True)
class ValueRow:
    """One row: how far an item is reached, in hundredths of a percent, by which source and of which
    day."""

    line: int
    item: str
    hundredths: int
    source: str
    as_of: date

    @property
    def key(self) -> str:
        """What it is about."""
        return self.item


class ValueImporter(CsvImporter[ValueRow]):
    """A table of figures of one edition on its way into a city."""

    act = "scorecard.import"
    required = COLUMNS
    optional = ("name",)
    key_column = "item"

    def __init__(self, request: ImportRequest, edition: Edition) -> None:
        super().__init__(request)
        self.edition = edition
        self.today = today_in(self.city.timezone, self.now)

    def read(self, table: Table) -> list[ValueRow]:
        """The rows that say something."""
        lines = [
            line
            for line in table.lines
            if line.problem or any(line.values.get(column) for column in FILLED)
        ]
        return super().read(replace(table, lines=lines))

    def parse(self, cells: Cells) -> ValueRow:
        """A row as it stands."""
        number = cells.raw("item")
        if self.edition.item(number) is None:
            cells.wrong("item", _("This edition has no such item."))
        return ValueRow(
            cells.line.number,
            number,
            self._share(cells),
            cells.text("source", LONGEST_SOURCE),
            self._as_of(cells),
        )

    def _share(self, cells: Cells) -> int:
        try:
            return parse_decimal(cells.raw("value"), 2, MOST_HUNDREDTHS)
        except NotPlain as error:
            cells.fault("value", error.message)
            return 0

    def _as_of(self, cells: Cells) -> date:
        found = cells.past_day("as_of")
        if not cells.faulty and found < oldest_that_counts(self.today):
            cells.wrong("as_of", _("This is older than 12 months and would count as missing."))
        return found

    def stands_twice(self, line: int) -> Any:
        """What to say of a second row of an item."""
        return _("This item is already on line %(line)s.", line=line)

    def about(self, row: ValueRow) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Rows share nothing."""
        return iter(())

    def write(self, rows: list[ValueRow]) -> None:
        """Store what is new."""
        before = current_values(self.edition)
        for row in rows:
            known = before.get(row.item)
            if known is not None and (known.hundredths, known.source, known.as_of) == (
                row.hundredths,
                row.source,
                row.as_of,
            ):
                self.result.same += 1
                continue
            item = item_of(self.edition, row.item)
            add_value(
                self.request.actor,
                self.edition,
                item,
                row.hundredths,
                row.source,
                row.as_of,
                self.now,
                sample=self.request.sample,
            )
            if known is None:
                self.result.added += 1
            else:
                self.result.changed += 1
