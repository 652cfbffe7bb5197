"""Tables from people: one strict reader of CSV for the whole product.

Rows come with their lines, and faults say line, column and what to do. A column that the file does
not have is absent from every row; an empty cell is an empty text. The two are never the same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from smartcity_saas.configuration.csv_encoding import text_of
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

MOST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 20_000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What starts a formula in a spreadsheet: such a cell is written with an apostrophe (OWASP)."""
_OTHER_SEPARATORS: dict[str, Any] = {
    ";": _("semicolons"),
    "\t": _("tabs"),
    "|": _("vertical bars"),
    "，": _("full-width commas"),
    "；": _("full-width semicolons"),
}
_CSV_ERRORS: tuple[tuple[str, Any], ...] = (
    ("unexpected end", _("This quotation mark is not closed.")),
    (
        "expected after",
        _("A closing quotation mark must be followed by a comma or the end of the line."),
    ),
    ("field limit", _("A cell is longer than 131,072 characters.")),
)


@dataclass(frozen=True)
class Line:
    """One row: ``values`` by column, without those that are absent; ``number`` is the line of the
    file on which it begins. A row with ``problem`` is not to be taken; it has every column that is
    needed, for whoever tells of it."""

    number: int
    values: Mapping[str, str]
    problem: Problem | None = None


@dataclass(frozen=True)
class Table:
    """What was read: the rows, the encoding that was found (empty where none was needed), the
    columns that nobody reads, and a mark of the contents."""

    lines: Sequence[Line]
    mark: str
    encoding: str = ""
    unread: tuple[str, ...] = ()


def read_csv(
    data: bytes, name: str, required: Sequence[str], optional: Sequence[str] = ()
) -> Table:
    """The rows of a CSV (RFC 4180) whose first row names the columns, in any order.

    Lines end in CR, LF or both. Cells are trimmed, names of columns folded; rows without any
    content are passed over. Columns beyond ``required`` and ``optional`` are named in the result.

    Raises:
        Invalid: It is no such file, it is too large, or its columns are missing or stand twice.
    """
    if len(data) > MOST_BYTES:
        raise _refusal(name, 1, _("The file is too large. Split it."))
    text, encoding = text_of(data, name)
    table = read_csv_text(text, name, required, optional)
    return replace(table, mark=mark_of(data), encoding=encoding)


def read_csv_text(
    text: str, name: str, required: Sequence[str], optional: Sequence[str] = ()
) -> Table:
    """The same of text that was taken in before, whose bytes have been measured then: UTF-8 makes
    of two bytes of GB 18030 or UTF-16 three.

    Raises:
        Invalid: It is no such table, or its columns are missing or stand twice.
    """
    mark = mark_of(text.encode())
    text = _without_separator_line(text)
    _refuse_separator(text, name, required)
    records = _records(text, name)
    _number, header = next(records, (1, []))
    columns = [folded_column(cell) for cell in header]
    _refuse_columns(columns, name, required)
    rows = islice(records, MOST_ROWS + 1)
    lines = [_line(number, row, columns, required, name) for number, row in rows]
    if len(lines) > MOST_ROWS:
        raise _refusal(name, 1, _("The file has too many rows. Split it."))
    known = {*required, *optional}
    unread = tuple(one for one in columns if one and one not in known)
    return Table(lines, mark, "", unread)


def folded_column(cell: str) -> str:
    """A column's name as it is compared: NFKC, small letters, nothing that does not show."""
    text = unicodedata.normalize("NFKC", cell).casefold()
    return "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cf")).strip()


def mark_of(data: bytes) -> str:
    """By what an audit log names a file: its contents. Its name may say who somebody is."""
    return f"file:{hashlib.sha256(data).hexdigest()[:16]}"


def csv_problem(name: str, line: int, column: str, message: Text, hint: Text = "") -> Problem:
    """A fault in one cell."""
    return Problem(name, line, 1, f"/{line}/{column}" if column else f"/{line}", message, hint)


def _without_separator_line(text: str) -> str:
    """The text without the line ``sep=,`` in which a spreadsheet names its separator."""
    return "\n" + text[len(_first_line(text)) :] if text[:4].lower() == "sep=" else text


def _first_line(text: str) -> str:
    return io.StringIO(text.lstrip("\r\n"), newline="").readline()


def _refuse_separator(text: str, name: str, required: Sequence[str]) -> None:
    """Name another separator than the comma, if it finds more of the columns that are needed.

    Raises:
        Invalid: It does.
    """
    first = _first_line(text)

    def found(separator: str) -> int:
        parts = {folded_column(part.strip().strip('"')) for part in first.split(separator)}
        return len(parts & set(required))

    best = max(_OTHER_SEPARATORS, key=found)
    if found(best) > found(","):
        raise _refusal(
            name,
            1,
            _("This file uses %(what)s to separate columns.", what=_OTHER_SEPARATORS[best]),
            _("Save it as a CSV separated by commas, with a point for decimals."),
        )


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that holds anything, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for row in reader:
            cells = [_cell(one) for one in row]
            if any(cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        said = next((words for part, words in _CSV_ERRORS if part in str(error)), None)
        raise _refusal(name, begins, said or _("This is not a valid CSV row.")) from None


def _cell(text: str) -> str:
    """A cell without the blanks around it, and without the apostrophe that our own CSV puts
    before what would start a formula."""
    cell = text.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def _line(
    number: int, row: list[str], columns: list[str], required: Sequence[str], name: str
) -> Line:
    values = {column: cell for column, cell in zip(columns, row, strict=False) if column}
    names = [*columns, *("" for _beyond in row[len(columns) :])]
    beyond = next(
        (cell for column, cell in zip(names, row, strict=False) if cell and not column), ""
    )
    ends_before = next((column for column in required if column not in values), "")
    problem = None
    if beyond:
        message = _(
            "“%(value)s” is outside the columns named in the first line.", value=beyond[:40]
        )
        hint = _("Put quotation marks around a cell that contains a comma, such as 1,234.50.")
        problem = csv_problem(name, number, "", message, hint)
    elif ends_before:
        message = _("The row ends before this column.")
        problem = csv_problem(name, number, ends_before, message)
        values = {**dict.fromkeys(required, ""), **values}
    return Line(number, values, problem)


def _refuse_columns(columns: list[str], name: str, required: Sequence[str]) -> None:
    """Say at once which columns are missing and which stand twice.

    Raises:
        Invalid: Any is, or does.
    """
    found = []
    missing = [column for column in required if column not in columns]
    if missing:
        message = _("Missing columns: %(names)s.", names=", ".join(missing))
        found.append(
            csv_problem(name, 1, "", message, _("Put the column names in the first line."))
        )
    twice = [one for one, count in Counter(columns).items() if one and count > 1]
    if twice:
        message = _("Duplicate columns: %(names)s.", names=", ".join(twice))
        found.append(csv_problem(name, 1, "", message, _("Keep one of each.")))
    if found:
        raise Invalid(found[0].message, found)


def _refusal(name: str, line: int, message: Text, hint: Text = "") -> Invalid:
    return Invalid(message, [csv_problem(name, line, "", message, hint)])
