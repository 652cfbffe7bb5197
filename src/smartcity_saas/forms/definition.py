"""A form as it was defined, frozen: what an application was begun under and stays with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from smartcity_saas.configuration.city import CatalogEntry, Localized
from smartcity_saas.forms.names import DEFAULT_LABELS, MOST_OPEN, FieldKind, ResultKind


@dataclass(frozen=True)
class Period:
    """A period of whole years, months or days, of which one is not 0."""

    years: int = 0
    months: int = 0
    days: int = 0

    def after(self, day: date) -> date:
        """The same day so much later; a day that a month does not have is its last (ISO 8601 leaves
        that to the application)."""
        from dateutil.relativedelta import relativedelta

        return day + relativedelta(years=self.years, months=self.months, days=self.days)

    def covers(self, other: Period) -> bool:
        """Whether it is at least as long as another one, whatever the day on which both begin."""
        # a span of months from the first is as short or long as one from any day gets, by the month
        firsts = [date(2000 + month // 12, month % 12 + 1, 1) for month in range(48)]
        return all(self.after(day) >= other.after(day) for day in firsts)

    def words(self, language: str) -> str:
        """The period in ``zh`` or ``en``: ``5 年``, ``5 years``."""
        for number, zh, en in (
            (self.years, "年", "year"),
            (self.months, "个月", "month"),
            (self.days, "天", "day"),
        ):
            if number:
                return (
                    f"{number} {zh}" if language == "zh" else f"{number} {en}{'s' * (number > 1)}"
                )
        return ""


@dataclass(frozen=True)
class Option:
    """One answer that can be chosen."""

    value: str
    label: Localized
    help: Localized | None = None


@dataclass(frozen=True)
class Field:
    """One thing that is asked. ``show_if`` maps earlier fields to the answers of which each needs one.

    ``least`` and ``most`` are decimals as written, in the main unit of the city's currency for money;
    ``earliest`` and ``latest`` days as written: ``2026-01-31``, ``today``, ``today-30d``.
    """

    name: str
    kind: FieldKind
    label: Localized
    help: Localized | None = None
    required: bool = False
    show_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    shortest: int | None = None
    longest: int | None = None
    least: str | None = None
    most: str | None = None
    earliest: str | None = None
    latest: str | None = None
    pattern: str | None = None
    pattern_help: Localized | None = None
    files: int = 1
    text: Localized | None = None

    def option(self, value: str) -> Option | None:
        """The answer of a value; None for one that is not (any more) among them."""
        return next((one for one in self.options if one.value == value), None)


@dataclass(frozen=True)
class Step:
    """One page of a form."""

    title: Localized
    help: Localized | None
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Result:
    """What somebody has in the end. ``valid`` is None for good."""

    kind: ResultKind
    title: Localized | None = None
    text: Localized | None = None
    valid: Period | None = None

    @property
    def is_paper(self) -> bool:
        """Whether there is a letter or a certificate."""
        return self.kind is not ResultKind.NONE


@dataclass(frozen=True)
class Definition:
    """A form, whole. ``supply_days`` are the working days in which what is missing is to be sent, None
    without an end. ``values`` are those that it was made of; ``digest`` is theirs (SHA-256)."""

    title: Localized
    help: Localized | None
    category: str
    icon: str
    keywords: tuple[str, ...]
    department: Localized | None
    who: Localized | None
    needs: tuple[Localized, ...]
    visit: Localized | None
    working_days: int
    supply_days: int | None
    fee: str
    steps: tuple[Step, ...]
    result: Result
    keep: Period
    most_open: int
    values: Mapping[str, Any]
    digest: str

    @property
    def fields(self) -> Iterator[Field]:
        """Every field, in the order in which they are asked."""
        return (field for step in self.steps for field in step.fields)

    def field(self, name: str) -> Field | None:
        """The field of a name."""
        return next((one for one in self.fields if one.name == name), None)


def definition_of(entry: CatalogEntry) -> Definition:
    """The form that a city's catalog has now under an entry."""
    return read_definition(entry.definition)


def read_definition(values: Mapping[str, Any]) -> Definition:
    """A form from the values of a catalog's entry, or from their JSON as it was stored.

    Args:
        values: Loaded by ``FormSchema``.
    """
    return Definition(
        title=values["title"],
        help=values.get("help"),
        category=values["category"],
        icon=values["icon"],
        keywords=tuple(values.get("keywords", ())),
        department=values.get("department"),
        who=values.get("who"),
        needs=tuple(values.get("needs", ())),
        visit=values.get("visit"),
        working_days=values["takes"]["working_days"],
        supply_days=values["supply"]["working_days"] if "supply" in values else None,
        fee=values["fee"],
        steps=tuple(_step(one) for one in values["steps"]),
        result=_result(values["result"]),
        keep=Period(**values["keep"]),
        most_open=values.get("most_open", MOST_OPEN),
        values=values,
        digest=hashlib.sha256(stored_text(values).encode()).hexdigest(),
    )


def stored_text(values: Mapping[str, Any]) -> str:
    """The values of a definition as canonical JSON, by which it is stored and told from others."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _step(values: Mapping[str, Any]) -> Step:
    return Step(values["title"], values.get("help"), tuple(_field(f) for f in values["fields"]))


def _field(values: Mapping[str, Any]) -> Field:
    kind = FieldKind(values["kind"])
    rest = {
        key: values[key]
        for key in values
        if key not in ("kind", "label", "show_if", "options", "files")
    }
    return Field(
        **rest,
        kind=kind,
        label=values.get("label") or DEFAULT_LABELS[kind],
        show_if={name: tuple(found) for name, found in values.get("show_if", {}).items()},
        options=tuple(Option(**one) for one in values.get("options", ())),
        files=values.get("files", 1),
    )


def _result(values: Mapping[str, Any]) -> Result:
    valid = values.get("valid")
    return Result(
        ResultKind(values["kind"]),
        values.get("title"),
        values.get("text"),
        Period(**valid) if valid else None,
    )
