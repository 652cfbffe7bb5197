"""Reading YAML: 1.2 rules, positions, and hostile input refused before anything is built."""

from __future__ import annotations

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.configuration.source import parse
from smartcity_saas.errors import Invalid

MEGABYTES = 1024


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
    "alias bomb": ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "Anchors"),
    "merge bomb": ("a: &a {x: 1}\nb: {<<: [*a, *a]}\n", "Anchors"),
    "merge key": ("a: {<<: {x: 1}}\n", "Merge keys"),
    "flow depth": ("a: " + "[" * 30_000, "12 levels"),
    "flow mappings": ("a: " + "{a: " * 8_000, "12 levels"),
    "block depth": ("".join(" " * i + "a:\n" for i in range(200)), "12 levels"),
    "dashes": ("- " * 9_000, "12 levels"),
    "many values": ("a: [" + "1," * 16_000 + "]", "2,000"),
    "many keys": ("".join(f"k{i}: v\n" for i in range(3_000)), "2,000"),
    "too large": ("a: " + "x" * 40_000, "32 KiB"),
    "too large in bytes": ("a: " + "中" * 12_000, "32 KiB"),
    "python tag": ("a: !!python/object/apply:os.system [id]\n", "Tags"),
    "own tag": ("a: !secret x\n", "Tags"),
    "duplicate key": ("a: 1\na: 2\n", "twice"),
    "null": ("a:\n", "no value"),
    "two documents": ("a: 1\n---\nb: 1\n", "one document"),
    "yaml 1.1": ("%YAML 1.1\n---\na: no\n", "1.2"),
    "complex keys": ("? [a, b]\n: c\n", "plain text"),
    "huge number": ("a: 99999999999999999999999\n", "too long"),
    "control character": ("a: \x07\n", "character"),
    "list": ("- a\n", "mapping"),
    "empty": ("", "mapping"),
    "open quote": ("a: '" + "'" * 30_000, "not YAML"),
    "utf-16": ("a: 1\n".encode("utf-16"), "UTF-8"),
    "latin-1": ("a: é\n".encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused(name: str) -> None:
    """Bombs, depth, size, tags, duplicates and wrong encodings: refused, named, with a place."""
    data, said = HOSTILE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = refusal(data)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert said in message
    assert message.startswith("x.yaml:")
    assert grown < 40 * MEGABYTES


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
