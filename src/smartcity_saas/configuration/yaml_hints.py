"""What somebody meant where YAML reads something else: a text without its quotes, full-width punctuation.

YAML reads commas, colons, braces and “#” of an unquoted text as its own, and full-width punctuation as text.
Each hint names the slip and what to write; none quotes more of a document than its keys.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.error import MarkedYAMLError

from smartcity_saas.texts import lazy_gettext as _

_KEY = r"[A-Za-z_][A-Za-z0-9_]*"
_FULL_WIDTH = re.compile(
    rf"(?:^\s*(?:-\s+)?|[{{,，｛]\s*){_KEY}\s*：|，\s*{_KEY}\s*[:：]|｛\s*{_KEY}\s*[:：]|：\s*\{{",
    re.MULTILINE,
)
"""Full-width punctuation where a key would end or begin."""
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_NO_SPACE = re.compile(rf"(?:^\s*(?:-\s+)?|[{{,]\s*){_KEY}(:)[{{\[\"']")
_BRACE_FIRST = re.compile(r"(?<=[:,{\[-])\s*([{\[])[^{}\[\]:]*[}\]](?=\s*[^\s,}\]#])")
_MARK_FIRST = re.compile(r"(?<=[:,{\[-])\s*([@`%])")
_TAB = re.compile(r"^ *\t")
_COMMENT = re.compile(r"\s(#)")

_WORDS = re.compile(r"[^A-Za-z0-9_-]")
LONGEST_KEY = 60
"""Characters of a key that a hint repeats."""


def full_width_hint(text: str) -> Any:
    """What to do about full-width punctuation that was meant as YAML's own; empty where there is none."""
    return _half_width() if _FULL_WIDTH.search(_QUOTED.sub('""', text)) else ""


def no_value_hint(
    key: str,
    bare: bool,
    before: tuple[str, bool] | None,
    after: tuple[str, int] | None,
) -> Any:
    """What to do about a key that has no value.

    Args:
        key: The key.
        bare: Whether it stands in braces without a colon behind it.
        before: The key before it, and whether the value of that is an unquoted text.
        after: The key after it and its line, where the value of that is a mapping or a sequence.
    """
    shown = key[:LONGEST_KEY]
    if bare and _FULL_WIDTH.search(f"{{{key}"):
        return _half_width()
    if bare and before is None:
        return _(
            'Enter a value. If this is a text, put it in quotes with its braces: "{%(key)s}".',
            key=shown,
        )
    if bare and before is not None and before[1]:
        quoted = f'{before[0][:LONGEST_KEY]}: "…, {shown}"'
        if _WORDS.search(key):
            return _(
                "A comma ends a text without quotes. Put the whole text in quotes: %(quoted)s.",
                quoted=quoted,
            )
        return _(
            "Enter a value. If it belongs to the text before the comma, put that in quotes: %(quoted)s.",
            quoted=quoted,
        )
    if after is not None:
        return _(
            "Enter a value. If “%(next)s” on line %(line)s belongs below it, indent that by two spaces, with all that is below it.",
            next=after[0][:LONGEST_KEY],
            line=after[1],
        )
    return _("Enter a value, or remove the key to use the value from the baseline.")


def syntax_fault(text: str, error: MarkedYAMLError) -> tuple[int, int, Any]:
    """The line and column, from 1, of what broke the syntax, and what to do."""
    mark = error.problem_mark or error.context_mark
    otherwise = _("Check the indentation, quotes and colons on this line and the one above.")
    if mark is None:
        return 1, 1, otherwise
    lines = [_QUOTED.sub(lambda found: '"' * len(found[0]), one) for one in text.split("\n")]
    opened = error.context_mark or mark
    for number in dict.fromkeys((mark.line, opened.line, mark.line - 1)):
        if 0 <= number < len(lines) and (found := _FULL_WIDTH.search(lines[number])):
            return number + 1, found.start() + 1, _half_width()
    in_flow, in_quotes = "flow" in str(error.context), "quoted" in str(error.context)
    for number in dict.fromkeys((mark.line, opened.line)):
        if number < len(lines) and (slip := _slip(lines[number], in_flow)):
            return number + 1, *slip
    line = lines[mark.line] if mark.line < len(lines) else ""
    inside = r":\s[^,{}]*$" if in_flow else r":\s.*$"
    if line[mark.column : mark.column + 1] == ":" and re.search(inside, line[: mark.column]):
        return mark.line + 1, mark.column + 1, _('A text with a colon needs quotes: "…: …".')
    if in_quotes or (in_flow and mark.line > opened.line):
        hint = _("What begins here is not closed, or a comma is missing in it.")
        return opened.line + 1, opened.column + 1, hint
    if not text[mark.index :].strip():
        mark = opened  # nothing stands at the very end
    return mark.line + 1, mark.column + 1, otherwise


def _slip(line: str, in_flow: bool) -> tuple[int, Any] | None:
    """The column of what broke the syntax of a line, and what to do."""
    if _TAB.search(line):
        return 1, _("Indent with spaces, not with tabs.")
    if found := _NO_SPACE.search(line):
        return found.start(1) + 1, _("Write a space after the colon.")
    if found := _BRACE_FIRST.search(line):
        return found.start(1) + 1, _(
            'A text that begins with %(mark)s needs quotes: "%(mark)s…".', mark=found[1]
        )
    if found := _MARK_FIRST.search(line):
        return found.start(1) + 1, _(
            'A text that begins with %(mark)s needs quotes: "%(mark)s…".', mark=found[1]
        )
    if in_flow and (found := _COMMENT.search(line)):
        return found.start(1) + 1, _(
            '“#” after a space begins a comment. Put the text in quotes: "… #…".'
        )
    return None


def _half_width() -> Any:
    return _(
        "Write half-width “:”, “,”, “{” and “}” for what is not text, with a space after “:” and “,”."
    )
