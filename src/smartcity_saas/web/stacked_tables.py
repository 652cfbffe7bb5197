"""Tables that are stacked on phones: each value takes the heading of its column along."""

from __future__ import annotations

import re

from markupsafe import Markup

_TABLE = re.compile(r'<table class="stacked\b.*?</table>', re.DOTALL)
_HEADING = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
_CELL = re.compile(r"<(td|th)\b([^>]*)>")
_SPAN = re.compile(r'\bcolspan="(\d+)"')
_TAG = re.compile(r"<[^>]*>")


def labelled(page: str) -> Markup:
    """A page of ours with a ``data-label`` at every cell of its stacked tables.

    The head of such a table is hidden where it is stacked (console.css), and the label shown instead.
    """
    return Markup(_TABLE.sub(_with_labels, page))  # noqa: S704 -- a page that is made already


def _with_labels(table: re.Match[str]) -> str:
    head, end, body = table[0].partition("</thead>")
    headings: list[str] = []
    for attributes, text in _HEADING.findall(head):
        said = " ".join(_TAG.sub(" ", text).split())
        headings += [said] * _columns(attributes)
    rows = body.split("<tr")
    return head + end + "<tr".join([rows[0], *(_row(row, headings) for row in rows[1:])])


def _row(row: str, headings: list[str]) -> str:
    place = 0

    def cell(found: re.Match[str]) -> str:
        nonlocal place
        label = headings[place] if place < len(headings) else ""
        place += _columns(found[2])
        if not label or "data-label" in found[2]:
            return found[0]
        quoted = label.replace('"', "&#34;")
        return f'<{found[1]}{found[2]} data-label="{quoted}">'

    return _CELL.sub(cell, row)


def _columns(attributes: str) -> int:
    found = _SPAN.search(attributes)
    return int(found[1]) if found else 1
