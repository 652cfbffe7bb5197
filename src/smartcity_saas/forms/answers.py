"""Reading the answers of a form: which fields are asked, one step as it was sent, and the whole.

Answers are canonical JSON values by the names of their fields. Pure: no database, no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smartcity_saas.forms.definition import Definition, Field
from smartcity_saas.forms.fields import KINDS, Context, Faults, Unfit
from smartcity_saas.forms.fields.kinds import WebForm
from smartcity_saas.texts import lazy_gettext as _

Answers = Mapping[str, Any]
ASKED = "asked-fields"
"""The hidden control by which a page tells the fields that it asked for: an empty answer and a
field that was never shown send the same nothing otherwise."""


@dataclass(frozen=True)
class Given:
    """What was given for a step, by the names of its fields, as it was typed or sent.

    ``shown`` are the fields that whoever answers has been asked for; None for all: an API client
    reads the definition, a person sees a page. A field that is not in ``values`` stays as it is.
    """

    values: Mapping[str, Any]
    shown: frozenset[str] | None = None

    def with_files(self, name: str, ids: Iterable[str]) -> Given:
        """The same with further stored files of a field."""
        before = self.values.get(name)
        files = [*(before if isinstance(before, list) else []), *ids]
        return replace(self, values={**self.values, name: files})


@dataclass(frozen=True)
class StepResult:
    """What came of reading a step.

    ``answers`` are those of the whole application from now on: an answer that does not fit is
    among them no longer, and is ``typed`` instead, as it was given. ``unseen`` are the fields that
    these answers ask for on this step and that nobody has been shown, or not all parts of them.
    """

    answers: Answers
    faults: Mapping[str, Faults] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the step is whole, so that the next one comes."""
        return not self.faults and not self.unseen


@dataclass(frozen=True)
class Open:
    """A field that keeps an application from being sent, with its step (from 0)."""

    step: int
    field: Field
    faults: Faults


def asked(definition: Definition, answers: Answers) -> list[Field]:
    """The fields that are asked after some answers, in their order. A field whose condition is on
    one that is not asked is not asked either, whatever is left of an earlier answer."""
    found: dict[str, Field] = {}
    for one in definition.fields:
        if all(
            name in found and is_among(answers.get(name), wanted)
            for name, wanted in one.show_if.items()
        ):
            found[one.name] = one
    return list(found.values())


def is_among(answer: Any, wanted: tuple[str, ...]) -> bool:
    """Whether an answer, or one of several, is one of those that a condition names."""
    return any(one in wanted for one in (answer if isinstance(answer, list) else [answer]))


def given_by_form(definition: Definition, number: int, form: WebForm) -> Given:
    """What a page of a step sent: the fields that it had asked for, as typed.

    Args:
        definition: The form that was begun.
        number: The step, from 0.
        form: What came of the browser.
    """
    shown = frozenset(form.getlist(ASKED))
    fields = [one for one in definition.steps[number].fields if one.name in shown]
    return Given({one.name: KINDS[one.kind].gather(one.name, form) for one in fields}, shown)


def read_step(
    definition: Definition, number: int, given: Given, answers: Answers, context: Context
) -> StepResult:
    """Read what was given for a step into the answers.

    What was given for a field that is not asked (any more) is kept as far as it fits, so that
    changing one's mind back brings it back; ``submitted`` leaves it out.

    Args:
        definition: The form that was begun.
        number: The step, from 0.
        given: What was typed or sent.
        answers: Those of the whole application until now.
        context: What reading needs to know.
    """
    read = dict(answers)
    faults: dict[str, Faults] = {}
    typed: dict[str, Any] = {}
    unseen: list[str] = []
    for one in definition.steps[number].fields:
        is_asked = one in asked(definition, read)
        if is_asked and given.shown is not None and one.name not in given.shown:
            unseen.append(one.name)
            continue
        value, unfit = _read_field(one, given, read, context, is_asked)
        if unfit is not None:
            typed[one.name] = given.values.get(one.name)
            if unfit.faults:
                faults[one.name] = unfit.faults
            if unfit.is_begun:
                unseen.append(one.name)
        read.pop(one.name, None)
        if value is not None:
            read[one.name] = value
    for name in sorted(given.values.keys() - {one.name for one in definition.steps[number].fields}):
        faults[name] = {"": _("“%(name)s” is not asked on this step. Leave it out.", name=name)}
    return StepResult(read, faults, typed, tuple(unseen))


def _read_field(
    one: Field, given: Given, read: Answers, context: Context, is_asked: bool
) -> tuple[Any, Unfit | None]:
    """The canonical value of a field from now on, and why what was given does not fit."""
    kind = KINDS[one.kind]
    value = read.get(one.name)
    if one.name in given.values:
        try:
            value = kind.read(one, given.values[one.name], context)
        except Unfit as unfit:
            return None, unfit if is_asked else None
    if value is None and one.required and is_asked:
        return None, Unfit(kind.missing)
    return value, None


def faults_of_all(definition: Definition, answers: Answers, context: Context) -> list[Open]:
    """Every field that keeps an application from being sent: what is needed and not answered, and
    what fits no longer, such as a day that has passed or a file that is gone.

    Args:
        definition: The form that was begun.
        answers: Those of all steps.
        context: What reading needs to know, as it is now.
    """
    now_asked = asked(definition, answers)
    everything, stored = Given(answers), replace(context, is_stored=True)
    return [
        Open(number, one, unfit.faults)
        for number, step in enumerate(definition.steps)
        for one in step.fields
        if one in now_asked
        if (unfit := _read_field(one, everything, answers, stored, is_asked=True)[1])
    ]


def submitted(definition: Definition, answers: Answers) -> dict[str, Any]:
    """The answers with which an application is sent: those to fields that are asked, in order."""
    return {
        one.name: answers[one.name] for one in asked(definition, answers) if one.name in answers
    }
