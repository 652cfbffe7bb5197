"""A step as a page: every kind of field, its faults, and what depends on an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import html

from smartcity_saas.configuration.counties import cities_under_provinces, counties_of
from smartcity_saas.configuration.divisions import divisions
from smartcity_saas.forms.answers import (
    ASKED,
    Given,
    StepResult,
    faults_of_all,
    given_by_form,
    read_step,
)
from smartcity_saas.forms.definition import Definition
from smartcity_saas.forms.fields import words
from smartcity_saas.forms.names import FieldKind
from smartcity_saas.forms.step_page import step_page
from tests.support.form_definitions import CONTEXT, FILES, answered, defined
from tests.support.form_pages import ADDRESS, sent, shown_step
from tests.support.world import World

FORM = {
    "title": {"zh": "签注", "en": "Renewal"},
    "category": "papers",
    "takes": {"working_days": 5},
    "fee": "0",
    "keep": {"years": 5},
}


def of_every_kind() -> Definition:
    """A step that asks for one of everything."""
    rest: dict[str, dict[str, Any]] = {
        "choice": {
            "options": [_option("rented", "租的", "Rented"), _option("own", "自己家的", "Own")]
        },
        "choices": {"options": [_option("cat", "猫", "A cat"), _option("dog", "狗", "A dog")]},
        "file": {"files": 3},
        "declaration": {"text": {"zh": "以上都是真的。", "en": "All of this is true."}},
        "date": {"latest": "today"},
    }
    fields = [
        {
            "name": kind.value,
            "kind": kind.value,
            "label": {"zh": f"问题{number}", "en": f"Question {number}"},
            "help": {"zh": f"说明{number}", "en": f"Help {number}"},
            "required": number % 2 == 0,
            **rest.get(kind.value, {}),
        }
        for number, kind in enumerate(FieldKind)
    ]
    return defined(FORM | {"steps": [{"title": FORM["title"], "fields": fields}]})


def _option(value: str, zh: str, en: str) -> dict[str, Any]:
    return {"value": value, "label": {"zh": zh, "en": en}}


def shown(
    world: World,
    definition: Definition,
    answers: dict[str, Any],
    result: StepResult | None = None,
    number: int = 0,
    language: str = "en",
) -> html.HtmlElement:
    """The page of a step, as a browser has it."""
    page = step_page(definition, number, answers, CONTEXT, result)
    browser = world.client("hangzhou.localhost", language)
    with shown_step(world.app, "Step", lambda: page):
        answer = browser.get(ADDRESS)
    assert answer.status_code == 200
    return html.document_fromstring(answer.text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_can_be_answered(world: World, language: str) -> None:
    """Promise: each control has a name, a label or a legend, its help, and an id that stands once."""
    page = shown(world, of_every_kind(), {}, language=language)
    assert {one.get("value") for one in page.xpath(f"//input[@name='{ASKED}']")} == set(FieldKind)
    ids = page.xpath("//*[not(ancestor::template[@data-district-of])]/@id")
    assert len(ids) == len(set(ids))
    for control in page.xpath("//form[@enctype]//*[self::input or self::select or self::textarea]"):
        if control.get("type") == "hidden":
            continue
        assert control.get("name", "").startswith("answer-")
        own = page.xpath("//label[@for=$name]", name=control.get("id") or "-")
        assert own or control.xpath("ancestor::label"), control.get("name")
    for described in page.xpath("//@aria-describedby"):
        assert set(described.split()) <= set(ids)
    assert not re.search(r"<script>|on(?:click|change)=|style=", html.tostring(page).decode())
    for number, _kind in enumerate(FieldKind):
        assert f"{'说明' if language == 'zh' else 'Help '}{number}" in page.text_content()


def test_faults_stand_at_their_controls(world: World) -> None:
    """Promise: the summary leads to the control that is wrong, which says so, and holds what was
    typed; what is stored is still there."""
    definition = of_every_kind()
    wrong = {
        "date": "2026-12-01",
        "date_range": {"from": "x", "to": "2026-03-01"},
        "address": {"city": "440300", "province": "330000", "district": "440305", "line": ""},
        "person": {"who": "other", "name": "李雷", "number": "12"},
        "money": "1,5",
        "file": [*sorted(FILES)[:4]],
        "yes_no": "maybe",
    }
    result = read_step(definition, 0, Given(wrong), {}, CONTEXT)
    page = shown(world, definition, dict(result.answers), result)
    for target in page.xpath("//div[@class='summary']//a/@href"):
        (found,) = page.xpath("//*[@id=$name]", name=target[1:])
        assert f"{target[1:]}-error" in found.get("aria-describedby", "").split()
        assert page.xpath("//*[@id=$name]", name=f"{target[1:]}-error")
    again = sent(page)
    assert again["answer-date"] == "2026-12-01"
    assert again["answer-date_range-from"] == "x"
    assert again["answer-address-district"] == "440305"
    assert again["answer-person-number"] == "12"
    assert again["answer-money"] == "1,5"
    assert again.getlist("answer-file") == sorted(FILES)[:4]
    assert len(page.xpath("//button[@name='remove-file']")) == 4
    assert not page.xpath("//input[@name='answer-file-new']"), "there is no room for another"


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filled=answered())
def test_a_page_that_is_sent_as_it_stands_changes_nothing(
    world: World, filled: tuple[Definition, dict[str, Any]]
) -> None:
    """Promise: whatever a document defines can be shown, and its page gives back every answer."""
    definition, given_now = filled
    answers: dict[str, Any] = {}
    for number, step in enumerate(definition.steps):
        here = {one.name: given_now[one.name] for one in step.fields if one.name in given_now}
        answers = dict(read_step(definition, number, Given(here), answers, CONTEXT).answers)
    for number in range(len(definition.steps)):
        form = sent(shown(world, definition, answers, number=number))
        result = read_step(
            definition, number, given_by_form(definition, number, form), answers, CONTEXT
        )
        assert result.is_done
        assert result.answers == answers


def conditional() -> Definition:
    """A step in which an answer asks for a field, whose answer asks for another."""
    label = {"zh": "问题", "en": "Question"}
    fields = [
        {"name": "moved", "kind": "yes_no", "label": label, "required": True},
        {
            "name": "housing",
            "kind": "choice",
            "label": label,
            "required": True,
            "options": [_option("rented", "租的", "Rented"), _option("own", "自己家的", "Own")],
            "show_if": {"moved": "yes"},
        },
        {"name": "landlord", "kind": "text", "label": label, "show_if": {"housing": "rented"}},
        {"name": "home", "kind": "address"},
    ]
    return defined(FORM | {"steps": [{"title": label, "fields": fields}]})


def test_conditions_on_everything_before(world: World) -> None:
    """Promise: a page whose every field needs all fields before it is made in one pass; each of them
    waits for the first, and none is left out."""
    fields = [
        {
            "name": f"f{number}",
            "kind": "yes_no",
            "label": {"zh": "甲", "en": "A"},
            **({"show_if": {f"f{before}": "yes" for before in range(number)}} if number else {}),
        }
        for number in range(30)
    ]
    definition = defined({**FORM, "steps": [{"title": {"zh": "甲", "en": "A"}, "fields": fields}]})
    page = step_page(definition, 0, {}, CONTEXT)
    assert [one.field.name for one in page.fields] == [f"f{number}" for number in range(30)]
    assert [one.waits for one in page.fields] == [False] + [True] * 29


def test_without_the_script_the_next_page_asks(world: World) -> None:
    """Promise: every field can be reached by sending the page, and nothing is complained of that
    was never shown."""
    definition, answers = conditional(), {}
    for choice in ({"answer-moved": "yes"}, {"answer-housing": "rented"}):
        form = sent(shown(world, definition, answers))
        for name, value in choice.items():
            form.setlist(name, [value])
        result = read_step(definition, 0, given_by_form(definition, 0, form), answers, CONTEXT)
        assert (dict(result.faults), result.is_done) == ({}, False)
        answers = dict(result.answers)
    form = sent(shown(world, definition, answers))
    assert "answer-landlord" in form
    result = read_step(definition, 0, given_by_form(definition, 0, form), answers, CONTEXT)
    assert result.is_done


def with_address() -> Definition:
    """A step that asks for an address alone."""
    home = {"name": "home", "kind": "address", "required": True}
    return defined(FORM | {"steps": [{"title": FORM["title"], "fields": [home]}]})


HANGZHOU, FUZHOU, NANJING, DONGGUAN = "330100", "350100", "320100", "441900"
GULOU_OF_NANJING = "320106"


def test_every_city_renders_its_districts(world: World) -> None:
    """Promise: over the whole official list, the page of an address in a city has just the districts of
    that city, in the reader's language; of a city that has none, a control for words."""
    definition = with_address()
    field = step_page(definition, 0, {}, CONTEXT).fields[0]
    shown_cities = [city for _province, cities in field.provinces for city in cities]
    assert len(shown_cities) == len(divisions()) + len(cities_under_provinces())
    with world.app.test_request_context("/", base_url="http://hangzhou.localhost"):
        parts = world.app.jinja_env.get_template("forms/fields.html").make_module(
            {"text": lambda words: words["en"]}
        )
        for city in shown_cities:
            value = {"city": city.division_code, "district": "", "line": "1"}
            one = step_page(definition, 0, {"home": value}, CONTEXT).fields[0]
            listed = counties_of(city.division_code)
            assert one.counties == listed
            if not listed:
                continue
            page = html.fragment_fromstring(str(parts.district_of_list(one)), create_parent=True)
            found = [(o.get("value"), o.text_content().strip()) for o in page.xpath("//option")][1:]
            assert found == [(county.code, county.en) for county in listed]


@pytest.mark.parametrize("language, district", [("zh", "西湖区"), ("en", "Xihu District")])
def test_the_district_is_asked_for_after_the_city(
    world: World, language: str, district: str
) -> None:
    """Promise: without the script the next page has the list of the chosen city, everything typed
    is kept, and nothing is complained of that was never shown."""
    definition = with_address()
    form = sent(shown(world, definition, {}))
    assert "answer-home-district" not in form
    form["answer-home-city"], form["answer-home-line"] = HANGZHOU, "示例街 18 号"
    result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
    assert (dict(result.faults), result.unseen, result.is_done) == ({}, ("home",), False)
    page = shown(world, definition, dict(result.answers), result, language=language)
    (chosen,) = page.xpath("//div[@data-district]//option[@value='330106']")
    assert chosen.text_content().strip() == district
    form = sent(page)
    assert (form["answer-home-city"], form["answer-home-line"]) == (HANGZHOU, "示例街 18 号")
    result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
    assert str(result.faults["home"]["district"]) == "Choose the district."
    form["answer-home-district"] = "330106"
    result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
    assert result.is_done
    assert result.answers["home"]["district"] == "西湖区"


def test_another_city_takes_no_district_of_the_one_before(world: World) -> None:
    """Promise: a district stays that of its own city, even where another has one of the same name; the
    fault stands at the field, and the page has the list of the city that was chosen."""
    definition = with_address()
    value = {"province": "320000", "city": NANJING, "district": "鼓楼区", "line": "1 号"}
    form = sent(shown(world, definition, {"home": value}))
    assert form["answer-home-district"] == GULOU_OF_NANJING
    form["answer-home-province"], form["answer-home-city"] = "", FUZHOU
    result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
    assert str(result.faults["home"]["district"]).startswith(
        "“Gulou District” is not a district of Fuzhou"
    )
    page = shown(world, definition, dict(result.answers), result)
    codes = page.xpath("//div[@data-district]//option/@value")
    assert codes[1:] == [one.code for one in counties_of(FUZHOU)]
    assert page.xpath("//*[@id='answer-home-district-error']")


def test_an_answer_from_before_the_list(world: World) -> None:
    """Promise: a district in words that an earlier release took is shown as it was written, stands in
    the page that is opened again, and does not keep the application from being sent."""
    definition = with_address()
    (field,) = definition.fields
    old = {"province": "330000", "city": HANGZHOU, "district": "示例区", "line": "1 号"}
    assert faults_of_all(definition, {"home": old}, CONTEXT) == []
    assert faults_of_all(definition, {"home": old | {"district": ""}}, CONTEXT) == []
    assert words(field, old, "zh") == "浙江省杭州市示例区1 号"
    assert words(field, old, "en") == "1 号, 示例区, Hangzhou, Zhejiang"
    page = shown(world, definition, {"home": old})
    (chosen,) = page.xpath("//div[@data-district]//option[@selected]")
    assert (chosen.get("value"), chosen.text_content().strip()) == ("示例区", "示例区")
    form = sent(page)
    result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
    assert "“示例区” is not a district of Hangzhou" in str(result.faults["home"]["district"])
    named = old | {"district": "西湖区"}
    assert words(field, named, "en") == "1 号, Xihu District, Hangzhou, Zhejiang"
    form = sent(shown(world, definition, {"home": named}))
    assert form["answer-home-district"] == "330106"


def test_a_city_without_districts_takes_words_or_nothing(world: World) -> None:
    """Promise: where the list has no districts, a town can be written, and need not be."""
    definition = with_address()
    form = sent(shown(world, definition, {}))
    form["answer-home-city"], form["answer-home-line"] = DONGGUAN, "1 号"
    result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
    form = sent(shown(world, definition, dict(result.answers), result))
    for said in ("", "虎门镇"):
        form["answer-home-district"] = said
        result = read_step(definition, 0, given_by_form(definition, 0, form), {}, CONTEXT)
        assert result.is_done
        assert result.answers["home"]["district"] == said


def test_an_address_begins_in_the_city(world: World) -> None:
    """Promise: an address that nobody has answered shows the city's own province and city with its
    districts; left so, an optional one says nothing, and a required one asks for the rest."""
    for required in (False, True):
        form = defined(
            FORM
            | {
                "steps": [
                    {
                        "title": {"zh": "一", "en": "One"},
                        "fields": [{"name": "home", "kind": "address", "required": required}],
                    }
                ]
            }
        )
        here = replace(CONTEXT, division_code="330100")
        with shown_step(world.app, "One", lambda: step_page(form, 0, {}, here)):  # noqa: B023
            page = html.document_fromstring(world.resident().get(ADDRESS).get_data(as_text=True))
        values = sent(page)
        assert values["answer-home-province"] == "330000"
        assert values["answer-home-city"] == "330100"
        assert page.xpath("//select[@name='answer-home-district']/option[@value='330106']")
        result = read_step(form, 0, given_by_form(form, 0, values), {}, here)
        assert bool(result.faults) is required
        assert "home" not in result.answers


def test_somebody_else_is_asked_for_once_chosen(world: World) -> None:
    """Promise: without the script name and number of somebody else are no controls of a page until
    that was chosen and sent; then they are."""
    form = defined(
        FORM
        | {
            "steps": [
                {
                    "title": {"zh": "一", "en": "One"},
                    "fields": [{"name": "who", "kind": "person", "required": True}],
                }
            ]
        }
    )

    def names(answers: dict[str, Any], result: StepResult | None = None) -> set[str]:
        with shown_step(world.app, "One", lambda: step_page(form, 0, answers, CONTEXT, result)):
            page = html.document_fromstring(world.resident().get(ADDRESS).get_data(as_text=True))
        return set(sent(page))

    assert "answer-who-name" not in names({})
    chosen = read_step(form, 0, Given({"who": {"who": "other"}}), {}, CONTEXT)
    assert {"answer-who-name", "answer-who-number"} <= names({}, chosen)
