"""The service's part of a document: departments, the tree of categories with their time limits, and
answers to start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.fields import Choice, Line, ListOf, Pattern, Text, WholeNumber
from smartcity_saas.configuration.schema import ServiceSettings
from smartcity_saas.services.problem_reports.names import ICON_WORDS
from smartcity_saas.texts import lazy_gettext as _

DEFAULT_REOPEN_DAYS = 7
DEFAULT_NEAR_METRES = 100
DEFAULT_KEEP_MONTHS = 24
DEFAULT_ASSIGN_HOURS = 24


def _name(words: str, **options: Any) -> Pattern:
    return Pattern(
        r"[a-z][a-z0-9_]{1,40}",
        _("Use 2 to 41 lowercase letters, digits and _."),
        metadata={"description": words},
        **options,
    )


class DepartmentSchema(Schema):
    """A department that reports are assigned to."""

    department = _name("A name for categories: `street_lights`.", required=True)
    name = Text(longest=40, required=True, metadata={"description": "What residents read."})


class CategorySchema(Schema):
    """A kind of problem, or what several kinds are part of."""

    category = _name(
        "A name for programs (Open311: `service_code`): `street_light`.", required=True
    )
    name = Text(longest=20, required=True, metadata={"description": "What residents read."})
    icon = Choice(ICON_WORDS, load_default="dots", metadata={"description": "Its picture."})
    part_of = _name("The category that it is part of, which nobody chooses by itself.")
    keywords = ListOf(
        Line(longest=20),
        most=30,
        metadata={"description": "Words by which residents look for it, beside its name."},
    )
    department = _name("The department that it is assigned to.")
    assign_hours = WholeNumber(
        1,
        168,
        load_default=DEFAULT_ASSIGN_HOURS,
        metadata={"description": "Within how many hours it is assigned."},
    )
    hours = WholeNumber(
        1, 8760, metadata={"description": "Within how many hours it is solved or answered."}
    )
    working_days = WholeNumber(
        1, 250, metadata={"description": "The same in working days, in place of `hours`."}
    )


class AnswerSchema(Schema):
    """An answer that the desk starts from."""

    answer = _name("A name: `repaired`.", required=True)
    name = Text(longest=30, required=True, metadata={"description": "What the desk reads."})
    text = Text(longest=400, required=True, metadata={"description": "What it starts from."})


class ProblemReportsSettings(ServiceSettings):
    """Settings of the service."""

    departments = ListOf(
        fields.Nested(DepartmentSchema),
        required=True,
        most=100,
        metadata={"description": "Who reports are assigned to."},
    )
    categories = ListOf(
        fields.Nested(CategorySchema),
        required=True,
        most=100,
        metadata={"description": "What can be reported, in the order of the page."},
    )
    answers = ListOf(
        fields.Nested(AnswerSchema),
        most=50,
        metadata={"description": "Answers that the desk starts from."},
    )
    without_sign_in = fields.Boolean(
        load_default=True,
        metadata={"description": "Whether one can report without signing in, by number and code."},
    )
    reopen_days = WholeNumber(
        1,
        60,
        load_default=DEFAULT_REOPEN_DAYS,
        metadata={
            "description": "For how many days after it was solved whoever reported it can say that "
            "it is not; then it is closed."
        },
    )
    near_metres = WholeNumber(
        20,
        1000,
        load_default=DEFAULT_NEAR_METRES,
        metadata={"description": "Within how many metres an open report may be the same."},
    )
    keep_months = WholeNumber(
        1,
        120,
        load_default=DEFAULT_KEEP_MONTHS,
        metadata={
            "description": "How long residents' words and photos are kept after a report is closed."
        },
    )

    def check_whole(self, data: Mapping[str, Any]) -> None:
        """Names stand once; categories name departments and parts of the tree that exist, and each
        that can be chosen has one time limit."""
        errors: dict[str, Any] = {}
        departments = [one["department"] for one in data.get("departments", [])]
        for key, name in (("departments", "department"), ("answers", "answer")):
            if found := _twice(data.get(key, []), name):
                errors[key] = found
        if found := _category_errors(data.get("categories", []), departments):
            errors["categories"] = found
        elif not data.get("categories"):
            errors["categories"] = [_("Name at least one category.")]
        if errors:
            raise ValidationError(errors)


def _twice(rows: list[Any], name: str) -> dict[int, Any]:
    seen: set[str] = set()
    errors: dict[int, Any] = {}
    for place, one in enumerate(rows):
        if one[name] in seen:
            errors[place] = {name: [_("This stands here twice.")]}
        seen.add(one[name])
    return errors


def _category_errors(rows: list[Any], departments: list[str]) -> dict[int, Any]:
    by_name = {one["category"]: one for one in rows}
    parents = {one["part_of"] for one in rows if "part_of" in one}
    errors = _twice(rows, "category")
    for place, one in enumerate(rows):
        found: dict[str, Any] = dict(errors.get(place, {}))
        found |= _part_errors(one, by_name)
        if one["category"] in parents:
            for key in ("department", "hours", "working_days"):
                if key in one:
                    found[key] = [_("Others are part of this category. Say it with each of them.")]
        else:
            found |= _choice_errors(one, departments)
        if found:
            errors[place] = found
    return errors


def _part_errors(one: Mapping[str, Any], by_name: Mapping[str, Any]) -> dict[str, Any]:
    if "part_of" not in one:
        return {}
    parent = by_name.get(one["part_of"])
    if parent is None or parent is one:
        known = ", ".join(name for name in by_name if name != one["category"])
        return {"part_of": [_("No such category. There are: %(names)s.", names=known or "—")]}
    if "part_of" in parent:
        return {"part_of": [_("That one is part of another itself. The tree has two levels.")]}
    return {}


def _choice_errors(one: Mapping[str, Any], departments: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.get("department") not in departments:
        known = ", ".join(departments) or "—"
        found["department"] = [_("No such department. There are: %(names)s.", names=known)]
    if ("hours" in one) == ("working_days" in one):
        found["hours"] = [_("Say either hours or working_days.")]
    return found
