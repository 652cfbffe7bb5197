"""What one row of a roll-out wants: a new city, a change of a draft, or what is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.csv_input import Line, csv_problem
from smartcity_saas.configuration.divisions import province_named
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.problems import Path, Problem
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_edit import edit, write
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

SAME, CHANGED, FAILED, UNSTORED = "same", "changed", "failed", "unstored"
"""What becomes of a row that makes no city: see ``RowResult``."""
COLUMNS: Mapping[str, Path] = {
    "slug": ("city",),
    "province_slug": ("province",),
    "division_code": ("division_code",),
    "name_zh": ("name", "zh"),
    "name_en": ("name", "en"),
    "state": ("state",),
    "color": ("branding", "color"),
}
"""Columns of a row and where they stand in a city's document."""
_OF_PROVINCE: Mapping[str, Path] = {
    "province_code": ("division_code",),
    "province_zh": ("name", "zh"),
    "province_en": ("name", "en"),
}


@dataclass(frozen=True)
class Intent:
    """What a row wants. ``candidate`` is what would be stored, None where nothing would."""

    row: Line
    outcome: str
    candidate: Candidate | None = None
    based_on: int = 0
    notes: tuple[Any, ...] = ()

    @property
    def slug(self) -> str:
        """The city's."""
        return self.row.values["slug"]


@dataclass(frozen=True)
class Surroundings:
    """What some rows stand beside: the documents that are live, of their cities and baselines, by
    name; and the baselines that the roll-out brings."""

    live: Mapping[str, LiveDocument]
    brought: Sequence[Candidate]

    @classmethod
    def of(
        cls, documents: Documents, rows: Sequence[Line], brought: Sequence[Candidate]
    ) -> Surroundings:
        """Those of some rows as they are now, by one statement."""
        names = {row.values["slug"] for row in rows} | {one.name for one in brought}
        names |= {f"province:{row.values['province_slug']}" for row in rows}
        return cls({found.name: found for found in documents.named(names)}, brought)

    def province(self, slug: str) -> Mapping[str, Any]:
        """What a province's baseline says, live or else brought; empty where there is none."""
        name = f"province:{slug}"
        if name in self.live:
            return self.live[name].values
        return next((one.source.values for one in self.brought if one.name == name), {})


def intent_of(
    documents: Documents, row: Line, name: str, state: str, around: Surroundings
) -> Intent:
    """What a row wants; ``state`` is that of a new city whose own is left blank.

    Every column is compared with what is there. A draft takes what differs; of a city that has
    been live nothing is overwritten, so there a difference is a fault.

    Raises:
        Invalid: The row contradicts a city that has been live, or its province's code.
    """
    notes = _province_notes(row, name, around)
    live = around.live.get(row.values["slug"])
    if live is None:
        candidate = Candidate(parse(city_text(row, state), row.values["slug"]))
        return Intent(row, row.values.get("state") or state, candidate, notes=notes)
    differing = {
        column: (get(live.values, path), row.values[column])
        for column, path in COLUMNS.items()
        if row.values.get(column) and not _same(get(live.values, path), row.values[column])
    }
    if not differing:
        return Intent(row, SAME, notes=notes)
    if not live.is_draft:
        raise _contradiction(row, name, differing)
    return _changed(documents, row, live, differing, notes)


def city_text(row: Line, state: str = "live") -> str:
    """The document that a row makes."""
    values: dict[str, Any] = {
        "city": row.values["slug"],
        "province": row.values["province_slug"],
        "division_code": row.values["division_code"],
        "name": {"zh": row.values["name_zh"], "en": row.values["name_en"]},
        "state": row.values.get("state") or state,
    }
    if row.values.get("color"):
        values["branding"] = {"color": row.values["color"]}
    return write(values)


def province_candidate(slug: str, rows: Sequence[Line]) -> Candidate:
    """The baseline that a province gets if it has none: name and code by the official list, or
    by the first row that says them."""
    official = province_named(slug)
    code = official.code if official else _first(rows, "province_code")
    zh = _first(rows, "province_zh") or (official.zh if official else slug)
    en = _first(rows, "province_en") or (official.en if official else slug)
    values: dict[str, Any] = {"province": slug, **({"division_code": code} if code else {})}
    text = write({**values, "name": {"zh": zh, "en": en}})
    return Candidate(parse(text, f"province:{slug}"))


def at_line(problem: Problem, name: str, line: int) -> Problem:
    """A document's problem as one of the row that made it, at the column that said it."""
    columns = {"/" + "/".join(map(str, path)): column for column, path in COLUMNS.items()}
    column = columns.get(problem.pointer, problem.pointer.rpartition("/")[2])
    return csv_problem(name, line, column, problem.message, problem.hint)


def refusal(name: str, line: int, message: Text, hint: Text = "") -> Invalid:
    """A fault of a whole row."""
    return Invalid(message, [csv_problem(name, line, "", message, hint)])


def _first(rows: Sequence[Line], column: str) -> str:
    return next((row.values[column] for row in rows if row.values.get(column)), "")


def _same(live: Any, wanted: str) -> bool:
    return str(live or "").casefold() == wanted.casefold()


def _changed(
    documents: Documents,
    row: Line,
    live: LiveDocument,
    differing: Mapping[str, tuple[Any, str]],
    notes: tuple[Any, ...],
) -> Intent:
    text = documents.live_revision(live.name).text
    leaves: dict[Path, Any] = {}
    for column, (_was, wanted) in differing.items():
        path = COLUMNS[column]
        if path[0] == "name":
            name = leaves.get(("name",), live.values["name"])
            leaves["name",] = {**name, path[1]: wanted}
        else:
            leaves[path] = wanted
    candidate = Candidate(parse(edit(text, leaves), live.name), live.files)
    outcome = differing["state"][1] if "state" in differing else CHANGED
    return Intent(row, outcome, candidate, live.number, notes)


def _contradiction(row: Line, name: str, differing: Mapping[str, tuple[Any, str]]) -> Invalid:
    message = _("%(city)s already exists and is different from this row.", city=row.values["slug"])
    problems = [
        csv_problem(
            name,
            row.number,
            column,
            _(
                "%(city)s already exists. Its %(column)s is “%(was)s”, but this row says “%(wanted)s”.",
                city=row.values["slug"],
                column=column,
                was=was if was is not None else "",
                wanted=wanted,
            ),
            _("Change it on the console or with smartcity apply."),
        )
        for column, (was, wanted) in differing.items()
    ]
    return Invalid(message, problems)


def _province_notes(row: Line, name: str, around: Surroundings) -> tuple[Any, ...]:
    """What a row says of its province and nothing takes; another code is a fault."""
    slug = row.values["province_slug"]
    values = around.province(slug)
    notes = []
    for column, path in _OF_PROVINCE.items():
        wanted, is_ = row.values.get(column), get(values, path)
        if not values or not wanted or _same(is_, wanted):
            continue
        if column == "province_code" and is_:
            message = _(
                "%(code)s is not the code of %(province)s. The code is %(right)s.",
                code=wanted,
                province=slug,
                right=is_,
            )
            raise Invalid(message, [csv_problem(name, row.number, column, message)])
        notes.append(
            _(
                "%(column)s “%(wanted)s” was not used: %(province)s already has “%(is)s”.",
                column=column,
                wanted=wanted,
                province=slug,
                **{"is": is_ or ""},
            )
        )
    return tuple(notes)
