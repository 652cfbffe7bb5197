"""Many cities from one CSV: each row makes a city, and a bad row stops that row alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.checking import Candidate
from smartcity_saas.configuration.csv_input import Line, csv_problem, read_csv
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.edit import write
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.source import parse
from smartcity_saas.database import command
from smartcity_saas.errors import Invalid, SmartCityError

REQUIRED = ("division_code", "slug", "name_zh", "name_en", "province_slug")
OPTIONAL = ("state", "color", "province_code", "province_zh", "province_en")


@dataclass(frozen=True)
class RowResult:
    """What became of a row: ``live``, ``same`` or ``failed`` with its problems."""

    line: int
    slug: str
    outcome: str
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "line": self.line,
            "city": self.slug,
            "outcome": self.outcome,
            "problems": [found.as_dict() for found in self.problems],
        }


class RolloutFailed(Invalid):
    """A row failed and all or nothing was asked for."""


def read_rows(data: bytes, name: str) -> list[Line]:
    """The rows of a CSV in UTF-8.

    Raises:
        Invalid: It is not such a file, or a column is missing.
    """
    return read_csv(data, name, REQUIRED)


def roll_out(
    documents: Documents, rows: list[Line], name: str, *, all_or_nothing: bool = False
) -> Iterator[RowResult]:
    """Make a city of every row, one by one, yielding what became of each.

    Raises:
        RolloutFailed: ``all_or_nothing``, and a row failed; nothing was stored.
    """
    if not all_or_nothing:
        seen: dict[str, int] = {}
        for row in rows:
            yield _roll_out_row(documents, row, name, seen)
        return
    seen, results = {}, []
    with command():
        for row in rows:
            result = _roll_out_row(documents, row, name, seen)
            results.append(result)
        failed = [found for result in results for found in result.problems]
        if failed:
            raise RolloutFailed(_("Nothing was stored, because some rows have faults."), failed)
    yield from results


def city_text(row: Line) -> str:
    """The document that a row makes."""
    values: dict[str, Any] = {
        "city": row.values["slug"],
        "province": row.values["province_slug"],
        "division_code": row.values["division_code"],
        "name": {"zh": row.values["name_zh"], "en": row.values["name_en"]},
        "state": row.values.get("state") or "live",
    }
    if row.values.get("color"):
        values["branding"] = {"color": row.values["color"]}
    return write(values)


def province_text(row: Line) -> str:
    """The baseline that a row's province gets if it has none: its name and code."""
    zh = row.values.get("province_zh") or row.values["province_slug"]
    en = row.values.get("province_en") or row.values["province_slug"]
    values: dict[str, Any] = {"province": row.values["province_slug"]}
    if row.values.get("province_code"):
        values["division_code"] = row.values["province_code"]
    return write({**values, "name": {"zh": zh, "en": en}})


def _roll_out_row(documents: Documents, row: Line, name: str, seen: dict[str, int]) -> RowResult:
    try:
        if row.values["slug"] in seen:
            raise _refusal(
                name,
                row.number,
                _(
                    "%(city)s is on line %(line)s too.",
                    city=row.values["slug"],
                    line=seen[row.values["slug"]],
                ),
            )
        seen[row.values["slug"]] = row.number
        return _save_row(documents, row, name)
    except Invalid as error:
        found = [_at_line(problem, name, row.number) for problem in error.problems]
        return RowResult(row.number, row.values["slug"], "failed", tuple(found))
    except SmartCityError as error:
        problem = Problem(name, row.number, 1, "", error.detail)
        return RowResult(row.number, row.values["slug"], "failed", (problem,))


def _save_row(documents: Documents, row: Line, name: str) -> RowResult:
    empty = [column for column in REQUIRED if not row.values.get(column)]
    if empty:
        raise _refusal(name, row.number, _("Empty: %(names)s.", names=", ".join(empty)))
    candidate = Candidate(parse(city_text(row), row.values["slug"]))
    with command():
        live = _live_number(documents, candidate.name)
        if live and _says_the_same(documents, candidate):
            return RowResult(row.number, row.values["slug"], "same")
        if live:
            raise _refusal(
                name,
                row.number,
                _("%(city)s is live already and differs from this row.", city=row.values["slug"]),
                _("Change it on the console or with smartcity apply."),
            )
        documents.save(candidate, 0, f"rollout of {name}, line {row.number}", "rollout")
    return RowResult(row.number, row.values["slug"], "live")


def _live_number(documents: Documents, name: str) -> int:
    return next((found.number for found in documents.named([name])), 0)


def _says_the_same(documents: Documents, candidate: Candidate) -> bool:
    """Whether the live city says all that the row says; what else it says is its own."""
    live = documents.live(candidate.name).values
    wanted = dict(candidate.source.values)
    wanted.pop("state")
    return all(live.get(key) == value for key, value in wanted.items() if key != "branding")


def _at_line(problem: Problem, name: str, line: int) -> Problem:
    column = problem.pointer.rpartition("/")[2]
    return csv_problem(name, line, column, problem.message, problem.hint)


def _refusal(name: str, line: int, message: Any, hint: Any = "") -> Invalid:
    return Invalid(message, [csv_problem(name, line, "", message, hint)])
