"""Taking a table into a service: reading its cells, noting every fault, and the desk's upload."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from flask_babel import lazy_gettext as _
from marshmallow import ValidationError

from smartcity_saas.audit import record
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.clock import is_near, is_past, read_day, read_moment, read_month, start_of_day
from smartcity_saas.configuration.csv_input import Line, Table, csv_problem, read_csv
from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.database import transaction
from smartcity_saas.texts import Text
from smartcity_saas.web.money import parse_money
from smartcity_saas.web.numbers import NotPlain, parse_decimal, parse_whole

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]")

T = TypeVar("T")


class Cells:
    """Reading the cells of one row; a faulty one gives a stand-in and is noted.

    Days and moments are checked by the city's ``zone`` and by ``now``.
    """

    def __init__(
        self, line: Line, name: str, problems: list[Problem], zone: str, now: datetime
    ) -> None:
        self.line = line
        self.name = name
        self.problems = problems
        self.zone = zone
        self.now = now
        self.faulty = False

    def fault(self, column: str, message: Text, hint: Text = "") -> None:
        """Note what is wrong with a cell."""
        self.faulty = True
        self.problems.append(csv_problem(self.name, self.line.number, column, message, hint))

    def wrong(self, column: str, what: Text, hint: Text = "") -> None:
        """Note that a cell does not fit: what stands in it, and what to write."""
        value = self.raw(column)[:40]
        self.fault(
            column, _("“%(value)s”: %(what)s", value=value, what=what) if value else what, hint
        )

    def raw(self, column: str) -> str:
        """A cell as it stands; empty where the column is absent."""
        return self.line.values.get(column, "")

    def given(self, read: Callable[[str], T], *columns: str) -> dict[str, T | None]:
        """What those columns say that are there, by column: None where a cell is empty, nothing
        where the column is absent."""
        there = [column for column in columns if column in self.line.values]
        return {column: read(column) if self.raw(column) else None for column in there}

    def text(self, column: str, longest: int, *, empty: bool = False) -> str:
        """Some text of limited length."""
        value = self.raw(column)
        if not (0 if empty else 1) <= len(value) <= longest:
            self.fault(column, _("Enter 1 to %(most)s characters.", most=longest))
        try:
            no_control_characters(value)
        except ValidationError as error:
            self.fault(column, error.args[0])
        return value

    def both(self, column: str, longest: int) -> dict[str, str]:
        """A text in both languages, from ``<column>_zh`` and ``<column>_en``."""
        return {code: self.text(f"{column}_{code}", longest) for code in ("zh", "en")}

    def code(self, column: str) -> str:
        """A short name for programs."""
        value = self.raw(column)
        if not _CODE.fullmatch(value):
            self.wrong(column, _("Enter a code using only letters, digits, dots, - and _."))
        return value

    def choice(self, column: str, words: Collection[str]) -> str:
        """One of a few words."""
        value = self.raw(column)
        if value not in words:
            self.wrong(column, _("Enter one of: %(words)s.", words=", ".join(words)))
        return value

    def past_day(self, column: str) -> date:
        """The day of something that has happened."""
        found = self._day(column)
        if not is_past(found, self.zone, self.now):
            self.wrong(column, _("This date is in the future."))
        return found

    def near_day(self, column: str) -> date:
        """A day that may lie ahead, by two years at most."""
        found = self._day(column)
        if not is_near(found, self.zone, self.now):
            self.wrong(column, _("This date is more than 2 years away."))
        return found

    def past_month(self, column: str) -> date:
        """A month that has begun, as its first day."""
        found = read_month(self.raw(column))
        if found is None:
            self.wrong(column, _("Enter a month, such as 2026-10."))
        elif not is_past(found, self.zone, self.now):
            self.wrong(column, _("This date is in the future."))
        return found or date.min

    def past_moment(self, column: str) -> datetime:
        """A day and a time of day of something that has happened, in the city's zone if it names
        none."""
        value = self.raw(column)
        found = read_moment(value, self.zone)
        if found is None and read_day(value):
            self.wrong(column, _("Add the time, such as 2026-11-20T08:15."))
        elif found is None:
            self.wrong(column, _("Enter a local date and time, such as 2026-11-20T08:15."))
        elif not is_past(found, self.zone, self.now):
            self.wrong(column, _("This date is in the future."))
        return found or start_of_day(date.min, self.zone)

    def clock(self, column: str) -> time:
        """A time of day."""
        value = self.raw(column)
        if not _CLOCK.fullmatch(value):
            self.wrong(column, _("Enter a time, such as 08:30."))
            return time()
        hour, minute = value.split(":")
        return time(int(hour), int(minute))

    def integer(self, column: str, least: int, most: int) -> int:
        """A whole number within limits."""
        return self._number(column, lambda text: parse_whole(text, least, most), least)

    def decimal(self, column: str, places: int) -> int:
        """A number that is not negative, as a whole number of its smallest part."""
        return self._number(column, lambda text: parse_decimal(text, places), 0)

    def money(self, column: str, currency: str) -> int:
        """An amount, in the currency's minor unit."""
        return self._number(column, lambda text: parse_money(text, currency), 0)

    def _day(self, column: str) -> date:
        found = read_day(self.raw(column))
        if found is None:
            self.wrong(column, _("Enter a date, such as 2026-11-30."))
        return found or date.min

    def _number(self, column: str, read: Callable[[str], int], instead: int) -> int:
        try:
            return read(self.raw(column))
        except NotPlain as error:
            self.fault(column, error.message)
            return instead


class Row(Protocol):
    """A row that was read: the line of the file it stands on, and what it is about."""

    @property
    def line(self) -> int: ...
    @property
    def key(self) -> Any: ...


R = TypeVar("R", bound=Row)


def refuse_twice(
    rows: list[R], name: str, problems: list[Problem], column: str, message: Callable[[int], Any]
) -> None:
    """Take out every row that is about the same as one on an earlier line, with a problem each;
    the message is made of that line's number."""
    first: dict[Any, int] = {}
    for row in rows:
        line = first.setdefault(row.key, row.line)
        if line != row.line:
            problems.append(csv_problem(name, row.line, column, message(line)))
    rows[:] = [row for row in rows if first[row.key] == row.line]


class Shared:
    """What rows say of something that several of them are about, such as an account's holder: one
    word for each column, so that no row undoes another's."""

    def __init__(self) -> None:
        self._said: dict[Any, dict[str, tuple[int, Any]]] = {}

    def contradiction(
        self, key: Any, values: Mapping[str, Any], line: int
    ) -> tuple[str, int] | None:
        """Note what a row says of a thing; the column in which it contradicts an earlier line, and
        that line's number, or None. An empty cell contradicts nothing."""
        known = self._said.setdefault(key, {})
        for column, value in values.items():
            before = known.get(column)
            if before is not None and before[1] and value and before[1] != value:
                return column, before[0]
        for column, value in values.items():
            if column not in known or not known[column][1]:
                known[column] = line, value
        return None

    def of(self, key: Any) -> dict[str, Any]:
        """What all rows together say of a thing, by column."""
        return {column: value for column, (_line, value) in self._said.get(key, {}).items()}


def refuse_contradictions(
    rows: list[R],
    name: str,
    problems: list[Problem],
    about: Callable[[R], Iterator[tuple[Any, Mapping[str, Any]]]],
) -> Shared:
    """Take out every row that says something else of a shared thing than an earlier line, with a
    problem each; what the rest says together.

    Args:
        rows: The rows that were read; those that contradict are taken out.
        name: Of the file.
        problems: Where they are noted.
        about: The things that a row is about, each with what it says of it by column.
    """
    shared, sound = Shared(), []
    for row in rows:
        found = next(
            filter(None, (shared.contradiction(key, said, row.line) for key, said in about(row))),
            None,
        )
        if found is None:
            sound.append(row)
            continue
        message = _("This does not match line %(line)s.", line=found[1])
        problems.append(csv_problem(name, row.line, found[0], message))
    rows[:] = sound
    return shared


class CsvImporter(ABC, Generic[R]):
    """One table on its way into a service; each service says what its rows are.

    The rows are read, each alone; then those that are about the same twice, or contradict each
    other, are taken out; what is left is written in one transaction and recorded.
    """

    act: ClassVar[str]
    """What the audit log calls it."""
    required: ClassVar[Sequence[str]]
    optional: ClassVar[Sequence[str]] = ()
    key_column: ClassVar[str]
    """Where a row that is about the same as an earlier one is at fault."""

    def __init__(self, request: ImportRequest) -> None:
        self.request = request
        self.city = request.city
        self.now = request.now
        self.result = Imported()
        self.shared = Shared()
        self.changed: set[Any] = set()
        """What several rows are about, where the table says something new of it."""

    @abstractmethod
    def parse(self, cells: Cells) -> R:
        """A row as it stands; what is wrong with it is noted by ``cells``."""

    @abstractmethod
    def stands_twice(self, line: int) -> Any:
        """What to say of a row that is about the same as the one on an earlier line."""

    @abstractmethod
    def about(self, row: R) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """The things that a row shares with others, each with what it says of it by column."""

    @abstractmethod
    def write(self, rows: list[R]) -> None:
        """Bring what is stored to what the rows say, and count what became of each."""

    def fitting(self, rows: list[R]) -> list[R]:
        """The rows that fit what is stored; the others are noted. All, unless a service knows
        better."""
        return rows

    def run(self) -> Imported:
        """Take the table in; returns what became of its rows.

        Raises:
            Invalid: The file as a whole cannot be read.
        """
        table = self._table()
        rows = self.read(table)
        with transaction() as session:
            rows = self.fitting(rows)
            faults = len(self.result.problems)
            if faults and self.request.all_or_nothing:
                return self.result
            self.write(rows)
            if self.request.all_or_nothing and len(self.result.problems) > faults:
                session.rollback()
                return Imported(
                    problems=self.result.problems, encoding=table.encoding, unread=table.unread
                )
            self._record(table)
        return self.result

    def read(self, table: Table) -> list[R]:
        """The rows that can be looked at, each about something else, none against another."""
        faults = [line.problem for line in table.lines if line.problem is not None]
        self.result = Imported(problems=faults, encoding=table.encoding, unread=table.unread)
        rows = []
        for line in table.lines:
            if line.problem is None:
                cells = Cells(
                    line, self.request.name, self.result.problems, self.city.timezone, self.now
                )
                row = self.parse(cells)
                if not cells.faulty:
                    rows.append(row)
        problems = self.result.problems
        refuse_twice(rows, self.request.name, problems, self.key_column, self.stands_twice)
        self.shared = refuse_contradictions(rows, self.request.name, problems, self.about)
        return rows

    def note(self, row: R, column: str, message: Any) -> None:
        """Say something of a row that is stored all the same."""
        self.result.notes.append(csv_problem(self.request.name, row.line, column, message))

    def fault(self, row: R, column: str, message: Any) -> None:
        """Say why a row is not stored."""
        self.result.problems.append(csv_problem(self.request.name, row.line, column, message))

    def _table(self) -> Table:
        data = self.request.data
        if isinstance(data, Table):
            return data
        return read_csv(data, self.request.name, self.required, self.optional)

    def _record(self, table: Table) -> None:
        """Write the import to the audit log: what became of its rows, by the mark of its contents."""
        result, request = self.result, self.request
        detail = {
            "added": result.added,
            "changed": result.changed,
            "faults": len(result.problems),
            "paid_differs": result.paid_differs,
            "holders_changed": result.holders_changed,
        }
        counted = {k: n for k, n in detail.items() if n}
        record(request.actor, self.act, table.mark, counted, self.now, reason=request.name)
