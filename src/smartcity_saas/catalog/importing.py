"""Taking a CSV into a service: reading its cells, noting every fault, and the desk's upload."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from datetime import date, time
from typing import Any, Protocol, TypeVar

from flask import request
from flask_babel import lazy_gettext as _
from marshmallow import ValidationError

from smartcity_saas.catalog.service import Imported, Service
from smartcity_saas.clock import read_day
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.csv_input import Line, csv_problem
from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import Invalid, NotFound
from smartcity_saas.identity.access_log import not_shown
from smartcity_saas.identity.gatekeeper import signed_in_member
from smartcity_saas.tenancy.entering import city_scope
from smartcity_saas.tenancy.here import present_time
from smartcity_saas.web.money import decimals, parse_decimal

MOST_SHOWN = 100
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class Cells:
    """Reading the cells of one row; a faulty one gives a stand-in and is noted."""

    def __init__(self, line: Line, name: str, problems: list[Problem]) -> None:
        self.line = line
        self.name = name
        self.problems = problems
        self.faulty = False

    def fault(self, column: str, message: Any, hint: Any = "") -> None:
        """Note what is wrong with a cell."""
        self.faulty = True
        self.problems.append(csv_problem(self.name, self.line.number, column, message, hint))

    def raw(self, column: str) -> str:
        """A cell as it stands; empty where the column is missing."""
        return self.line.values.get(column, "")

    def text(self, column: str, longest: int, *, empty: bool = False) -> str:
        """Some text of limited length."""
        value = self.raw(column)
        if not (0 if empty else 1) <= len(value) <= longest:
            self.fault(column, _("Write 1 to %(most)s characters.", most=longest))
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
            self.fault(column, _("Write a code of letters, digits, dot, - and _."))
        return value

    def choice(self, column: str, words: Collection[str]) -> str:
        """One of a few words."""
        value = self.raw(column)
        if value not in words:
            self.fault(column, _("Write one of: %(words)s.", words=", ".join(words)))
        return value

    def day(self, column: str) -> date:
        """A date (ISO 8601)."""
        found = read_day(self.raw(column))
        if found is None:
            self.fault(column, _("Write a date such as 2026-11-30."))
        return found or date.min

    def month(self, column: str) -> date:
        """A month, as its first day."""
        found = read_day(f"{self.raw(column)}-01")
        if found is None:
            self.fault(column, _("Write a month such as 2026-10."))
        return found or date.min

    def clock(self, column: str) -> time:
        """A time of day."""
        value = self.raw(column)
        if not re.fullmatch(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]", value):
            self.fault(column, _("Write a time of day such as 08:30."))
            return time()
        hour, minute = value.split(":")
        return time(int(hour), int(minute))

    def integer(self, column: str, least: int, most: int) -> int:
        """A whole number within limits."""
        value = self.raw(column)
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            self.fault(
                column,
                _("Write a whole number from %(least)s to %(most)s.", least=least, most=most),
            )
            return least
        return int(value)

    def decimal(self, column: str, places: int) -> int:
        """A number that is not negative, as a whole number of its smallest part."""
        found = parse_decimal(self.raw(column), places)
        if found is None:
            self.fault(
                column,
                _(
                    "Write a number from 0 to 999,999 with up to %(places)s decimals.",
                    places=places,
                ),
            )
        return found or 0

    def money(self, column: str, currency: str) -> int:
        """An amount, in the currency's minor unit."""
        return self.decimal(column, decimals(currency))


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


def file_mark(data: bytes) -> str:
    """By what a trail names a file: its contents. The name that somebody gave it may be anybody's."""
    return f"file:{hashlib.sha256(data).hexdigest()[:16]}"


def _file_name(given: str) -> str:
    """A file's name as people read it again: short, and of characters that show."""
    return "".join(one for one in given if one.isprintable())[:80] or "upload.csv"


def take_upload(city: City, service: Service) -> tuple[Imported | None, list[Problem]]:
    """Import the file of the present request's form; the result, and every fault."""
    member = signed_in_member()
    if service.importer is None:
        raise NotFound
    upload = request.files.get("file")
    if not upload or not upload.filename:
        return None, [csv_problem("", 0, "", _("Choose a file first."))]
    try:
        with city_scope(city.id), not_shown():
            result = service.importer(
                member.actor,
                city,
                upload.read(),
                _file_name(upload.filename),
                present_time(),
                all_or_nothing="all_or_nothing" in request.form,
            )
    except Invalid as error:
        return None, error.problems
    return result, result.problems
