"""A step as a page shows it: each field with what stands in it and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from smartcity_saas.configuration.counties import (
    County,
    cities_under_provinces,
    counties_of,
    county,
)
from smartcity_saas.configuration.divisions import Division, Province, divisions, provinces
from smartcity_saas.forms.answers import Answers, StepResult, asked, is_among
from smartcity_saas.forms.definition import Definition, Field
from smartcity_saas.forms.fields import KINDS, Context, Faults, control, form_values
from smartcity_saas.texts import Text

MOST_RADIOS = 8
"""Of more answers than these one is chosen from a list that opens."""


@dataclass(frozen=True)
class ShownField:
    """One field on a page.

    ``values`` are those of its controls, by its parts. ``waits`` says that it is asked only after
    another answer on the same page, which has not been given; ``condition`` on which ones, as JSON
    of control and values, empty for a field that is asked in any case. ``files`` has the id and
    the name of what is stored already.
    """

    field: Field
    values: Mapping[str, list[str]]
    faults: Faults
    waits: bool
    condition: str
    context: Context
    files: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of its only control, or of the group of them."""
        return control(self.field.name)

    def part(self, part: str) -> str:
        """The name of the control of a part."""
        return control(self.field.name, part)

    def value(self, part: str = "") -> str:
        """What stands in a control."""
        return next(iter(self.values.get(part, ())), "")

    def fault(self, part: str = "") -> Text | None:
        """What is wrong with it, or with a part of it."""
        return self.faults.get(part)

    @property
    def somebody_else(self) -> str:
        """On which answer a person's name and number are asked for, as ``condition`` says it."""
        return json.dumps({self.part("who"): ["other"]})

    @property
    def provinces(self) -> tuple[tuple[Province, tuple[Division, ...]], ...]:
        """What an address is chosen from."""
        return cities_by_province()

    @property
    def counties(self) -> tuple[County, ...]:
        """What the district of an address is chosen from, once its city is."""
        return counties_of(self.value("city"))

    @property
    def district_words(self) -> str:
        """A district that was written in words which the list does not have."""
        said = self.value("district")
        return "" if county(said) else said

    @property
    def as_radios(self) -> bool:
        """Whether its answers stand below each other, not in a list that opens."""
        return len(self.field.options) <= MOST_RADIOS

    @property
    def room(self) -> int:
        """How many files can be added."""
        return max(0, self.field.files - len(self.files))


@dataclass(frozen=True)
class StepPage:
    """The fields of a step in their order."""

    fields: tuple[ShownField, ...]

    @property
    def errors(self) -> dict[str, Text]:
        """What is wrong, by the controls to which the summary leads."""
        return {one.part(part): said for one in self.fields for part, said in one.faults.items()}


def step_page(
    definition: Definition,
    number: int,
    answers: Answers,
    context: Context,
    result: StepResult | None = None,
) -> StepPage:
    """A step as it is shown.

    Args:
        definition: The form that was begun.
        number: The step, from 0.
        answers: Those of the whole application.
        context: What reading needs to know.
        result: What came of reading the step, where something did not fit.
    """
    step = definition.steps[number]
    on_page = {one.name for one in step.fields}
    now_asked = {one.name for one in asked(definition, answers)}
    possible = _possible(step.fields, answers, now_asked - on_page)
    return StepPage(
        tuple(
            _shown(one, answers, context, result, on_page, one.name in now_asked)
            for one in possible
        )
    )


def _possible(fields: Iterable[Field], answers: Answers, before: Collection[str]) -> list[Field]:
    """The fields of a page for which answers on the same page can ask: what each needs of the fields
    of other pages that are asked, ``before``, is given, and those that it needs of its own can be
    asked as well. A field comes after those that it needs."""
    found: dict[str, Field] = {}
    for one in fields:
        if all(
            name in found or (name in before and is_among(answers.get(name), wanted))
            for name, wanted in one.show_if.items()
        ):
            found[one.name] = one
    return list(found.values())


def _shown(
    one: Field,
    answers: Answers,
    context: Context,
    result: StepResult | None,
    on_page: Collection[str],
    is_asked: bool,
) -> ShownField:
    typed = result.typed if result is not None else {}
    value = typed.get(one.name, answers.get(one.name, KINDS[one.kind].begins_with(context)))
    condition = {control(n): list(wanted) for n, wanted in one.show_if.items() if n in on_page}
    values = form_values(KINDS[one.kind], value)
    return ShownField(
        field=one,
        values=values,
        faults=result.faults.get(one.name, {}) if result is not None else {},
        waits=not is_asked,
        condition=json.dumps(condition) if condition else "",
        context=context,
        files=tuple(
            (key, context.files[key]) for key in values.get("", ()) if key in context.files
        ),
    )


@cache
def cities_by_province() -> tuple[tuple[Province, tuple[Division, ...]], ...]:
    """Every province of the official list with its cities, for the lists of an address."""
    named = {one.slug: one for one in provinces()}
    groups = groupby(
        sorted(
            (*divisions(), *cities_under_provinces()),
            key=lambda one: (one.province_code, one.division_code),
        ),
        key=lambda one: one.province_slug,
    )
    return tuple((named[slug], tuple(found)) for slug, found in groups)
