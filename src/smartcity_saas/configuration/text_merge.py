"""Merging two changes of one text line by line, as ``diff3 -m`` does."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

Edit = tuple[int, int, tuple[str, ...]]
"""Lines ``[start:end]`` of the ancestor, and what stands in their place."""


def merged(base: str, ours: str, theirs: str) -> str | None:
    """Both changes of a common ancestor; None where they touch the same lines."""
    ancestor = base.splitlines(keepends=True)
    edits = sorted({*_edits(ancestor, ours), *_edits(ancestor, theirs)})
    if any(_clash(one, other) for one, other in itertools.pairwise(edits)):
        return None
    lines: list[str] = []
    place = 0
    for start, end, instead in edits:
        lines += [*ancestor[place:start], *instead]
        place = end
    return "".join([*lines, *ancestor[place:]])


def _edits(ancestor: Sequence[str], text: str) -> list[Edit]:
    lines = text.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, ancestor, lines, autojunk=False)
    return [
        (start, end, tuple(lines[first:last]))
        for what, start, end, first, last in matcher.get_opcodes()
        if what != "equal"
    ]


def _clash(one: Edit, other: Edit) -> bool:
    """Of two neighbours, in order: whether the second begins within or at the first."""
    return other[0] < one[1] or other[0] == one[0]
