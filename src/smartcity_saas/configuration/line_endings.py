"""Line ends of a text that went through a form or an edit: each line keeps its own."""

from __future__ import annotations

import difflib
import re
from collections import Counter

_END = re.compile(r"(\r\n|\n|\r)")


def unified(text: str) -> str:
    """With a line feed at the end of every line, whatever it was."""
    return _END.sub("\n", text)


def with_ends_of(old: str, new: str) -> str:
    """A text with the line ends of the one that it was made from: lines that stayed end as they
    did, new ones as most do. Browsers send CRLF for every end (HTML, form submission)."""
    before, after = _lines(old), _lines(new)
    usual = Counter(end for _content, end in before if end).most_common(1)
    default = usual[0][0] if usual else "\n"
    kept = _kept(before, after)
    return "".join(
        content + ((kept.get(place) or default) if end else "")
        for place, (content, end) in enumerate(after)
    )


def _lines(text: str) -> list[tuple[str, str]]:
    parts = [*_END.split(text), ""]
    return list(zip(parts[::2], parts[1::2], strict=True))


def _kept(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> dict[int, str]:
    """The end of each new line that stood in the old text, or stands in the place of one."""
    contents = [line for line, _end in before], [line for line, _end in after]
    matcher = difflib.SequenceMatcher(None, *contents, autojunk=False)
    return {
        first + place: before[start + place][1]
        for what, start, end, first, last in matcher.get_opcodes()
        if what == "equal" or (what == "replace" and end - start == last - first)
        for place in range(last - first)
    }
