"""Each kind of field: what it takes, and what it says of what it does not take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from smartcity_saas.forms.definition import Field, Option
from smartcity_saas.forms.fields import KINDS, Unfit, words
from smartcity_saas.forms.names import FieldKind
from tests.support.form_definitions import CONTEXT, FILES

LABEL = {"zh": "问题", "en": "Question"}
FIRST, SECOND = sorted(FILES)[:2]
OPTIONS = tuple(Option(value, LABEL) for value in ("rented", "own"))


def field(kind: str, **rest: Any) -> Field:
    """A field of a kind."""
    found = Field("asked", FieldKind(kind), LABEL, **rest)
    return replace(found, options=OPTIONS) if kind in ("choice", "choices") else found


def read(kind: str, given: Any, **rest: Any) -> Any:
    """What is read of an answer, in the tests' city."""
    found = field(kind, **rest)
    return KINDS[found.kind].read(found, given, CONTEXT)


CODE = {"pattern": "[A-Z]{2}[0-9]{4}", "pattern_help": {"zh": "如 SZ2026", "en": "Such as SZ2026."}}
BAD: list[tuple[str, Any, dict[str, Any], dict[str, str]]] = [
    ("text", "x" * 201, {}, {"": "at most 200 characters"}),
    ("text", "ab", {"shortest": 3}, {"": "“ab” is too short: write at least 3 characters."}),
    ("text", "a\u202eb", {}, {"": "does not show in “a�b”"}),
    ("text", "a\nb", {}, {"": "does not show in “a�b”"}),
    ("text", 5, {}, {"": "“5” is not text"}),
    ("text", "SZ26", CODE, {"": "“SZ26” does not fit. Such as SZ2026."}),
    ("text", "SZ2026x", CODE, {"": "“SZ2026x” does not fit"}),
    ("text", "SZ2026\u200b", CODE, {"": "does not show"}),
    ("long_text", "a\n\u200b", {}, {"": "does not show"}),
    ("long_text", "x" * 4_001, {}, {"": "is 4001 long"}),
    ("whole_number", "12.5", {}, {"": "“12.5” is not a whole number"}),
    ("whole_number", "1,234", {}, {"": "thousands separators"}),
    ("whole_number", "-1", {}, {"": "“-1” is below zero"}),
    ("whole_number", "-9", {"least": "-5"}, {"": "-9 is too little: at least -5"}),
    ("whole_number", True, {}, {"": "“True” is not text"}),
    ("whole_number", "9", {"most": "8"}, {"": "9 is too much: at most 8"}),
    ("whole_number", "①", {}, {"": "“①” is not a number"}),
    ("decimal", 1.5, {}, {"": "Put 1.5 in quotes"}),
    ("decimal", "1.23E+05", {}, {"": "digits are lost"}),
    ("decimal", "0.1234567", {}, {"": "more than 6 decimal places"}),
    ("decimal", "0.5", {"least": "1"}, {"": "0.5 is too little: at least 1"}),
    ("money", "43,50", {}, {"": "uses a comma"}),
    ("money", "1.234", {}, {"": "“1.234” has more than 2 decimal places"}),
    ("money", "-5", {}, {"": "below zero"}),
    ("money", "4", {"least": "5"}, {"": "4.00 CNY is too little: at least 5 CNY"}),
    ("money", {"amount": 5, "currency": "JPY"}, {}, {"": "“JPY” is not the currency here"}),
    ("money", {"amount": -5, "currency": "CNY"}, {}, {"": "-5 is not possible"}),
    ("money", {"amount": 1.5, "currency": "CNY"}, {}, {"": "“1.5” is no amount"}),
    ("money", {"amount": 5, "tip": 1}, {}, {"": "There is no part “tip” here"}),
    ("date", "2026-02-30", {}, {"": "“2026-02-30” is no day of the calendar"}),
    ("date", "3/1/2026", {}, {"": "“3/1/2026” is no day"}),
    ("date", "1899-12-31", {}, {"": "is no day"}),
    ("date", "2026-12-01", {"latest": "today"}, {"": "2026-12-01 has not come yet"}),
    ("date", "2026-11-29", {"earliest": "today"}, {"": "2026-11-29 is over"}),
    ("date", "2026-10-30", {"earliest": "today-30d"}, {"": "first possible day is 2026-10-31"}),
    ("date", "2027-01-01", {"latest": "2026-12-31"}, {"": "last possible day is 2026-12-31"}),
    ("date_range", "2026-01-01", {}, {"": "Give these parts: from, to"}),
    ("date_range", {"from": "2026-01-01"}, {}, {"to": "Enter a day"}),
    ("date_range", {"from": "x", "to": "2026-01-01"}, {}, {"from": "“x” is no day"}),
    (
        "date_range",
        {"from": "2026-01-02", "to": "2026-01-01"},
        {},
        {"to": "2026-01-01 is before 2026-01-02"},
    ),
    ("choice", "castle", {}, {"": "“castle” is none of the answers. Choose from: rented, own."}),
    ("choices", "own", {}, {"": "“own” is not a list"}),
    ("choices", ["own", "castle"], {}, {"": "“castle” is none"}),
    ("yes_no", "maybe", {}, {"": "“maybe” is neither yes nor no"}),
    ("phone", "12345", {}, {"": "“12345” is no mobile number"}),
    ("phone", "23800138000", {}, {"": "no mobile number"}),
    ("resident_number", "330106199001011230", {}, {"": "“330106199001011230” is no ID number"}),
    ("plate", "浙A1234", {}, {"": "“浙A1234” is no number plate"}),
    ("address", {"line": "6 号"}, {}, {"city": "Choose the city"}),
    (
        "address",
        {"city": "440300"},
        {},
        {"district": "Choose the district", "line": "Enter the street"},
    ),
    ("address", {"city": "999999", "line": "6"}, {}, {"city": "“999999” is not on the list"}),
    (
        "address",
        {"province": "000000", "city": "440300", "line": "6"},
        {},
        {"province": "“000000”"},
    ),
    (
        "address",
        {"province": "330000", "city": "440300", "line": "6 号"},
        {},
        {"city": "Shenzhen is not in Zhejiang"},
    ),
    (
        "address",
        {"city": "440300", "district": "330106", "line": "6 号"},
        {},
        {"district": "“Xihu District” is not a district of Shenzhen on the list"},
    ),
    (
        "address",
        {"city": "440300", "district": "南山", "line": "6 号"},
        {},
        {"district": "“南山” is not a district of Shenzhen on the list"},
    ),
    (
        "address",
        {"city": "441900", "district": "440305", "line": "6 号"},
        {},
        {"district": "“Nanshan District” is not a district of Dongguan on the list"},
    ),
    (
        "address",
        {"city": "440300", "district": "x" * 41, "line": "\u200b"},
        {},
        {"district": "at most 40", "line": "does not show"},
    ),
    ("file", "x", {}, {"": "“x” is not a list"}),
    ("file", ["x"], {}, {"": "The file “x” is not there any more"}),
    ("file", [{"id": "x", "name": "合同.pdf"}], {}, {"": "“合同.pdf”"}),
    ("photograph", [FIRST, SECOND], {}, {"": "2 were added: at most 1 can be"}),
    ("person", {"who": "cat"}, {}, {"who": "“cat” says not who"}),
    ("person", {"name": "李雷"}, {}, {"who": "says not who"}),
    (
        "person",
        {"who": "other", "name": "7", "number": "12"},
        {},
        {"name": "“7” is no name", "number": "“12” is no ID number"},
    ),
    ("person", {"who": "other"}, {}, {"name": "Enter the name", "number": "Enter the ID number"}),
    ("declaration", "no", {}, {"": "“no” declares nothing"}),
]


@pytest.mark.parametrize("kind, given, rest, said", BAD)
def test_what_does_not_fit(
    kind: str, given: Any, rest: dict[str, Any], said: dict[str, str]
) -> None:
    """Promise: each fault stands at its part, quotes what was written and says what to do."""
    with pytest.raises(Unfit) as unfit:
        read(kind, given, **rest)
    faults = unfit.value.faults
    assert list(faults) == list(said)
    for part, text in said.items():
        assert text in str(faults[part])


GOOD: list[tuple[str, Any, dict[str, Any], Any, str, str]] = [
    ("text", "  海棠路 6 号 ", {}, "海棠路 6 号", "海棠路 6 号", "海棠路 6 号"),
    ("text", "SZ2026", CODE, "SZ2026", "SZ2026", "SZ2026"),
    ("long_text", "a\r\nb\tc\n", {}, "a\nb c", "a\nb c", "a\nb c"),
    ("whole_number", "１２", {}, "12", "12", "12"),
    ("whole_number", 2_000_000, {}, "2000000", "2000000", "2000000"),
    ("whole_number", "−3", {"least": "-5"}, "-3", "-3", "-3"),
    ("decimal", "1.50", {}, "1.5", "1.5", "1.5"),
    ("money", "43.5", {}, {"amount": 4350, "currency": "CNY"}, "¥43.50", "¥43.50"),
    ("date", "2026/3/1", {}, "2026-03-01", "2026年3月1日", "1 March 2026"),
    ("date", "19850301", {}, "1985-03-01", "1985年3月1日", "1 March 1985"),
    (
        "date_range",
        {"from": "20260301", "to": "2026年3月2日"},
        {},
        {"from": "2026-03-01", "to": "2026-03-02"},
        "2026年3月1日至2026年3月2日",
        "1 March 2026 to 2 March 2026",
    ),
    (
        "choices",
        ["own", "rented", "own"],
        {},
        ["rented", "own"],
        "问题、问题",
        "Question, Question",
    ),
    ("yes_no", True, {}, "yes", "是", "Yes"),
    ("phone", "+86 138-0013-8000", {}, "13800138000", "13800138000", "13800138000"),
    ("plate", "浙a·12 345", {}, "浙A12345", "浙A·12345", "浙A·12345"),
    (
        "address",
        {"city": "440300", "district": "南山区", "line": "海棠路 6 号"},
        {},
        {"province": "440000", "city": "440300", "district": "南山区", "line": "海棠路 6 号"},
        "广东省深圳市南山区海棠路 6 号",
        "海棠路 6 号, Nanshan District, Shenzhen, Guangdong",
    ),
    (
        "address",
        {"city": "110000", "district": "110105", "line": "1 号"},
        {},
        {"province": "110000", "city": "110000", "district": "朝阳区", "line": "1 号"},
        "北京市朝阳区1 号",
        "1 号, Chaoyang District, Beijing",
    ),
    (
        "address",
        {"city": "659001", "district": "", "line": "1 号"},
        {},
        {"province": "650000", "city": "659001", "district": "", "line": "1 号"},
        "新疆维吾尔自治区石河子市1 号",
        "1 号, Shihezi, Xinjiang",
    ),
    (
        "address",
        {"city": "441900", "district": "虎门镇", "line": "1 号"},
        {},
        {"province": "440000", "city": "441900", "district": "虎门镇", "line": "1 号"},
        "广东省东莞市虎门镇1 号",
        "1 号, 虎门镇, Dongguan, Guangdong",
    ),
    ("file", [FIRST], {}, [{"id": FIRST, "name": FILES[FIRST]}], "合同 1.pdf", "合同 1.pdf"),
    ("declaration", True, {}, "yes", "已声明", "Declared"),
]


@pytest.mark.parametrize("kind, given, rest, value, zh, en", GOOD)
def test_what_is_read_and_shown(
    kind: str, given: Any, rest: dict[str, Any], value: Any, zh: str, en: str
) -> None:
    """Promise: one canonical value however it was written, and its words in both languages."""
    assert read(kind, given, **rest) == value
    assert words(field(kind, **rest), value, "zh") == zh
    assert words(field(kind, **rest), value, "en") == en


@pytest.mark.parametrize("kind", FieldKind)
def test_nothing_is_no_answer(kind: FieldKind) -> None:
    """Promise: an empty control, and null, answer nothing."""
    empty: list[Any] = [None]
    if kind in (FieldKind.CHOICES, FieldKind.FILE, FieldKind.PHOTOGRAPH):
        empty.append([])
    elif kind in (FieldKind.ADDRESS, FieldKind.DATE_RANGE, FieldKind.PERSON):
        empty.append({})
    else:
        empty += ["", "  "]
    assert [read(kind, one) for one in empty] == [None] * len(empty)


def test_no_pattern_goes_astray() -> None:
    """Promise: no definition holds a thread of the server: what a backtracking engine would try for
    years is answered."""
    with pytest.raises(Unfit) as unfit:
        read("text", "a" * 150 + "!", pattern="(?:(?:a|aa)+)+b", pattern_help=LABEL)
    assert "does not fit" in str(unfit.value.faults[""])


def test_every_kind_has_its_reader() -> None:
    """Promise: a kind that a document may name is read."""
    assert set(KINDS) == set(FieldKind)
