"""The city's tree of categories, as its document says it, with what each promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.services.problem_reports.names import SERVICE
from smartcity_saas.services.problem_reports.settings import (
    DEFAULT_ASSIGN_HOURS,
    DEFAULT_KEEP_MONTHS,
    DEFAULT_NEAR_METRES,
    DEFAULT_REOPEN_DAYS,
)
from smartcity_saas.working_days import working_days_after


@dataclass(frozen=True)
class Category:
    """A kind of problem that can be chosen. Either ``hours`` or ``working_days`` says within what
    time it is solved or answered; ``group`` is what it is part of, empty for none."""

    code: str
    name: Localized
    icon: str
    department: str
    assign_hours: int
    hours: int | None
    working_days: int | None
    group: str = ""

    def assign_by(self, now: datetime) -> datetime:
        """By when a report of now is assigned."""
        return now + timedelta(hours=self.assign_hours)

    def due_at(self, now: datetime, zone: str) -> datetime:
        """By when a report of now is solved or answered: hours on, or the last minute of
        the last working day."""
        if self.hours is not None:
            return now + timedelta(hours=self.hours)
        last = working_days_after(today_in(zone, now), self.working_days or 1)
        return start_of_day(last + timedelta(days=1), zone) - timedelta(minutes=1)


@dataclass(frozen=True)
class CategoryGroup:
    """Categories as the form shows them together; those of no group stand under no name."""

    name: Localized | None
    categories: tuple[Category, ...]


@dataclass(frozen=True)
class ReportRules:
    """What a city's document says of the service."""

    departments: Mapping[str, Localized]
    categories: Mapping[str, Category]
    groups: Mapping[str, Localized]
    names: Mapping[str, Localized]
    answers: tuple[Mapping[str, Any], ...]
    without_sign_in: bool
    reopen_days: int
    near_metres: int
    keep_months: int

    def grouped(self) -> list[CategoryGroup]:
        """The categories for the form: those of no group first, then group by group."""
        alone = tuple(one for one in self.categories.values() if not one.group)
        found = [CategoryGroup(None, alone)] if alone else []
        for code, name in self.groups.items():
            parts = tuple(one for one in self.categories.values() if one.group == code)
            found.append(CategoryGroup(name, parts))
        return found

    def category_name(self, code: str) -> Localized:
        """What residents read; its code for one that the document does not have any more."""
        return self.names.get(code, {"zh": code, "en": code})

    def department_name(self, code: str) -> Localized:
        """What residents read; its code for one that the document does not have any more."""
        return self.departments.get(code, {"zh": code, "en": code})


def category_words(settings: Mapping[str, Any]) -> list[str]:
    """The words by which residents look for what can be reported: the names of the categories and their
    keywords."""
    return [
        word
        for one in settings.get("categories", ())
        for word in (*one["name"].values(), *one.get("keywords", ()))
    ]


def report_rules(city: City) -> ReportRules:
    """The rules of a city, from its document."""
    settings = city.catalog[SERVICE].settings
    rows = settings.get("categories", [])
    parents = {one["part_of"] for one in rows if "part_of" in one}
    return ReportRules(
        departments={one["department"]: one["name"] for one in settings.get("departments", [])},
        categories={
            one["category"]: Category(
                code=one["category"],
                name=one["name"],
                icon=one.get("icon", "dots"),
                department=one["department"],
                assign_hours=one.get("assign_hours", DEFAULT_ASSIGN_HOURS),
                hours=one.get("hours"),
                working_days=one.get("working_days"),
                group=one.get("part_of", ""),
            )
            for one in rows
            if one["category"] not in parents
        },
        groups={one["category"]: one["name"] for one in rows if one["category"] in parents},
        names={one["category"]: one["name"] for one in rows},
        answers=tuple(settings.get("answers", ())),
        without_sign_in=settings.get("without_sign_in", True),
        reopen_days=settings.get("reopen_days", DEFAULT_REOPEN_DAYS),
        near_metres=settings.get("near_metres", DEFAULT_NEAR_METRES),
        keep_months=settings.get("keep_months", DEFAULT_KEEP_MONTHS),
    )
