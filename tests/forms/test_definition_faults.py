"""What a definition contradicts, as ``smartcity validate`` tells of it: with line and column."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from marshmallow import Schema
from ruamel.yaml import YAML

from smartcity_saas.cli import main
from smartcity_saas.errors import Invalid
from smartcity_saas.forms.document import (
    FieldSchema,
    FormSchema,
    OptionSchema,
    ResultSchema,
    StepSchema,
    TakesSchema,
)
from smartcity_saas.forms.names import MOST_FIELDS
from tests.support.documents import HANGZHOU, SHANGHAI
from tests.support.forms import LETTER, with_services
from tests.support.paths import ROOT
from tests.support.validation import check

CITY = """\
city: hangzhou
province: zhejiang
division_code: "330100"
name: {zh: 杭州市, en: Hangzhou}
state: draft
"""
DOLLARS = "site: {currency: USD}\n"
HEAD = """\
services:
  permit:
    kind: form
    state: open
    title: {zh: 签注, en: Renewal}
    category: papers
    takes: {working_days: 5}
"""
KEEP = """\
    keep: {years: 5}
"""
STEPS = """\
    steps:
      - title: {zh: 住处, en: Home}
        fields:
"""
MOVED = "          - {name: moved, kind: yes_no, label: {zh: 搬过家, en: Moved}}\n"
FORM = HEAD + KEEP + STEPS
L = "label: {zh: 甲, en: A}"


def fields(*lines: str) -> str:
    """A form that asks for some fields, one a line."""
    return FORM + "".join(f"          - {line}\n" for line in lines)


FAULTS = {
    "loop": (
        fields(
            f"{{name: a, kind: yes_no, {L}, show_if: {{b: ▶yes}}}}",
            f"{{name: b, kind: yes_no, {L}, show_if: {{a: yes}}}}",
        ),
        "These conditions form a loop: a → b → a.",
    ),
    "loop, where it closes": (
        fields(
            f"{{name: a, kind: yes_no, {L}, show_if: {{b: yes}}}}",
            f"{{name: b, kind: yes_no, {L}, show_if: {{a: ▶yes}}}}",
        ),
        "These conditions form a loop: b → a → b.",
    ),
    "depends on itself": (
        fields(f"{{name: a, kind: yes_no, {L}, show_if: {{a: ▶yes}}}}"),
        "These conditions form a loop: a → a.",
    ),
    "named twice": (
        FORM + MOVED + "          - {name: ▶moved, kind: phone}\n",
        "The name “moved” is used twice.",
    ),
    "asked later": (
        fields("{name: tel, kind: phone, show_if: {moved: ▶yes}}") + MOVED,
        "“moved” is asked later. Move it before “tel”.",
    ),
    "not asked at all": (
        FORM + MOVED + "          - {name: tel, kind: phone, show_if: {mooved: ▶yes}}\n",
        "There is no field “mooved”. Fields before this one: moved.",
    ),
    "answer that is none": (
        FORM + MOVED + "          - {name: tel, kind: phone, show_if: {moved: ▶maybe}}\n",
        "“maybe” is no answer to “moved”. Its answers: yes, no.",
    ),
    "one answer of several that is none": (
        FORM + MOVED + "          - {name: tel, kind: phone, show_if: {▶moved: [yes, maybe]}}\n",
        "“maybe” is no answer",
    ),
    "nothing can depend on it": (
        fields("{name: tel, kind: phone}", "{name: b, kind: plate, show_if: {tel: ▶yes}}"),
        "“tel” is of kind phone: nothing can depend on it.",
    ),
    "numbers swapped": (
        fields(f'{{name: a, kind: whole_number, {L}, least: "9", most: ▶"3"}}'),
        "“a” has no answer: least is above most.",
    ),
    "lengths swapped": (
        fields(f"{{name: a, kind: text, {L}, shortest: 9, longest: ▶3}}"),
        "shortest is above longest.",
    ),
    "days swapped": (
        fields(f'{{name: a, kind: date, {L}, earliest: "2026-02-01", latest: ▶"2026-01-01"}}'),
        "earliest is above latest.",
    ),
    "days from today swapped": (
        fields(f"{{name: a, kind: date, {L}, earliest: today, latest: ▶today-3d}}"),
        "earliest is above latest.",
    ),
    "no day": (
        fields(f'{{name: a, kind: date, {L}, latest: ▶"2026-02-30"}}'),
        "“2026-02-30” is no day of the calendar.",
    ),
    "no number": (
        fields(f'{{name: a, kind: decimal, {L}, least: ▶"ten"}}'),
        "“ten” is no number of this kind.",
    ),
    "no whole number": (
        fields(f'{{name: a, kind: whole_number, {L}, least: ▶"1.5"}}'),
        "“1.5” is no number of this kind.",
    ),
    "too fine for the currency": (
        fields(f'{{name: a, kind: money, {L}, least: ▶"1.555"}}'),
        "more than 2 decimal places",
    ),
    "unsuited key": (
        fields("{name: a, kind: phone, longest: ▶9}"),
        "“longest” has no effect on a field of kind phone.",
    ),
    "options of a text": (
        fields(f"{{name: a, kind: text, {L}, ▶options: [{{value: x, {L}}}]}}"),
        "“options” has no effect on a field of kind text.",
    ),
    "nothing to choose from": (
        fields(f"{{name: ▶a, kind: choice, {L}}}"),
        "“a” has nothing to choose from.",
    ),
    "answer listed twice": (
        fields(f"{{name: a, kind: choice, {L}, options: [{{value: x, {L}}}, {{value: ▶x, {L}}}]}}"),
        "The answer “x” is listed twice.",
    ),
    "no label": (fields("{name: ▶a, kind: text}"), "“a” has no label."),
    "declares nothing": (fields("{name: ▶a, kind: declaration}"), "“a” declares nothing."),
    "bad pattern": (
        fields(f'{{name: a, kind: text, {L}, pattern: ▶"[A-Z", pattern_help: {{zh: 甲, en: A}}}}'),
        "“[A-Z” is no regular expression",
    ),
    "pattern without help": (
        fields(f'{{name: a, kind: text, {L}, pattern: ▶"[A-Z]"}}'),
        "Nobody is told what fits the pattern of “a”.",
    ),
    "a fee below the smallest": (
        DOLLARS + HEAD + KEEP + '    fee: ▶"0.20"\n' + STEPS + MOVED,
        "stripe cannot charge 0.20 USD. The least it takes is 0.50.",
    ),
    "a fee finer than the currency": (
        HEAD + KEEP + '    fee: ▶"20.005"\n' + STEPS + MOVED,
        "“20.005” has more than 2 decimal places.",
    ),
    "keep of nothing": (
        HEAD + "    ▶keep: {}\n" + STEPS + MOVED,
        "Write one period, in years, months or days.",
    ),
    "keep of two periods": (
        HEAD + "    ▶keep: {years: 1, days: 3}\n" + STEPS + MOVED,
        "Write one period",
    ),
    "keep of no years": (HEAD + "    keep: {years: ▶0}\n" + STEPS + MOVED, "from 1 to 100"),
    "keep shorter than valid": (
        HEAD
        + "    ▶keep: {months: 11}\n    result: {kind: letter, valid: {years: 1}}\n"
        + STEPS
        + MOVED,
        "The paper would be erased while it says that it is valid",
    ),
    "keep of days that a leap year outlasts": (
        HEAD
        + "    ▶keep: {days: 365}\n    result: {kind: letter, valid: {years: 1}}\n"
        + STEPS
        + MOVED,
        "Write keep: {years: 1}, or longer.",
    ),
    "keep of a month that may be February": (
        HEAD
        + "    ▶keep: {months: 1}\n    result: {kind: letter, valid: {days: 29}}\n"
        + STEPS
        + MOVED,
        "Write keep: {days: 29}, or longer.",
    ),
    "no keep": (HEAD.replace("  permit", "  ▶permit") + STEPS + MOVED, "keep"),
    "a step that asks for nothing": (
        HEAD + KEEP + "    steps:\n      - {title: {zh: 甲, en: A}, ▶fields: []}\n",
        "This step asks for nothing.",
    ),
    "no steps": (HEAD + KEEP + "    ▶steps: []\n", "A form needs at least one step."),
    "a paper of an unknown answer": (
        HEAD
        + KEEP
        + '    result: {kind: letter, text: {zh: "{moved}", en: ▶"{mooved}"}}\n'
        + STEPS
        + MOVED,
        "There is no field “mooved”.",
    ),
    **{
        f"a pattern that is {what}": (
            fields(
                f"{{name: a, kind: text, {L}, pattern: ▶'{pattern}', pattern_help: {{zh: 甲, en: A}}}}"
            ),
            f"“{pattern}” is no regular expression of RE2",
        )
        for what, pattern in {
            "a large repeat": "a{99999999}",
            "a repeat of repeats": "(?:a{300}){10000}",
            "a repeat of repeats, each allowed": "(?:a{40}){40}",
            "large otherwise": r"(?:\p{L}\p{N}\p{P}){300}",
            "of flags that contradict each other": "(?a)(?u)x",
            "a recursion": "a(?R)?",
            "a look ahead": "(?=a)a",
            "a look back": "(?<!a)a",
            "a reference to a group": r"(a)\1",
        }.items()
    },
    **{
        f"a limit of {value!r}": (
            fields(f"{{name: a, kind: {kind}, {L}, {key}: ▶'{value}'}}"),
            said,
        )
        for kind, key, value, said in (
            ("whole_number", "least", "NaN", "is no number of this kind"),
            ("whole_number", "most", "sNaN", "is no number of this kind"),
            ("decimal", "least", "１２", "is no number of this kind"),
            ("decimal", "least", "1_000", "is no number of this kind"),
            ("money", "least", "１３", "is no number of this kind"),
            ("decimal", "most", "Infinity", "is no number of this kind"),
            ("decimal", "least", "1e3", "is no number of this kind"),
            ("whole_number", "least", "1000000000000001", "No answer comes to"),
            ("whole_number", "most", "-2", "it is never below zero"),
        )
    },
    "a text longer than any": (
        fields(f"{{name: a, kind: text, {L}, shortest: ▶500}}"),
        "it has at most 200 characters",
    ),
    "a service called as all of them are": (
        FORM.replace("  permit:", "  ▶applications:") + MOVED,
        "“applications” means something else here",
    ),
    "a field that forges whose paper it is": (
        fields(f"{{name: ▶name, kind: text, {L}}}"),
        "No field can be called “name”",
    ),
    "a paper with several lines for one": (
        HEAD
        + KEEP
        + '    result: {kind: letter, text: {zh: "{moved}", en: ▶"{why}"}}\n'
        + STEPS
        + MOVED
        + f"          - {{name: why, kind: long_text, {L}}}\n",
        "The answer to “why” is more than a line. You can use: moved, name.",
    ),
    "a text without a paper": (
        HEAD + KEEP + "    result: {kind: none, ▶title: {zh: 甲, en: A}}\n" + STEPS + MOVED,
        "“title” has no effect: there is no paper.",
    ),
}


def validated(text: str, folder: Path, config: Path = ROOT) -> list[str]:
    """Every line that the command says of a document."""
    file = folder / "hangzhou.yaml"
    file.write_text(text, "utf-8")
    done = CliRunner().invoke(
        main,
        ["validate", str(file)],
        env={
            "SMARTCITY_CONFIG_ROOT": str(config),
            "DATABASE_URL": f"sqlite:///{folder}/none.sqlite3",
            "SMARTCITY_LANGUAGE": "en",
        },
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return [line.removeprefix(str(folder) + "/") for line in done.output.splitlines()]


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_where_it_stands(case: str, tmp_path: Path) -> None:
    """Promise: a definition that contradicts itself is refused at its line and column (marked ▶)."""
    form, said = FAULTS[case]
    text = CITY + form
    before = text[: text.index("▶")]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = validated(text.replace("▶", ""), tmp_path)
    at = [one for one in found if one.startswith(f"hangzhou.yaml:{line}:{column}:")]
    assert at, found
    assert any(said in one for one in at), at


def test_too_many_fields(tmp_path: Path) -> None:
    """Promise: the first field beyond the most is named by its place."""
    step = "      - title: {zh: 甲, en: A}\n        fields:\n"
    lines = [f"          - {{name: a{number}, kind: phone}}\n" for number in range(MOST_FIELDS + 1)]
    steps = "".join(step + "".join(lines[at : at + 26]) for at in range(0, len(lines), 26))
    text = CITY + HEAD + KEEP + "    steps:\n" + steps
    line = text[: text.index(f"a{MOST_FIELDS},")].count("\n") + 1
    found = validated(text, tmp_path)
    assert [one for one in found if one.startswith(f"hangzhou.yaml:{line}:")], found
    assert any(f"at most {MOST_FIELDS} things" in one for one in found)


def test_a_fee_that_nobody_can_pay(tmp_path: Path) -> None:
    """Promise: where no document names a payment provider, a fee is refused at its place."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    platform = tmp_path / "config" / "platform.yaml"
    before, _payments, after = platform.read_text("utf-8").partition("\npayments:\n")
    platform.write_text(f"{before}\n{after[after.index('channels:') :]}", "utf-8")
    text = CITY + HEAD + KEEP + '    fee: "20.00"\n' + STEPS + MOVED
    line = text[: text.index("fee:")].count("\n") + 1
    found = validated(text, tmp_path, tmp_path)
    assert [
        one for one in found if one.startswith(f"hangzhou.yaml:{line}:10: The city takes no")
    ], found


def test_a_form_without_a_fault_passes(tmp_path: Path) -> None:
    """A control: what the cases are made of is valid."""
    assert "1 document, no problems." in validated(CITY + FORM + MOVED, tmp_path)
    for keep, valid in (
        ("{days: 366}", "{years: 1}"),
        ("{years: 1}", "{months: 12}"),
        ("{months: 1}", "{days: 28}"),
    ):
        kept = f"    keep: {keep}\n    result: {{kind: letter, valid: {valid}}}\n"
        assert "1 document, no problems." in validated(CITY + HEAD + kept + STEPS + MOVED, tmp_path)
    paid = HEAD + KEEP + '    fee: "20.00"\n' + STEPS + MOVED
    assert "1 document, no problems." in validated(CITY + paid, tmp_path)


@pytest.mark.parametrize("city", [HANGZHOU, SHANGHAI], ids=["hangzhou", "shanghai"])
def test_all_compulsory_keys_are_told_at_once(city: str) -> None:
    """Promise: whoever names only the service is told every key that it needs, each with an example that fits."""
    needed = {name for name, field in FormSchema().fields.items() if field.required}
    found = {p.pointer: p for p in check(with_services(city, "permit:\n  kind: form\n"))}
    assert {f"/services/permit/{name}" for name in needed} <= set(found)
    for name in needed:
        problem = found[f"/services/permit/{name}"]
        assert str(problem.message) == f"“{name}” is missing."
        assert str(problem.hint).startswith(f"Write {name}: ")
    written = "".join(f"  {str(found[f'/services/permit/{name}'].hint)[6:]}\n" for name in needed)
    whole = f"permit:\n  kind: form\n  state: open\n{written}".replace("…", '"x"')
    assert check(with_services(city, whole)) == []


@pytest.mark.parametrize(
    "schema", [FormSchema, FieldSchema, StepSchema, OptionSchema, TakesSchema, ResultSchema]
)
def test_every_compulsory_key_has_an_example(schema: type[Schema]) -> None:
    """Promise: the kind, not the five of today: a compulsory key that is added brings its example."""
    without = [n for n, f in schema().fields.items() if f.required and "example" not in f.metadata]
    assert without == []


@pytest.mark.parametrize("city", [HANGZHOU, SHANGHAI], ids=["hangzhou", "shanghai"])
def test_a_service_beside_the_catalog_is_told_to_move(city: str) -> None:
    """Promise: a sample that was pasted without indentation is told as that, at its own line."""
    text = f"{city}services:\n  utility_bills: {{state: open}}\n{LETTER}"
    [problem] = [one for one in check(text) if one.pointer == "/walking_permit"]
    assert "Indent it by two spaces" in str(problem.hint)
    assert text.splitlines()[problem.line - 1] == "walking_permit:"


WHOLE: Any = YAML(typ="safe").load(
    LETTER
    + """\
  fee: "20.00"
  supply: {working_days: 3}
"""
)
WHOLE["walking_permit"]["steps"][0]["fields"] += [
    {
        "name": "day",
        "kind": "date",
        "label": {"zh": "哪天", "en": "Day"},
        "earliest": "today",
        "latest": "today+30d",
    },
    {
        "name": "how_many",
        "kind": "whole_number",
        "label": {"zh": "几个", "en": "How many"},
        "least": "1",
        "most": "9",
    },
    {
        "name": "code",
        "kind": "text",
        "label": {"zh": "编号", "en": "Code"},
        "pattern": "[A-Z]{2}",
        "pattern_help": {"zh": "两个大写字母", "en": "Two capital letters"},
        "shortest": 2,
    },
]
ODD = (
    "todayabc",
    "today-xd",
    "",
    "\x00",
    -1,
    10**30,
    0.5,
    True,
    None,
    [],
    ["x"],
    {},
    {"a": "b"},
    [[{}]],
)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, as keys and indexes."""
    if above:
        yield above
    for key, below in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield from places(below, (*above, key))


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_stands_anywhere_is_told(odd: Any) -> None:
    """Promise: a value of another kind than is meant, at any place of a definition, is no fault of the
    server."""
    assert check(with_services(HANGZHOU, json.dumps(WHOLE)[1:-1] + "\n")) == []
    for place in places(WHOLE):
        bent = copy.deepcopy(WHOLE)
        inside = bent
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = odd
        with suppress(Invalid):  # what is no document of ours is refused whole
            check(with_services(HANGZHOU, json.dumps(bent)[1:-1] + "\n"))
