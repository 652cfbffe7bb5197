"""The style sheets of an SVG, carried into presentation attributes.

A logo is served where no style is allowed, so what its styles say must stand in attributes. The
selectors are those that drawing programs write: names, classes and ids, and at most one step
between two of them, so that matching takes a bounded time and needs no compiled code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import tinycss2
from tinycss2.ast import AtRule, Declaration, QualifiedRule

SVG = "{http://www.w3.org/2000/svg}"
MOST_SELECTORS = 600
LARGEST_SHEET = 128 * 1024

_COMPOUND = r"(?:\*|[\w-]+)?(?:[.#][\w-]+)*"
_SELECTOR = re.compile(rf"(?:({_COMPOUND})(\s+|\s*>\s*))?({_COMPOUND})")
_NOT_DRAWN = frozenset({"@charset", "@font-face", "@import", "@namespace"})


@dataclass(frozen=True)
class _Compound:
    """What is asked of one element."""

    name: str
    ids: frozenset[str]
    classes: frozenset[str]

    def fits(self, element: Element) -> bool:
        """Whether an element is meant."""
        return (
            self.name in ("", "*", element.tag.removeprefix(SVG))
            and self.ids <= {element.get("id", "")}
            and self.classes <= set(element.get("class", "").split())
        )


@dataclass(frozen=True)
class _Rule:
    """One selector and what it declares; ``above`` is asked of the parent or an ancestor."""

    above: _Compound | None
    parent_only: bool
    own: _Compound
    declarations: list[Declaration]

    @property
    def specificity(self) -> tuple[int, int, int]:
        """Ids, classes and names (Selectors, calculating specificity)."""
        asked = [self.own, *([self.above] if self.above else [])]
        return (
            sum(len(one.ids) for one in asked),
            sum(len(one.classes) for one in asked),
            sum(one.name not in ("", "*") for one in asked),
        )

    def fits(self, element: Element, ancestors: list[Element]) -> bool:
        """Whether an element is meant where it stands; ``ancestors`` end with its parent."""
        if not self.own.fits(element):
            return False
        tried = ancestors[-1:] if self.parent_only else ancestors
        return self.above is None or any(map(self.above.fits, tried))


def carry_styles(root: Element, properties: frozenset[str]) -> set[str]:
    """Write the properties that style sheets and ``style`` attributes declare into attributes,
    the strongest last: importance, then specificity, then order; a ``style`` attribute before
    any sheet.

    Returns:
        What was not carried: at-rules by name, ``style`` for a selector or a sheet.
    """
    rules, lost = _read_sheets(root)
    _carry(root, [], rules, properties)
    return lost


def _carry(
    element: Element, ancestors: list[Element], rules: list[_Rule], properties: frozenset[str]
) -> None:
    found = [
        ((one.important, 0, *rule.specificity, order), one)
        for order, rule in enumerate(rules)
        if rule.fits(element, ancestors)
        for one in rule.declarations
    ]
    own = _declarations(element.attrib.pop("style", ""))
    found += [((one.important, 1, 0, 0, 0, 0), one) for one in own]
    for _rank, one in sorted(found, key=lambda pair: pair[0]):
        if one.lower_name in properties:
            element.set(one.lower_name, tinycss2.serialize(one.value).strip())
    for child in element:
        if isinstance(child.tag, str):
            _carry(child, [*ancestors, element], rules, properties)


def _read_sheets(root: Element) -> tuple[list[_Rule], set[str]]:
    rules: list[_Rule] = []
    lost: set[str] = set()
    for sheet in root.iter(f"{SVG}style"):
        if sheet.get("type", "text/css").strip().lower() not in ("", "text/css"):
            continue
        text = "".join(sheet.itertext())
        if len(text) > LARGEST_SHEET:
            lost.add("style")
            continue
        for found in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
            if isinstance(found, AtRule):
                lost |= {f"@{found.lower_at_keyword}"} - _NOT_DRAWN
            elif isinstance(found, QualifiedRule):
                made = _rules(found)
                rules += [one for one in made if one is not None]
                lost |= {"style"} if None in made else set()
    return rules[:MOST_SELECTORS], lost | ({"style"} if len(rules) > MOST_SELECTORS else set())


def _rules(rule: QualifiedRule) -> list[_Rule | None]:
    """A rule for each of its selectors; None for one that is not carried."""
    declarations = list(_declarations(rule.content))
    made: list[_Rule | None] = []
    for selector in tinycss2.serialize(rule.prelude).split(","):
        found = _SELECTOR.fullmatch(selector.strip())
        if found is None or not found[3]:
            made.append(None)
            continue
        above = _compound(found[1]) if found[1] else None
        step = found[2] or ""
        made.append(_Rule(above, ">" in step, _compound(found[3]), declarations))
    return made


def _compound(text: str) -> _Compound:
    name, *marks = re.split(r"(?=[.#])", text)
    return _Compound(
        name,
        frozenset(mark[1:] for mark in marks if mark[0] == "#"),
        frozenset(mark[1:] for mark in marks if mark[0] == "."),
    )


def _declarations(content: object) -> Iterator[Declaration]:
    for found in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if isinstance(found, Declaration):
            yield found
