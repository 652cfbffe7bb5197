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
MOST_TOGETHER = 500
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
    if all_or_nothing:
        yield from _together(documents, rows, name)
        return
    seen: dict[str, int] = {}
    for row in rows:
        try:
            candidate = _candidate(row, name, seen)
            yield _save(documents, candidate, row, name)
        except Invalid as error:
            yield _failed(error.problems, row, name)
        except SmartCityError as error:
            yield _failed([Problem(name, row.number, 1, "", error.detail)], row, name)


def _together(documents: Documents, rows: list[Line], name: str) -> Iterator[RowResult]:
    """All rows or none: checked before the one transaction that stores them begins."""
    if len(rows) > MOST_TOGETHER:
        raise _refusal(
            name, 1, _("All or nothing takes %(most)s rows at most.", most=MOST_TOGETHER)
        )
    seen: dict[str, int] = {}
    found: list[Problem] = []
    wanted: dict[str, tuple[Line, Candidate]] = {}
    results = []
    for row in rows:
        try:
            candidate = _candidate(row, name, seen)
            if _is_live_already(documents, candidate, row, name):
                results.append(RowResult(row.number, candidate.name, "same"))
            else:
                wanted[candidate.name] = (row, candidate)
        except Invalid as error:
            found += [_at_line(problem, name, row.number) for problem in error.problems]
    candidates = [candidate for _row, candidate in wanted.values()]
    for problem in documents.problems(candidates):
        found.append(_at_line(problem, name, wanted[problem.path][0].number))
    if found:
        raise RolloutFailed(_("Nothing was stored, because some rows have faults."), found)
    documents.save_all(candidates, {}, f"rollout of {name}", "rollout")
    results += [RowResult(row.number, slug, "live") for slug, (row, _c) in wanted.items()]
    yield from sorted(results, key=lambda result: result.line)


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


def _candidate(row: Line, name: str, seen: dict[str, int]) -> Candidate:
    slug = row.values["slug"]
    if slug in seen:
        raise _refusal(
            name, row.number, _("%(city)s is on line %(line)s too.", city=slug, line=seen[slug])
        )
    seen[slug] = row.number
    empty = [column for column in REQUIRED if not row.values.get(column)]
    if empty:
        raise _refusal(name, row.number, _("Empty: %(names)s.", names=", ".join(empty)))
    return Candidate(parse(city_text(row), slug))


def _save(documents: Documents, candidate: Candidate, row: Line, name: str) -> RowResult:
    with command():
        if _is_live_already(documents, candidate, row, name):
            return RowResult(row.number, candidate.name, "same")
        documents.save(candidate, 0, f"rollout of {name}, line {row.number}", "rollout")
    return RowResult(row.number, candidate.name, "live")


def _is_live_already(documents: Documents, candidate: Candidate, row: Line, name: str) -> bool:
    """Whether the city is live and says what the row says.

    Raises:
        Invalid: It is live and says something else.
    """
    if not _live_number(documents, candidate.name):
        return False
    if _says_the_same(documents, candidate):
        return True
    raise _refusal(
        name,
        row.number,
        _("%(city)s is live already and differs from this row.", city=candidate.name),
        _("Change it on the console or with smartcity apply."),
    )


def _failed(problems: list[Problem], row: Line, name: str) -> RowResult:
    found = tuple(_at_line(problem, name, row.number) for problem in problems)
    return RowResult(row.number, row.values["slug"], "failed", found)


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
