"""Reading the answers of any form, as properties: whatever a document defines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from smartcity_saas.forms.answers import (
    ASKED,
    Answers,
    Given,
    StepResult,
    asked,
    faults_of_all,
    given_by_form,
    read_step,
    submitted,
)
from smartcity_saas.forms.definition import Definition, Field
from smartcity_saas.forms.fields import KINDS, Context, control, form_values, words
from tests.support.form_definitions import CONTEXT, answered, defined, definitions

any_form = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Filled = tuple[Definition, dict[str, Any]]


def sent_as_json(definition: Definition, sent: Answers) -> StepResult:
    """Every step, as an API client sends it."""
    result = StepResult({})
    for number, step in enumerate(definition.steps):
        here = {one.name: sent[one.name] for one in step.fields if one.name in sent}
        result = read_step(definition, number, Given(here), result.answers, CONTEXT)
        assert result.faults == {}
    return result


def web_form(fields: list[Field], answers: Answers) -> MultiDict[str, str]:
    """What a browser sends of a page that shows some fields with some answers in them."""
    form: MultiDict[str, str] = MultiDict()
    for field in fields:
        form.add(ASKED, field.name)
        for part, values in form_values(KINDS[field.kind], answers.get(field.name)).items():
            form.setlist(control(field.name, part), values)
    return form


@any_form
@given(answered())
def test_a_form_reads_its_own_answers(filled: Filled) -> None:
    """Promise: what fits a definition is taken, whole, and nothing keeps it from being sent."""
    definition, sent = filled
    answers = sent_as_json(definition, sent).answers
    assert set(answers) == set(sent)
    assert faults_of_all(definition, answers, CONTEXT) == []
    assert list(submitted(definition, answers)) == [one.name for one in asked(definition, answers)]


@any_form
@given(answered())
def test_canonical_answers_read_to_themselves(filled: Filled) -> None:
    """Promise: an answer that was stored, or given out as JSON and sent back, is the same answer."""
    definition, sent = filled
    answers = sent_as_json(definition, sent).answers
    stored = json.loads(json.dumps(answers))
    assert sent_as_json(definition, stored).answers == answers == stored


@any_form
@given(answered())
def test_every_answer_has_words_in_both_languages(filled: Filled) -> None:
    """Promise: no answer is blank on the page to check, at the desk, on paper or in a table."""
    definition, sent = filled
    answers = sent_as_json(definition, sent).answers
    for field in asked(definition, answers):
        for language in ("zh", "en"):
            assert words(field, answers[field.name], language).strip()
        assert words(field, None, "zh") == ""


@any_form
@given(answered())
def test_a_page_and_a_client_agree(filled: Filled) -> None:
    """Promise: a form that is filled again and sent as it stands changes no answer, and a browser
    gives what a client gives."""
    definition, sent = filled
    answers = sent_as_json(definition, sent).answers
    by_page: Answers = {}
    for number in range(len(definition.steps)):
        # Without the script a page shows what is asked so far; each answer may ask for more.
        for _round in definition.steps[number].fields:
            known = asked(definition, answers)
            on_page = [
                one
                for one in definition.steps[number].fields
                if one in known and one in asked(definition, by_page)
            ]
            form = web_form(on_page, answers)
            given_now = given_by_form(definition, number, form)
            result = read_step(definition, number, given_now, by_page, CONTEXT)
            by_page = result.answers
        assert result.faults == {}
        assert result.is_done
    assert by_page == answers


@any_form
@given(answered(only_required=True))
def test_what_is_optional_can_be_left_out(filled: Filled) -> None:
    """Promise: only what is required is needed."""
    definition, sent = filled
    answers = sent_as_json(definition, sent).answers
    assert faults_of_all(definition, answers, CONTEXT) == []


@any_form
@given(answered(), st.data())
def test_a_hidden_field_is_never_required(filled: Filled, data: st.DataObject) -> None:
    """Promise: nobody is kept by a field that they are not asked, whatever they have answered."""
    definition, sent = filled
    answers = sent_as_json(definition, sent).answers
    kept = data.draw(st.sets(st.sampled_from(sorted(answers)))) if answers else set()
    some = {name: answers[name] for name in kept}
    needed = {(one.step, one.field.name) for one in faults_of_all(definition, some, CONTEXT)}
    assert needed == {
        (number, one.name)
        for number, step in enumerate(definition.steps)
        for one in step.fields
        if one.required and one.name not in some and one in asked(definition, some)
    }


@any_form
@given(definitions())
def test_nothing_is_asked_in_a_circle(raw: dict[str, Any]) -> None:
    """Promise: a field is asked only if what it depends on is asked and answered so."""
    definition = defined(raw)
    names = [one.name for one in asked(definition, {})]
    assert names == [one.name for one in definition.fields if not one.show_if]


@pytest.mark.parametrize(
    "rubbish", [None, 5, 1.5, True, "", "x" * 5_000, [], {}, [[]], [{}], {"a": 1}]
)
@given(raw=definitions())
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_sent_is_read_or_refused(rubbish: Any, raw: dict[str, Any]) -> None:
    """Promise: a client that sends another shape is told so; nothing falls over, and what was
    sent can be shown again."""
    definition = defined(raw)
    for number, step in enumerate(definition.steps):
        given_now = Given({one.name: rubbish for one in step.fields})
        result = read_step(definition, number, given_now, {}, CONTEXT)
        for name, faults in result.faults.items():
            field = definition.field(name)
            assert field is not None
            assert all(str(message) for message in faults.values())
            form_values(KINDS[field.kind], result.typed[name])
    json.dumps(result.answers)


MOVED = {
    "title": {"zh": "签注", "en": "Renewal"},
    "category": "papers",
    "takes": {"working_days": 5},
    "fee": "0",
    "keep": {"years": 5},
    "steps": [
        {
            "title": {"zh": "住处", "en": "Home"},
            "fields": [
                {
                    "name": "moved",
                    "kind": "yes_no",
                    "required": True,
                    "label": {"zh": "搬过家吗", "en": "Have you moved?"},
                },
                {
                    "name": "housing",
                    "kind": "choices",
                    "required": True,
                    "label": {"zh": "房子", "en": "Housing"},
                    "options": [
                        {"value": one, "label": {"zh": one, "en": one}} for one in ("rented", "own")
                    ],
                    "show_if": {"moved": ["yes"]},
                },
                {
                    "name": "lease",
                    "kind": "file",
                    "required": True,
                    "label": {"zh": "合同", "en": "Lease"},
                    "show_if": {"housing": ["rented"]},
                },
            ],
        }
    ],
}


@pytest.fixture
def moved() -> Definition:
    """A form in which one answer asks for another, twice over."""
    return defined(MOVED)


def names(fields: list[Field]) -> list[str]:
    return [one.name for one in fields]


def test_a_condition_on_what_is_not_asked_does_not_hold(moved: Definition) -> None:
    """Promise: an answer left over from before asks for nothing."""
    left_over = {"moved": "no", "housing": ["rented"]}
    assert names(asked(moved, left_over)) == ["moved"]
    assert names(asked(moved, {**left_over, "moved": "yes"})) == ["moved", "housing", "lease"]


def test_a_page_asks_further_before_it_complains(moved: Definition) -> None:
    """Promise: without the script a field that an answer asks for is shown, not told to be
    missing; once it has been shown it is needed."""
    first = MultiDict({ASKED: "moved", "answer-moved": "yes"})
    result = read_step(moved, 0, given_by_form(moved, 0, first), {}, CONTEXT)
    assert (result.faults, result.unseen, result.is_done) == ({}, ("housing",), False)
    second = MultiDict([(ASKED, "moved"), (ASKED, "housing"), ("answer-moved", "yes")])
    result = read_step(moved, 0, given_by_form(moved, 0, second), result.answers, CONTEXT)
    assert list(result.faults) == ["housing"]


def test_what_is_asked_no_longer_is_kept_until_it_is_sent(moved: Definition) -> None:
    """Promise: changing one's mind twice loses nothing; what is sent holds only what was asked."""
    before = {"moved": "yes", "housing": ["own"]}
    result = read_step(moved, 0, Given({"moved": "no"}), before, CONTEXT)
    assert result.is_done
    assert result.answers == {"moved": "no", "housing": ["own"]}
    assert submitted(moved, result.answers) == {"moved": "no"}
    again = read_step(moved, 0, Given({"moved": "yes"}), result.answers, CONTEXT)
    assert again.answers == before


def test_what_does_not_fit_is_kept_as_it_was_typed(moved: Definition) -> None:
    """Promise: an answer that no longer fits is not sent in the old form instead."""
    before = {"moved": "yes", "housing": ["own"]}
    result = read_step(moved, 0, Given({"housing": ["castle"]}), before, CONTEXT)
    assert result.answers == {"moved": "yes"}
    assert result.typed == {"housing": ["castle"]}
    assert "“castle”" in str(result.faults["housing"][""])


def test_a_client_is_told_of_fields_that_are_not_there(moved: Definition) -> None:
    """Promise: a misspelled name is not passed over."""
    result = read_step(moved, 0, Given({"moved": "no", "leese": "x"}), {}, CONTEXT)
    assert "“leese”" in str(result.faults["leese"][""])


def test_what_was_whole_is_looked_at_again_when_it_is_sent(moved: Definition) -> None:
    """Promise: a file that is gone since is told of at its field, with its step."""
    answers = {
        "moved": "yes",
        "housing": ["rented"],
        "lease": [{"id": "gone", "name": "合同.pdf"}],
    }
    (open_,) = faults_of_all(moved, answers, CONTEXT)
    assert (open_.step, open_.field.name) == (0, "lease")
    assert "合同.pdf" in str(open_.faults[""])


def test_files_are_added_and_removed_by_a_page(moved: Definition) -> None:
    """Promise: a button takes one file out without the script, and a new one joins the others."""
    first, second, third = list(CONTEXT.files)[:3]
    form = MultiDict(
        [
            (ASKED, "lease"),
            ("answer-lease", first),
            ("answer-lease", second),
            ("remove-file", first),
        ]
    )
    given_now = given_by_form(moved, 0, form)
    assert given_now.values == {"lease": [second]}
    assert given_now.with_files("lease", [third]).values == {"lease": [second, third]}
    assert given_now.with_files("other", [third]).values["other"] == [third]


def test_nobody_is_taken_for_somebody_without_a_verified_name() -> None:
    """Promise: “myself” is the verified name, never what was sent beside it."""
    person = defined(
        MOVED
        | {"steps": [{"title": MOVED["title"], "fields": [{"name": "who", "kind": "person"}]}]}
    )
    sent = Given({"who": {"who": "self", "name": "张三", "number": "1"}})
    result = read_step(person, 0, sent, {}, CONTEXT)
    assert result.answers["who"] == {
        "who": "self",
        "name": CONTEXT.name,
        "number": CONTEXT.masked_number,
    }
    stranger = Context(CONTEXT.zone, CONTEXT.currency, CONTEXT.today)
    assert list(read_step(person, 0, sent, {}, stranger).faults["who"]) == ["who"]
