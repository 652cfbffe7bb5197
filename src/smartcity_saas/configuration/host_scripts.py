"""Hosts that could be read as another: mixed scripts, broken Punycode.

UTS #39 (Unicode Security Mechanisms), section 5.2, “highly restrictive”: the letters of a label are
of one script, or Latin beside those of Chinese, Japanese or Korean.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import idna

if TYPE_CHECKING:
    import regex

_SCRIPTS = (
    *("Latin", "Arabic", "Armenian", "Bengali", "Bopomofo", "Cyrillic", "Devanagari", "Ethiopic"),
    *("Georgian", "Greek", "Gujarati", "Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao"),
    *("Malayalam", "Mongolian", "Myanmar", "Oriya", "Sinhala", "Tai_Le", "Tamil", "Telugu"),
    *("Thaana", "Thai", "Tibetan", "Yi"),
)
_ANYWHERE = ("Common", "Inherited")
_TOGETHER = (
    ("Latin", "Han", "Bopomofo"),
    ("Latin", "Han", "Hiragana", "Katakana"),
    ("Latin", "Han", "Hangul"),
)


def is_well_encoded(host: str) -> bool:
    """Whether every label is what IDNA makes of the name that it shows (RFC 5891, section 5.4)."""
    try:
        return all(idna.alabel(label).decode("ascii") == label for label in host.split("."))
    except UnicodeError:
        return False


def mixed_label(host: str) -> str:
    """The first label of a well encoded host whose letters are of several scripts, as people
    read it; empty if there is none."""
    for label in host.split("."):
        shown = idna.ulabel(label)
        if not any(found.fullmatch(shown) for found in _patterns()):
            return shown
    return ""


@cache
def _patterns() -> tuple[regex.Pattern[str], ...]:
    import regex  # knows scripts, unlike re; 2 MB, for whoever names a host

    sets = [*((script,) for script in _SCRIPTS), *_TOGETHER]
    return tuple(
        regex.compile("[" + "".join(rf"\p{{scx={name}}}" for name in (*found, *_ANYWHERE)) + "]+")
        for found in sets
    )
