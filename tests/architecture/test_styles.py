"""Stylesheets and classes: what is written is used, and what is used is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tinycss2

from smartcity_saas.web.static_files import STYLES, joined
from tests.support.paths import SOURCE

STATIC = SOURCE / "static"
SHEETS = sorted((STATIC / "styles").rglob("*.css"))
TEMPLATES = sorted(
    path
    for path in SOURCE.rglob("templates/**/*.html")
    if "sandboxes" not in path.parts  # pages of others, each with a style of its own
)
HOOKS = {
    "receipt": "walks in the browser look for it",
    "same": "a line of a comparison that is neither added nor cut",
}
"""Classes without a rule of their own, and what they are for."""

_PILLS = re.compile(r'<(nav|div)\b[^>]*class="pills\b[^>]*>(.*?)</\1>', re.S)
_BETWEEN = re.compile(r",(?![^(]*\))")
_CLASS = re.compile(r"\.(-?[a-z][\w-]*)", re.I)
_ATTRIBUTE = re.compile(r'\bclass="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"', re.S)
_CHOSEN = re.compile(r"""(==\s*|!=\s*|\bin\s+)?(["'])([^"']*)\2(\s*:)?""")


def test_each_stylesheet_is_joined_of_all_its_parts() -> None:
    """A file that nobody lists would dress nothing."""
    served = {
        path
        for parts in STYLES.values()
        for part in parts
        for path in (STATIC / "styles").glob(part)
    }
    assert {*served, STATIC / "styles/layers.css"} == set(SHEETS)


@pytest.mark.parametrize("name", STYLES)
def test_every_rule_stands_in_a_layer_that_is_declared(name: str) -> None:
    """Promise: Pico never wins over a rule of ours, whatever its selector."""
    sheet = tinycss2.parse_stylesheet(
        joined(STATIC, name), skip_comments=True, skip_whitespace=True
    )
    declared, *layers = sheet
    order = [one.strip() for one in tinycss2.serialize(declared.prelude).split(",")]
    assert all(rule.type == "at-rule" and rule.at_keyword == "layer" for rule in layers)
    assert {tinycss2.serialize(rule.prelude).strip() for rule in layers} <= set(order)


def test_a_component_is_dressed_by_one_file() -> None:
    """Promise: what a page looks like does not hang on another page's component of the same name. The
    console's files may dress one anew, which is what they are for."""
    found: dict[str, set[str]] = {}
    for path in SHEETS:
        if path.parent.name == "components":
            for selector in _selectors(path.read_text("utf-8")):
                found.setdefault(selector, set()).add(path.name)
    assert {one: names for one, names in found.items() if len(names) > 1} == {}


def _selectors(text: str) -> set[str]:
    """Each selector of a file that is dressed at every width."""
    found = set()
    for layer in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
        for rule in tinycss2.parse_blocks_contents(
            layer.content, skip_comments=True, skip_whitespace=True
        ):
            if rule.type == "qualified-rule":
                prelude = tinycss2.serialize(rule.prelude)
                found |= {" ".join(one.split()) for one in _BETWEEN.split(prelude)}
    return found


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_colours_stand_among_the_tokens(path: Path) -> None:
    """Promise: a colour is changed in one place."""
    text = path.read_text("utf-8")
    if path.name != "tokens.css":
        assert re.findall(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl)a?\(", text, re.I) == []
    assert "!important" not in text, "a later layer wins without it"


def test_tokens_exist_and_are_used() -> None:
    """A misspelled variable is no error for a browser; an unused one misleads."""
    text = "".join(path.read_text("utf-8") for path in SHEETS)
    made = set(re.findall(r"^\s*(--(?!pico-)[\w-]+):", text, re.M))
    used = set(re.findall(r"var\((--(?!pico-)[\w-]+)", text))
    assert used - made == set()
    assert made - used - {"--deep"} == set(), "unused"  # a city's motif is drawn in it


def styled() -> set[str]:
    """Every class that a rule names."""
    found: set[str] = set()
    for path in SHEETS:
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
        for selector in re.findall(r"([^{}]+)\{", text):
            found |= set(_CLASS.findall(selector))
    return found


def classes(text: str) -> set[str]:
    """What may stand in the attributes ``class`` of a template."""
    found: set[str] = set()
    for attribute in _ATTRIBUTE.findall(text):
        fixed = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", attribute, flags=re.S)
        computed = re.findall(r"\{\{.*?\}\}", attribute, re.S)
        found |= set(fixed.split())
        for part in computed:
            for compared, _quote, words, key in _CHOSEN.findall(part):
                found |= set() if compared or key else set(words.split())
    return found


def test_every_class_of_a_template_is_styled() -> None:
    """A misspelled class looks like nothing at all."""
    known = styled() | set(HOOKS)
    missing = {
        f"{path.name}: {name}"
        for path in TEMPLATES
        for name in classes(path.read_text("utf-8")) - known
    }
    assert missing == set()


def quoted() -> set[str]:
    """Every word of a text in quotes, in templates, code and scripts."""
    found: set[str] = set()
    for path in (*TEMPLATES, *SOURCE.rglob("*.py"), *STATIC.glob("*.js")):
        for _quote, words in re.findall(r"""(["'])([^"'\n]*)\1""", path.read_text("utf-8")):
            found |= set(re.findall(r"[\w-]+", words))
    return found


def test_every_styled_class_is_used() -> None:
    """Rules that dress nothing are taken out."""
    used = quoted() | {name for path in TEMPLATES for name in classes(path.read_text("utf-8"))}
    assert styled() - used == set()


def test_no_line_of_a_template_is_too_long() -> None:
    """Promise: a change of a page is read line by line, without scrolling."""
    assert [
        f"{path.name}:{number}"
        for path in SOURCE.rglob("templates/**/*.html")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > 120
    ] == []


def test_a_form_has_no_role_but_its_own() -> None:
    """Promise: assistive technology finds forms. ARIA in HTML allows ``search`` beside ``form``; axe
    looks at the pages of walks alone, some of which depend on the hour."""
    roles = {
        (path.name, role)
        for path in TEMPLATES
        for role in re.findall(r'<form\b[^>]*?\brole="(\w+)"', path.read_text("utf-8"))
    }
    assert {found for found in roles if found[1] != "search"} == set()


def test_links_in_a_row_of_pills_are_pills() -> None:
    """Promise: what leads to another view of the same thing looks like it; a link without the class is a
    bare one between them."""
    bare = [
        (path.name, link)
        for path in TEMPLATES
        for _tag, inside in _PILLS.findall(path.read_text("utf-8"))
        for link in re.findall(r"<a\b[^>]*>", inside)
        if not re.search(r'class="(pill|button)\b', link)
    ]
    assert bare == []
