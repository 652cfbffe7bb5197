"""Many cities from one CSV: each row makes a city, and a bad row stops that row alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from smartcity_saas.configuration.csv_input import Line, Table, csv_problem, read_csv, read_csv_text
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.onboarding_rows import (
    FAILED,
    SAME,
    UNSTORED,
    Intent,
    Surroundings,
    at_line,
    intent_of,
    refusal,
)
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.database import transaction
from smartcity_saas.errors import Invalid, SmartCityError
from smartcity_saas.texts import lazy_gettext as _

REQUIRED = ("division_code", "slug", "name_zh", "name_en", "province_slug")
MOST_TOGETHER = 500
AT_ONCE = 32
"""Rows that are stored in one transaction: it holds up whoever saves meanwhile, some tenths of a second."""
OPTIONAL = ("state", "color", "province_code", "province_zh", "province_en")


@dataclass(frozen=True)
class RowResult:
    """What became of a row, or would.

    ``outcome`` is ``live`` or ``draft`` (a city was made so, or brought live), ``changed`` (a
    draft was changed), ``same`` (what is there is as the file says), ``failed`` with its problems,
    or ``unstored`` (in order, and left out because other rows are not). ``notes`` name what the
    row says and nothing takes.
    """

    line: int
    slug: str
    outcome: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[Any, ...] = ()

    @property
    def is_failed(self) -> bool:
        """Whether it has a fault."""
        return self.outcome == FAILED

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "line": self.line,
            "city": self.slug,
            "outcome": self.outcome,
            "problems": [found.as_dict() for found in self.problems],
            "notes": [str(note) for note in self.notes],
        }


class RolloutFailed(Invalid):
    """A row failed and all or nothing was asked for. ``results`` are those of every row."""

    def __init__(self, results: Sequence[RowResult]) -> None:
        problems = [found for result in results for found in result.problems]
        super().__init__(_("Some rows have errors. Nothing was saved."), problems)
        self.results = [
            one if one.outcome in (FAILED, SAME) else replace(one, outcome=UNSTORED)
            for one in results
        ]


@dataclass(frozen=True)
class RollOut:
    """One file of rows, as one actor rolls it out.

    Args:
        documents: As whoever rolls out.
        rows: The rows of the file.
        name: The file's name, for messages.
        state: What a row makes whose state is left blank: ``live`` or ``draft``.
        baselines: Documents that rows need and the platform lacks; each is stored with the first
            city that needs it, never alone.
    """

    documents: Documents
    rows: Sequence[Line]
    name: str
    state: str = "live"
    baselines: Sequence[Candidate] = ()

    @cached_property
    def lines(self) -> dict[str, int]:
        """The line on which each city stands first."""
        found: dict[str, int] = {}
        for row in self.rows:
            found.setdefault(row.values["slug"], row.number)
        return found

    def look(self, most: int | None = None) -> Iterator[RowResult]:
        """What each of the first rows would do, of all if ``most`` is None; nothing is stored."""
        rows = self.rows[:most]
        for start in range(0, len(rows), MOST_TOGETHER):
            yield from self._looked_at(rows[start : start + MOST_TOGETHER])[0]

    def one_by_one(self, start: int = 0, most: int | None = None) -> Iterator[RowResult]:
        """Do rows, from the one at ``start``, yielding what became of each. Some are stored at once;
        one with a fault stops itself alone."""
        rows = self.rows[start:][:most]
        for first in range(0, len(rows), AT_ONCE):
            yield from self._done(rows[first : first + AT_ONCE])

    def together(self) -> list[RowResult]:
        """Do all rows, or none.

        Raises:
            RolloutFailed: A row has a fault; nothing was stored, no baseline either.
            Invalid: There are too many rows for this.
        """
        refuse_too_many(self.rows, self.name)
        results, wanted = self._looked_at(self.rows)
        if any(result.is_failed for result in results):
            raise RolloutFailed(results)
        with transaction():
            self._save(wanted, Surroundings.of(self.documents, self.rows, self.baselines))
        return results

    def _done(self, rows: Sequence[Line]) -> list[RowResult]:
        """Do some rows in one transaction. Where they cannot be stored together, either half is done
        by itself, down to the row that is in the way."""
        try:
            with transaction():
                around = Surroundings.of(self.documents, rows, self.baselines)
                results, wanted = self._wanted(rows, around)
                if wanted:
                    self._save(wanted, around)
            return list(results.values())
        except SmartCityError as error:
            if len(rows) == 1:
                return [self._failed(rows[0], error)]
        half = len(rows) // 2
        return [*self._done(rows[:half]), *self._done(rows[half:])]

    def _wanted(
        self, rows: Sequence[Line], around: Surroundings
    ) -> tuple[dict[int, RowResult], list[Intent]]:
        """By line what each row would do, and what there is to store."""
        results: dict[int, RowResult] = {}
        wanted: list[Intent] = []
        for row in rows:
            try:
                intent = self._intent(row, around)
            except SmartCityError as error:
                results[row.number] = self._failed(row, error)
                continue
            results[row.number] = _result(intent)
            if intent.candidate is not None:
                wanted.append(intent)
        return results, wanted

    def _looked_at(self, rows: Sequence[Line]) -> tuple[list[RowResult], list[Intent]]:
        """The results of some rows, and those that would be stored."""
        around = Surroundings.of(self.documents, rows, self.baselines)
        results, intents = self._wanted(rows, around)
        wanted: dict[str, Intent] = {}
        for intent in intents:
            try:
                for candidate in _candidates([intent]):
                    self.documents.admit(candidate)
                wanted[intent.slug] = intent
            except SmartCityError as error:
                results[intent.row.number] = self._failed(intent.row, error)
        for line, problems in self._problems(wanted, around).items():
            results[line] = RowResult(line, results[line].slug, FAILED, tuple(problems))
        kept = [one for one in wanted.values() if not results[one.row.number].is_failed]
        return list(results.values()), kept

    def _problems(
        self, wanted: Mapping[str, Intent], around: Surroundings
    ) -> dict[int, list[Problem]]:
        """By line, what is wrong with the documents that rows make, and with their baselines."""
        needed = _needed(wanted.values(), around)
        candidates = _candidates(wanted.values())
        found: dict[int, list[Problem]] = {}
        for problem in self.documents.problems([*needed, *candidates]):
            above = [one for one in needed if one.source.path == problem.path]
            rows = [
                intent.row
                for intent in wanted.values()
                if intent.slug == problem.path or any(_is_above(one, intent) for one in above)
            ]
            for row in rows:
                found.setdefault(row.number, []).append(at_line(problem, self.name, row.number))
        return found

    def _intent(self, row: Line, around: Surroundings) -> Intent:
        """What a row wants.

        Raises:
            Invalid: It wants what cannot be, or another row wanted it before.
        """
        self._refuse_incomplete(row)
        slug = row.values["slug"]
        if self.lines[slug] != row.number:
            message = _("%(city)s is also on line %(line)s.", city=slug, line=self.lines[slug])
            raise refusal(self.name, row.number, message)
        return intent_of(self.documents, row, self.name, self.state, around)

    def _refuse_incomplete(self, row: Line) -> None:
        if row.problem is not None:
            raise Invalid(row.problem.message, [row.problem])
        empty = [column for column in REQUIRED if not row.values.get(column)]
        if empty:
            raise refusal(
                self.name, row.number, _("Not filled in: %(names)s.", names=", ".join(empty))
            )

    def _save(self, intents: Sequence[Intent], around: Surroundings) -> None:
        message = f"rollout of {self.name}"
        self.documents.save_all(
            [*_needed(intents, around), *_candidates(intents)],
            {one.slug: one.based_on for one in intents},
            message,
            "rollout",
            {one.slug: f"{message}, line {one.row.number}" for one in intents},
        )

    def _failed(self, row: Line, error: SmartCityError) -> RowResult:
        problems = error.problems if isinstance(error, Invalid) else []
        found = [at_line(one, self.name, row.number) for one in problems]
        found = found or [csv_problem(self.name, row.number, "", error.detail)]
        return RowResult(row.number, row.values.get("slug", ""), FAILED, tuple(found))


def read_table(data: bytes, name: str) -> Table:
    """The table of a CSV, with the encoding that was found and the columns that are not read.

    Raises:
        Invalid: It is not such a file, or its columns are missing or stand twice.
    """
    return read_csv(data, name, REQUIRED, OPTIONAL)


def read_rows(text: str, name: str) -> list[Line]:
    """The rows of a CSV that was read before, as text.

    Raises:
        Invalid: It is no such table, or its columns are missing or stand twice.
    """
    return list(read_csv_text(text, name, REQUIRED, OPTIONAL).lines)


def roll_out(
    documents: Documents,
    rows: Sequence[Line],
    name: str,
    *,
    all_or_nothing: bool = False,
    state: str = "live",
    baselines: Sequence[Candidate] = (),
) -> Iterator[RowResult]:
    """Make a city of every row, yielding what became of each; parameters as in ``RollOut``.

    Raises:
        RolloutFailed: ``all_or_nothing``, and a row failed; nothing was stored.
    """
    rollout = RollOut(documents, rows, name, state, baselines)
    yield from rollout.together() if all_or_nothing else rollout.one_by_one()


def refuse_too_many(rows: Sequence[Line], name: str) -> None:
    """All or nothing is one transaction, which holds everyone else up.

    Raises:
        Invalid: There are more rows than one may hold.
    """
    if len(rows) > MOST_TOGETHER:
        raise refusal(
            name,
            1,
            _("With “all or nothing” you can import at most %(most)s rows.", most=MOST_TOGETHER),
        )


def _result(intent: Intent) -> RowResult:
    return RowResult(intent.row.number, intent.slug, intent.outcome, notes=intent.notes)


def _candidates(intents: Iterable[Intent]) -> list[Candidate]:
    return [one.candidate for one in intents if one.candidate is not None]


def _needed(intents: Iterable[Intent], around: Surroundings) -> list[Candidate]:
    """The baselines above some rows that are not live yet."""
    wanted = {"platform", *(f"province:{one.row.values['province_slug']}" for one in intents)}
    return [one for one in around.brought if one.name in wanted and one.name not in around.live]


def _is_above(baseline: Candidate, intent: Intent) -> bool:
    return baseline.name in ("platform", f"province:{intent.row.values['province_slug']}")
