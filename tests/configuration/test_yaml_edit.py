"""Editing a document: only the lines that must change do, and comments stay."""

from __future__ import annotations

import difflib
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.configuration.line_endings import unified, with_ends_of
from smartcity_saas.configuration.merge import leaves
from smartcity_saas.configuration.yaml_edit import edit, write
from smartcity_saas.configuration.yaml_source import parse

DOCUMENT = """\
# tenants/hangzhou.yaml
city: hangzhou                    # never changes
name: {zh: 杭州市, en: Hangzhou}
hosts: [city.hangzhou.example]    # beside the platform's own
branding:
  color: "#0b6e4f"                # the lake
services:
  utility_bills:
    state: open                   # open | paused | closed
    settings: {kinds: [water, electricity]}
  # about tickets
  traffic_tickets:
    state: paused
    notice: {zh: 系统升级。, en: Back on Friday.}
    until: "2026-11-27T18:00"     # optional

# the end
"""
BILLS, TICKETS = ("services", "utility_bills"), ("services", "traffic_tickets")


def changed_lines(before: str, after: str) -> list[str]:
    return [
        line.rstrip()
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line[:1] in "+-"
    ]


def test_a_scalar_changes_its_own_line_and_keeps_its_comment() -> None:
    """The switch on the console touches one line, comment included."""
    after = edit(DOCUMENT, {(*BILLS, "state"): "closed"})
    assert changed_lines(DOCUMENT, after) == [
        "-     state: open                   # open | paused | closed",
        "+     state: closed                   # open | paused | closed",
    ]


def test_pausing_adds_its_lines_where_they_belong() -> None:
    """A notice and a date are added to the service, in its indentation, and nowhere else."""
    notice = {"zh": "系统升级，周五恢复。", "en": "Back on Friday: sorry."}
    after = edit(
        DOCUMENT,
        {
            (*BILLS, "state"): "paused",
            (*BILLS, "notice"): notice,
            (*BILLS, "until"): "2026-11-27T18:00",
        },
    )
    assert [line for line in changed_lines(DOCUMENT, after) if line.startswith("-")] == [
        "-     state: open                   # open | paused | closed"
    ]
    assert (
        '+     notice: {zh: 系统升级，周五恢复。, en: "Back on Friday: sorry."}'
        in changed_lines(DOCUMENT, after)
    )


def test_opening_removes_notice_and_date_only() -> None:
    """What is removed goes with its own line; the comment above the service stays."""
    after = edit(
        DOCUMENT, {(*TICKETS, "state"): "open"}, [(*TICKETS, "notice"), (*TICKETS, "until")]
    )
    assert changed_lines(DOCUMENT, after) == [
        "-     state: paused",
        "+     state: open",
        "-     notice: {zh: 系统升级。, en: Back on Friday.}",
        '-     until: "2026-11-27T18:00"     # optional',
    ]
    assert "# about tickets" in after


def test_a_flow_mapping_is_edited_inside_its_line() -> None:
    """``{…}`` grows and shrinks where it stands."""
    after = edit("branding: {color: red, logo: a/b.svg}\n", {("branding", "color"): "#0b6e4f"})
    assert after == 'branding: {color: "#0b6e4f", logo: a/b.svg}\n'
    assert edit(after, {}, [("branding", "color")]) == "branding: {logo: a/b.svg}\n"
    assert edit(after, {}, [("branding", "logo")]) == 'branding: {color: "#0b6e4f"}\n'
    assert edit("a: {}\n", {("a", "b"): 1}) == "a: {b: 1}\n"


def test_missing_parents_are_made_and_empty_ones_go() -> None:
    """A path is made down to its leaf; a mapping left empty is removed with it."""
    grown = edit("city: x\n", {("site", "hotline"): "12345"})
    assert grown == 'city: x\nsite: {hotline: "12345"}\n' or parse(grown, "").values == {
        "city": "x",
        "site": {"hotline": "12345"},
    }
    assert edit(grown, {}, [("site", "hotline")]) == "city: x\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_line_endings_stay_as_they_are(ending: str) -> None:
    """A file from Windows stays one, and a missing last newline does no harm."""
    text = "a: 1\r\nb: 2\r\n" if ending == "\r\n" else f"a: 1\nb: 2{ending}"
    after = edit(text, {("c",): 3})
    assert parse(after, "").values == {"a": 1, "b": 2, "c": 3}
    assert ("\r\n" in after) == (ending == "\r\n")
    assert after.startswith(text.rstrip("\r\n"))


KEYS = st.text(st.sampled_from("abcxyz_"), min_size=1, max_size=6)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-10_000, 10_000),
    st.text(st.characters(blacklist_categories=("Cs", "Cc", "Co", "Cn")), max_size=24).map(
        lambda text: unicodedata.normalize("NFC", text)  # as every document is read
    ),
    st.sampled_from(
        ["no", "010", "17:30", "a: b", "x #y", "- z", "#0b6e4f", "杭州，", "null", "~", ""]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(SCALARS, max_size=3), st.dictionaries(KEYS, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


@given(MAPPINGS)
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    """Any value that a document can hold survives being written."""
    assert parse(write(values), "").values == values


@given(MAPPINGS, MAPPINGS)
def test_an_edit_makes_exactly_the_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    """From any document, any leaves can be set, and nothing else changes."""
    text = "# first\n" + write(before) + "# last\n"
    sets = dict(leaves(after))
    result = edit(text, sets)
    for path, value in sets.items():
        found: Any = parse(result, "").values
        for step in path:
            found = found[step]
        assert found == value
    assert result.startswith("# first\n")
    assert "# last" in result


@pytest.mark.parametrize(
    "text", ["a: 1\r\nb: 2\nc: 3\rd: 4\r\n", "\r\na: 1\r\nb: 2\r\n", "\n\na: 1\n"]
)
def test_each_line_keeps_its_own_end(text: str) -> None:
    """Mixed ends, a leading blank line: only the line that changed is another."""
    after = edit(text, {("a",): 9})
    assert after == text.replace("a: 1", "a: 9")


LINES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "", "# c"]), st.sampled_from(["\n", "\r\n", "\r"])),
    max_size=8,
).map(lambda found: "".join(line + end for line, end in found))


@given(LINES)
def test_a_text_that_went_through_a_form_unchanged_is_unchanged(text: str) -> None:
    """A browser sends every end as CRLF (HTML); what was not typed in comes back as it was."""
    text = text.replace("\r\n\n", "\n")
    assert with_ends_of(text, unified(text).replace("\n", "\r\n")) == text


COMMENTED = """\
services:
  # about tickets
  traffic_tickets:
    state: paused   # since Monday
    notice:   # what they read
      # in Chinese
      zh: 系统升级。   # short
      en: "Back on #1 Friday."
    until: "2026-11-27T18:00"
hosts:
  # the first
  - a.example   # one
  - b.example
"""


def test_comments_stay_inside_what_a_form_replaces() -> None:
    """A notice, a list: the comments beside and between what changed are all there afterwards,
    and nothing that only looks like one is."""
    notice = {"zh": "下周恢复。", "en": "Next week."}
    after = edit(COMMENTED, {(*TICKETS, "notice"): notice})
    assert "zh: 下周恢复。   # short" in after
    for hosts in (
        ["c.example"],
        ["a.example", "b.example", "c.example"],
        ["x.example", "y.example"],
    ):
        after = edit(after, {("hosts",): hosts})
    found = [line[line.index("#") :] for line in after.splitlines() if "#" in line]
    assert sorted(found) == sorted(
        ["# about tickets", "# since Monday", "# what they read", "# in Chinese", "# short",
         "# the first", "# one"]
    )  # fmt: skip
    opened = edit(COMMENTED, {(*TICKETS, "state"): "open"}, [(*TICKETS, "notice")])
    assert "    # in Chinese\n" in opened
    assert "#1 Friday" not in opened
