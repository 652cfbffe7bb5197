"""What is said where YAML reads a text otherwise than its writer meant it: the slip itself, in both languages."""

from __future__ import annotations

import pytest
from flask_babel import force_locale

from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid
from tests.support.documents import HANGZHOU, NINGBO, ZHEJIANG
from tests.support.validation import check
from tests.support.world import World

QUOTES, HALF_WIDTH = ("quotes", "引号"), ("half-width", "半角")
SLIPS = {
    "comma before words": ("{zh: 公园, en: One card for parks, valid for two years}", "1:37", QUOTES),
    "two commas": ("{zh: 公园, en: One, for you, for all}", "1:22", QUOTES),
    "comma before Chinese": ("{en: Park, zh: 公园, 湖}", "1:23", QUOTES),
    "comma before one word": ("{zh: 公园, en: Well, yes}", "1:23", QUOTES),
    "braces first": ("{zh: {name}您好, en: Hello}", "1:9", QUOTES),
    "braces first in a block": ("\n  zh: 您好\n  en: {name} is registered.", "3:7", QUOTES),
    "braces alone": ("{zh: 您好, en: {name}}", "1:18", QUOTES),
    "brackets first": ("[1] first", "1:4", QUOTES),
    "colon": ("note: this", "1:8", QUOTES),
    "colon in braces": ("{en: Bring this: a card, zh: 带卡}", "1:19", QUOTES),
    "number sign": ("{en: Room #5, zh: 五号}\nb: 1", "1:14", QUOTES),
    "star": ("{en: *new*, zh: 新}", "1:9", QUOTES),
    "at sign": ("@city", "1:4", QUOTES),
    "exclamation mark": ("!new", "1:4", QUOTES),
    "full-width colons": ("{zh：公园，en：Parks}", "1:5", HALF_WIDTH),
    "full-width comma": ("{zh: 公园，en: Parks}", "1:11", HALF_WIDTH),
    "full-width braces": ("｛zh: 公园, en: Parks｝", "1:4", HALF_WIDTH),
    "full-width colon above": ("1\nb：2\nc: 3", "2:1", HALF_WIDTH),
    "no space after a colon": ("1\nb:{zh: 公园, en: Parks}", "2:2", ("space", "空格")),
    "tab": ("\n\tb: 1", "2:1", ("spaces", "空格")),
    "brace left open": ("{zh: 公园, en: Parks", "1:4", ("not closed", "没有结束")),
    "brace left open above": ("{zh: 公园, en: Parks\nb: 1\nc: 2", "1:4", ("not closed", "没有结束")),
    "quote left open": ('{zh: 公园, en: "Parks}\nb: 1', "1:17", ("not closed", "没有结束")),
    "word at the end": ("1\nb\n\n", "2:1", ("colons", "冒号")),
    "not indented": ("\nb: {c: 1}", "1:1", ("line 2", "第 2 行")),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_at_its_place(world: World, slip: str) -> None:
    """Promise: unquoted texts and full-width punctuation are told as what they are, in the reader's language,
    wherever they stand in a document."""
    text, place, words = SLIPS[slip]
    with pytest.raises(Invalid) as caught:
        parse(f"t: {text}\n", "x.yaml")
    for language, word in zip(("en", "zh"), words, strict=True):
        with world.app.test_request_context(), force_locale(language):
            assert str(caught.value.problems[0]).startswith(f"x.yaml:{place}: ")
            assert word in str(caught.value.problems[0].hint)


@pytest.mark.parametrize(
    "given", ["{zh: 公园，en：Parks}", "｛zh：公园，en：Parks｝", "{zh: 公园，en ： Parks}"]
)
@pytest.mark.parametrize(
    "document", [HANGZHOU, NINGBO, ZHEJIANG], ids=["hangzhou", "ningbo", "province"]
)
def test_full_width_punctuation_that_parses_is_told(document: str, given: str) -> None:
    """Promise: where it made one text of two, the missing text is not the only thing that is said."""
    [problem, *_] = [
        one for one in check(_named(document, given)) if one.pointer.startswith("/name")
    ]
    assert "half-width" in str(problem.hint)


def _named(document: str, name: str) -> str:
    """A document whose name is written otherwise."""
    lines = [f"name: {name}" if one.startswith("name:") else one for one in document.splitlines()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "{zh: 请带好身份证，户口本：原件。, en: Bring both}",
        '{zh: "电话，tel：1", en: "{name}, hello: you"}',
        "[a, b]",
    ],
)
def test_texts_that_are_right_are_left_alone(text: str) -> None:
    """Promise: full-width punctuation inside a text, and whatever is in quotes, is text."""
    assert parse(f"t: {text}\n", "x.yaml").values["t"]


@pytest.mark.parametrize("key", ["{a: }", "{zh: 公园, en: }", "\n  a:\n  b: 1"])
def test_a_key_that_waits_for_its_value_is_not_taken_for_text(key: str) -> None:
    """Promise: whoever wrote a colon is asked for the value."""
    with pytest.raises(Invalid) as caught:
        parse(f"t: {key}\n", "x.yaml")
    assert str(caught.value.problems[0].hint).startswith("Enter a value, or remove the key")
