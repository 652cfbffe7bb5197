"""Patterns of definitions: regular expressions in the syntax of RE2, which takes time in proportion to
the text and a bounded memory whatever the pattern is."""

from __future__ import annotations

from typing import Any

MOST_MEMORY = 512 * 1024
"""Bytes of one compiled pattern with what it remembers while it looks; RE2 repeats nothing more than
1,000 times, the repeats inside counted in. The library keeps 128 patterns compiled."""


def fits_pattern(pattern: str, text: str) -> bool:
    """Whether the whole of a text matches a pattern of a definition without faults."""
    return _compiled(pattern).fullmatch(text) is not None


def pattern_fault(pattern: str) -> str:
    """What RE2 says is wrong with a pattern; empty where it can be used."""
    import re2

    try:
        _compiled(pattern)
    except re2.error as error:
        (said,) = error.args
        return str(said, "utf-8", "replace")
    return ""


def _compiled(pattern: str) -> Any:
    import re2  # where a form has a pattern, and not in every worker

    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)
