"""The pieces of numbers by which owners of vehicles and licences prove themselves, and the year over
which points of a licence add up. Pure: no database."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from stdnum.iso7064 import mod_11_2

_TAIL = re.compile(r"[A-Z0-9]{6}")
_LICENCE = re.compile(r"[0-9]{17}[0-9X]")


def tail_of(text: str) -> str | None:
    """The last six characters of a VIN or engine number, from what was typed; None if that is
    not what it is."""
    tail = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    return tail if _TAIL.fullmatch(tail) else None


def licence_of(text: str) -> str | None:
    """The number of a driving licence: 18 characters, the last a check (GB 11643, ISO 7064
    MOD 11-2); None if it is none."""
    number = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()
    return number if _LICENCE.fullmatch(number) and mod_11_2.is_valid(number) else None


def scoring_year(first_issued_on: date, today: date) -> tuple[date, date]:
    """The scoring year that a day lies in: twelve months from the day of the first issue.

    A licence first issued on 29 February turns on 1 March in other years.
    """
    start = _anniversary(first_issued_on, today.year)
    if start > today:
        return _anniversary(first_issued_on, today.year - 1), start
    return start, _anniversary(first_issued_on, today.year + 1)


def _anniversary(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
