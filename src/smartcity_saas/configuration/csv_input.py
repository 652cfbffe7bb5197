"""CSV from people: rows with their lines, and faults that say line, column and what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import Invalid

MOST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Line:
    """One row; ``number`` counts the header as line 1."""

    number: int
    values: Mapping[str, str]


def read_csv(data: bytes, name: str, required: Sequence[str]) -> list[Line]:
    """Rows of a CSV in UTF-8.

    Raises:
        Invalid: It is no such file, a column is missing, or it is too large.
    """
    if len(data) > MOST_BYTES:
        raise _refusal(name, 1, _("The file is too large. Split it."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(
            name, 1, _("The file is not in UTF-8."), _("Save it as “CSV UTF-8”.")
        ) from None
    if "\0" in text:
        raise _refusal(name, 1, _("The file is not a CSV."))
    reader = csv.DictReader(io.StringIO(text))
    try:
        missing = [column for column in required if column not in (reader.fieldnames or [])]
        if missing:
            raise _refusal(
                name,
                1,
                _("Missing columns: %(names)s.", names=", ".join(missing)),
                _("The first line names the columns."),
            )
        lines = [
            Line(reader.line_num, {key: (value or "").strip() for key, value in row.items() if key})
            for row in islice(reader, MOST_ROWS + 1)
        ]
    except csv.Error as error:
        raise _refusal(name, reader.line_num, _("Not a CSV: %(reason)s.", reason=error)) from None
    if len(lines) > MOST_ROWS:
        raise _refusal(name, 1, _("The file has too many rows. Split it."))
    return lines


def csv_problem(name: str, line: int, column: str, message: Any, hint: Any = "") -> Problem:
    """A fault in one cell."""
    return Problem(name, line, 1, f"/{line}/{column}" if column else f"/{line}", message, hint)


def _refusal(name: str, line: int, message: Any, hint: Any = "") -> Invalid:
    return Invalid(message, [csv_problem(name, line, "", message, hint)])
