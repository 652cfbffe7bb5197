"""Any valid definition of a form, as a document writes it, and answers to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_2

from smartcity_saas.configuration.counties import cities_under_provinces, counties_of
from smartcity_saas.configuration.divisions import divisions
from smartcity_saas.configuration.service_kinds import CityTerms
from smartcity_saas.forms.answers import asked
from smartcity_saas.forms.definition import Definition, Field, read_definition
from smartcity_saas.forms.definition_faults import definition_faults
from smartcity_saas.forms.document import ICONS, FormSchema
from smartcity_saas.forms.fields import Context
from smartcity_saas.forms.fields.dates import limit_day
from smartcity_saas.forms.names import (
    CHOICES,
    CONDITIONS,
    DEFAULT_LABELS,
    HOLDER,
    INSERTABLE,
    FieldKind,
)
from smartcity_saas.web.money import LARGEST_AMOUNT

Raw = dict[str, Any]
TODAY = date(2026, 11, 30)
FILES = {str(uuid.UUID(int=number)): f"合同 {number}.pdf" for number in range(1, 13)}
CONTEXT = Context(
    zone="Asia/Shanghai",
    currency="CNY",
    today=TODAY,
    name="王小明",
    masked_number="3****************1",
    files=FILES,
)
TERMS = CityTerms("CNY", "stripe", 100, 1)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True).filter(lambda name: name != HOLDER)
LINES = st.text(
    st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Po", "Sm"], exclude_characters="ᅟᅠㅤﾠ"),
    min_size=1,
    max_size=30,
)
"""Text in which everything shows."""
PATTERN = "[A-Z]{2}[0-9]{8}"


def words(longest: int = 30) -> st.SearchStrategy[Raw]:
    """A text in both languages."""
    return st.fixed_dictionaries({"zh": LINES, "en": LINES}).map(
        lambda text: {language: said[:longest] for language, said in text.items()}
    )


@st.composite
def definitions(draw: st.DrawFn, most: int = 8) -> Raw:
    """A definition without a fault, as it is written in YAML, of so many fields at most."""
    names = draw(st.lists(NAMES, min_size=1, max_size=most, unique=True))
    fields: list[Raw] = []
    for name in names:
        fields.append(draw(_fields(name, fields)))
    cut = draw(st.integers(1, len(fields)))
    parts = [part for part in (fields[:cut], fields[cut:]) if part]
    result = draw(_results(fields))
    rest = {"help": words(), "department": words(), "who": words(), "visit": words()}
    return {
        "title": draw(words()),
        "category": "papers",
        "icon": draw(st.sampled_from(ICONS)),
        "takes": {"working_days": draw(st.integers(1, 250))},
        "fee": draw(st.sampled_from(["0", "20.00", "1.5"])),
        "steps": [{"title": draw(words()), "fields": part} for part in parts],
        "result": result,
        "keep": draw(_periods(result.get("valid"))),
        **draw(st.fixed_dictionaries({}, optional=rest)),
    }


def _periods(least: Raw | None = None) -> st.SearchStrategy[Raw]:
    """Periods, those only that are as long as another one where it is given."""
    all_of_them = [{"years": 5}, {"months": 18}, {"days": 90}]
    return st.sampled_from(all_of_them[: all_of_them.index(least) + 1] if least else all_of_them)


@st.composite
def _results(draw: st.DrawFn, fields: list[Raw]) -> Raw:
    kind = draw(st.sampled_from(["none", "letter", "certificate"]))
    if kind == "none":
        return {"kind": kind}
    lines = [one["name"] for one in fields if one["kind"] in INSERTABLE]
    used = draw(st.sampled_from([*lines, HOLDER]))
    text = dict.fromkeys(("zh", "en"), f"{{{used}}}")
    return {"kind": kind, "title": draw(words()), "text": text, "valid": draw(_periods())}


@st.composite
def _fields(draw: st.DrawFn, name: str, before: list[Raw]) -> Raw:
    kind = draw(st.sampled_from(FieldKind))
    field: Raw = {"name": name, "kind": kind.value}
    if kind not in DEFAULT_LABELS or draw(st.booleans()):
        field["label"] = draw(words())
    if draw(st.booleans()):
        field["required"] = draw(st.booleans())
    if kind in CHOICES:
        values = draw(st.lists(NAMES, min_size=1, max_size=10, unique=True))
        field["options"] = [{"value": one, "label": draw(words())} for one in values]
    field |= draw(_limits(kind))
    possible = [one for one in before if one["kind"] in CONDITIONS]
    if possible and draw(st.booleans()):
        field["show_if"] = draw(_conditions(possible))
    return field


@st.composite
def _conditions(draw: st.DrawFn, possible: list[Raw]) -> Raw:
    chosen = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=2, unique_by=id))
    return {one["name"]: draw(_some(_answers_of(one))) for one in chosen}


def _some(values: list[str]) -> st.SearchStrategy[Any]:
    several = st.lists(st.sampled_from(values), min_size=1, unique=True)
    return st.sampled_from(values) | several


def _answers_of(field: Raw) -> list[str]:
    if "options" in field:
        return [one["value"] for one in field["options"]]
    return ["yes", "no"] if field["kind"] == "yes_no" else ["yes"]


def _limits(kind: FieldKind) -> st.SearchStrategy[Raw]:
    """What a field of a kind may say of its answers."""
    pattern = {"pattern": PATTERN, "pattern_help": {"zh": "两个字母八个数字", "en": "As printed"}}
    lengths: list[Raw] = [{}, {"shortest": 2, "longest": 9}, {"longest": 40}]
    numbers: list[Raw] = [{}, {"least": "1"}, {"most": "250"}, {"least": "3", "most": "3000"}]
    below: list[Raw] = [{"least": "-40", "most": "-2"}, {"least": "-5"}]
    days: list[Raw] = [
        {},
        {"earliest": "1950-01-01", "latest": "2026-11-29"},
        {"earliest": "today-30d", "latest": "today"},
        {"earliest": "today", "latest": "today+90d"},
    ]
    known: dict[FieldKind, list[Raw]] = {
        FieldKind.TEXT: [*lengths, pattern],
        FieldKind.LONG_TEXT: lengths,
        FieldKind.WHOLE_NUMBER: numbers + below,
        FieldKind.DECIMAL: numbers + below,
        FieldKind.MONEY: numbers,
        FieldKind.DATE: days,
        FieldKind.DATE_RANGE: days,
        FieldKind.FILE: [{}, {"files": 3}],
        FieldKind.PHOTOGRAPH: [{}, {"files": 10}],
        FieldKind.DECLARATION: [{"text": {"zh": "以上属实。", "en": "All of this is true."}}],
    }
    return st.sampled_from(known.get(kind, [{}])).map(dict)


def defined(raw: Raw) -> Definition:
    """A definition as the product compiles it; one with a fault is a fault of these strategies."""
    assert definition_faults(raw, TERMS) == []
    return read_definition(FormSchema().load(raw))


@st.composite
def answered(draw: st.DrawFn, only_required: bool = False) -> tuple[Definition, Raw]:
    """A definition, and what a client sends for every field that is asked after it."""
    definition = defined(draw(definitions()))
    given: Raw = {}
    for field in definition.fields:
        if field in asked(definition, given) and (field.required or not only_required):
            given[field.name] = draw(answers_to(field))
    return definition, given


def answers_to(field: Field) -> st.SearchStrategy[Any]:
    """What fits a field, as an API client may send it; conditions hold on it as it is."""
    return _ANSWERS[field.kind](field)


def resident_numbers() -> st.SearchStrategy[str]:
    """Numbers that somebody who lives could have (GB 11643)."""
    born = st.dates(date(1930, 1, 1), TODAY)
    return st.tuples(born, st.integers(1, 999)).map(
        lambda of: _checked(f"330106{of[0]:%Y%m%d}{of[1]:03}")
    )


def _checked(body: str) -> str:
    return body + str(mod_11_2.calc_check_digit(body))


def _texts(field: Field) -> st.SearchStrategy[str]:
    if field.pattern:
        return st.from_regex(PATTERN, fullmatch=True).filter(str.isascii)
    least, most = field.shortest or 1, field.longest or 30
    return LINES.map(lambda text: (text * least)[: max(most, least)])


def _long_texts(field: Field) -> st.SearchStrategy[str]:
    if field.longest and field.longest < 20:
        return _texts(field)
    return st.lists(LINES.map(lambda line: line[:8]), min_size=2, max_size=3).map("\r\n".join)


def _bounds(field: Field, most: int) -> tuple[int, int]:
    return int(field.least or 0), int(field.most or most)


def _whole(field: Field) -> st.SearchStrategy[Any]:
    numbers = st.integers(*_bounds(field, 10**9))
    return numbers | numbers.map(str)


def _decimals(field: Field) -> st.SearchStrategy[str]:
    least, most = _bounds(field, 10**9)
    return st.decimals(least, most, places=3).map(lambda number: f"{number:f}")


def _money(field: Field) -> st.SearchStrategy[Any]:
    least, most = _bounds(field, LARGEST_AMOUNT // 100)
    minor = st.integers(least * 100, most * 100)
    return minor.map(lambda amount: f"{amount // 100}.{amount % 100:02}") | minor.map(
        lambda amount: {"amount": amount, "currency": CONTEXT.currency}
    )


def _days(field: Field) -> st.SearchStrategy[date]:
    first = limit_day(field.earliest, TODAY) if field.earliest else date(1900, 1, 1)
    last = limit_day(field.latest, TODAY) if field.latest else date(2099, 12, 31)
    return st.dates(first, last)


def _dates(field: Field) -> st.SearchStrategy[str]:
    days = _days(field)
    return days.map(date.isoformat) | days.map(lambda day: f"{day.year}年{day.month}月{day.day}日")


def _ranges(field: Field) -> st.SearchStrategy[Raw]:
    return st.tuples(_days(field), _days(field)).map(
        lambda of: {"from": min(of).isoformat(), "to": max(of).isoformat()}
    )


def _choices(field: Field) -> st.SearchStrategy[list[str]]:
    values = [one.value for one in field.options]
    return st.lists(st.sampled_from(values), min_size=1, max_size=12)


@st.composite
def _addresses(draw: st.DrawFn, field: Field) -> Raw:
    city = draw(st.sampled_from((*divisions(), *cities_under_provinces())))
    listed = counties_of(city.division_code)
    spellings = st.sampled_from(listed).flatmap(st.sampled_from) if listed else st.just("") | LINES
    return {
        **({"province": city.province_code} if draw(st.booleans()) else {}),
        "city": city.division_code,
        "district": draw(spellings),
        "line": draw(LINES),
    }


def _files(field: Field) -> st.SearchStrategy[list[Any]]:
    ids = st.lists(st.sampled_from(sorted(FILES)), min_size=1, max_size=field.files, unique=True)
    return ids | ids.map(lambda found: [{"id": key, "name": FILES[key]} for key in found])


def _people(field: Field) -> st.SearchStrategy[Raw]:
    other = st.fixed_dictionaries(
        {
            "who": st.just("other"),
            "name": st.sampled_from(["李雷", "阿卜杜拉·买买提", "Anna Lee"]),
            "number": resident_numbers(),
        }
    )
    return st.just({"who": "self"}) | other


def _plates(field: Field) -> st.SearchStrategy[str]:
    return st.from_regex("[京沪浙粤][A-H]·?[0-9]{5}", fullmatch=True).filter(
        lambda plate: all(one.isascii() or one in "京沪浙粤·" for one in plate)
    )


_ANSWERS: dict[FieldKind, Callable[[Field], st.SearchStrategy[Any]]] = {
    FieldKind.TEXT: _texts,
    FieldKind.LONG_TEXT: _long_texts,
    FieldKind.WHOLE_NUMBER: _whole,
    FieldKind.DECIMAL: _decimals,
    FieldKind.MONEY: _money,
    FieldKind.DATE: _dates,
    FieldKind.DATE_RANGE: _ranges,
    FieldKind.CHOICE: lambda field: st.sampled_from([one.value for one in field.options]),
    FieldKind.CHOICES: _choices,
    FieldKind.YES_NO: lambda field: st.sampled_from(["yes", "no"]),
    FieldKind.PHONE: lambda field: st.from_regex(
        r"(?a:1[3-9]\d{9}|\+[1-9]\d{7,14})", fullmatch=True
    ),
    FieldKind.RESIDENT_NUMBER: lambda field: resident_numbers(),
    FieldKind.PLATE: _plates,
    FieldKind.ADDRESS: _addresses,
    FieldKind.FILE: _files,
    FieldKind.PHOTOGRAPH: _files,
    FieldKind.PERSON: _people,
    FieldKind.DECLARATION: lambda field: st.just("yes"),
}
