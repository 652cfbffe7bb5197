"""CSV for people and their spreadsheets: UTF-8 with a mark, and no cell that is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from smartcity_saas.configuration.csv_input import FORMULA

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def escaped(value: Any) -> str:
    """A cell that no spreadsheet runs: what would start a formula gets an apostrophe (OWASP)."""
    text = "" if value is None else str(value)
    if text.startswith(FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV as text (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return out.getvalue()


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A CSV to download."""
    return Response(
        "\ufeff" + csv_text(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
