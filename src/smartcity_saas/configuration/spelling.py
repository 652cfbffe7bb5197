"""How a text may be typed when it is searched for: as written, in pinyin, by initials."""

from __future__ import annotations

from functools import cache


@cache
def spellings(text: str) -> tuple[str, ...]:
    """A text folded, in whole pinyin and as pinyin's initials; empty ones left out."""
    # Its dictionary of phrases takes a second and forty megabytes, so whoever never searches
    # never loads it.
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(text, errors="ignore")
    initials = lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore")
    return tuple(filter(None, (folded(text), "".join(syllables), "".join(initials))))


def folded(text: str) -> str:
    """A text without case and blanks, at most sixty characters of it."""
    return "".join(text.lower().split())[:60]
