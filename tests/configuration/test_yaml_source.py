"""Reading YAML: 1.2 rules, positions, and hostile input refused before anything is built."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid

MOST_BYTES = 4 * 1024 * 1024


def refusal(data: bytes | str) -> str:
    with pytest.raises(Invalid) as caught:
        parse(data, "x.yaml")
    return str(caught.value.problems[0])


@pytest.mark.parametrize(
    "yaml, value",
    [
        ("no", "no"),
        ("off", "off"),
        ("010", 10),
        ("0o10", 8),
        ("17:30", "17:30"),
        ("2026-11-27", "2026-11-27"),
        ("1.10", 1.1),
        ('"330100"', "330100"),
        ("true", True),
        ("{zh: 杭州, en: Hangzhou}", {"zh": "杭州", "en": "Hangzhou"}),
    ],
)
def test_values_follow_yaml_1_2(yaml: str, value: object) -> None:
    """What YAML 1.1 reads as a switch, octal or a time stays what was written."""
    assert parse(f"key: {yaml}\n", "x.yaml").values == {"key": value}


HOSTILE = {
    "alias bomb": ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors"),
    "merge bomb": ("a: &a {x: 1}\nb: {<<: [*a, *a]}\n", "anchors"),
    "merge key": ("a: {<<: {x: 1}}\n", "merge keys"),
    "flow depth": ("a: " + "[" * 30_000, "12 levels"),
    "flow mappings": ("a: " + "{a: " * 8_000, "12 levels"),
    "block depth": ("".join(" " * i + "a:\n" for i in range(200)), "12 levels"),
    "dashes": ("- " * 9_000, "12 levels"),
    "many values": ("a: [" + "1," * 16_000 + "]", "2,000"),
    "many keys": ("".join(f"k{i}: v\n" for i in range(3_000)), "2,000"),
    "too large": ("a: " + "x" * 40_000, "32 KiB"),
    "too large in bytes": ("a: " + "中" * 12_000, "32 KiB"),
    "python tag": ("a: !!python/object/apply:os.system [id]\n", "tags"),
    "own tag": ("a: !secret x\n", "tags"),
    "duplicate key": ("a: 1\na: 2\n", "twice"),
    "null": ("a:\n", "no value"),
    "two documents": ("a: 1\n---\nb: 1\n", "one configuration"),
    "yaml 1.1": ("%YAML 1.1\n---\na: no\n", "1.2"),
    "complex keys": ("? [a, b]\n: c\n", "plain text"),
    "huge number": ("a: 99999999999999999999999\n", "too long"),
    "control character": ("a: \x07\n", "character"),
    "list": ("- a\n", "mapping"),
    "empty": ("", "mapping"),
    "unseen end of a line": (
        "a: 1\nb: 2   # pasted\u2028from elsewhere\n",
        "2:16: There is an inv",
    ),
    "open quote": ("a: '" + "'" * 30_000, "not valid YAML"),
    "utf-16": ("a: 1\n".encode("utf-16"), "UTF-8"),
    "latin-1": ("a: é\n".encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused(name: str) -> None:
    """Bombs, depth, size, tags, duplicates and wrong encodings: refused, named, with a place."""
    data, said = HOSTILE[name]
    parse("a: 1\n", "x.yaml")  # what is loaded once is not counted
    tracemalloc.start()
    message = refusal(data)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said in message
    assert message.startswith("x.yaml:")
    assert most < MOST_BYTES


def test_all_duplicates_and_nulls_are_told_at_once() -> None:
    """One reading finds every such fault, each at its line and column."""
    with pytest.raises(Invalid) as caught:
        parse("a: 1\na: 2\nb:\n  c:\n", "x.yaml")
    assert [(p.line, p.column, p.pointer) for p in caught.value.problems] == [
        (2, 1, "/a"),
        (4, 3, "/b/c"),
    ]


def test_a_syntax_error_quotes_nothing_of_the_text() -> None:
    """ruamel's snippets could show a secret; the message has a place and advice, no snippet."""
    message = refusal("key: 'sk_live_verysecret\nother: [1,\n")
    assert "sk_live" not in message
    assert message.startswith("x.yaml:")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No input makes the reader fail in another way than by saying what is wrong."""
    try:
        values = parse(text, "x.yaml").values
    except Invalid as error:
        assert error.problems
    else:
        assert isinstance(values, dict)


PAIR, COMPOSED, DECOMPOSED = '"\\ud83c\\udf0a"', "Città", "Citta\u0300"


@pytest.mark.parametrize("text", ["k: {}\n", "{}: v\n", "k: [a, {}]\n", "k: {{{}: v}}\n"])
def test_characters_that_no_store_can_hold_are_refused_in_keys_and_values(text: str) -> None:
    """Lone surrogates and control characters, by number and place, whatever escape wrote them;
    pairs of surrogates are one character."""
    for escape, code in (
        ("\\udc00", "U+DC00"),
        ("\\ud83c", "U+D83C"),
        ("\\udf0a\\ud83c", "U+DF0A"),
        ("\\0", "U+0000"),
        ("\\x1b", "U+001B"),
        ("\\u0085", "U+0085"),
    ):
        with pytest.raises(Invalid) as caught:
            parse(text.format(f'"a{escape}b"'), "x.yaml")
        problem = caught.value.problems[0]
        assert code in str(problem.message)
        json.dumps(problem.as_dict(), ensure_ascii=False).encode()
    assert "\U0001f30a" in str(parse(text.format(PAIR), "x.yaml").values)


@given(st.text(st.characters(codec=None), max_size=12), st.booleans())
def test_no_text_breaks_the_reader(text: str, as_key: bool) -> None:
    """Any code points at all, surrogates too, as a key or a value, escaped or bare: read as what
    can be stored in UTF-8 and JSON, or refused with problems that can be shown."""
    for written in (json.dumps(text), f"'{text}'", text):
        try:
            values = parse(f"{written}: 1\n" if as_key else f"k: {written}\n", "x").values
        except Invalid as error:
            values = {"problems": [found.as_dict() for found in error.problems]}
        stored = json.dumps(values, ensure_ascii=False)
        assert "\0" not in stored.encode().decode()


def test_unicode_forms_are_one_text() -> None:
    """A name saved on a Mac, decomposed, is the name itself: in text, keys, values and escapes."""
    one, other = parse(f"{COMPOSED}: {COMPOSED}\n", ""), parse(f"{DECOMPOSED}: {DECOMPOSED}\n", "")
    assert (one.text, one.values) == (other.text, other.values)
    assert parse('k: "Citta\\u0300"\n', "").values == {"k": COMPOSED}
