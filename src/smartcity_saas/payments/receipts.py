"""A receipt as PDF. The Chinese face is the PDF standard's own (Adobe-GB1): nothing is fetched."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FACE = "STSong-Light"
EDGE = 40
LINE = 20


def receipt_pdf(
    *,
    city: str,
    title: str,
    color: str,
    facts: Sequence[tuple[str, str]],
    items: Sequence[tuple[str, str]],
    total: tuple[str, str],
    foot: Sequence[str],
    sample: str | None,
) -> bytes:
    """One A5 page: the city, what was paid, how much, and where to ask.

    Args:
        city: Whose receipt it is.
        title: What it is called.
        color: The city's colour, ``#rrggbb``.
        facts: Label and value, such as the number and the day.
        items: What was paid and how much each.
        total: Its label and amount.
        foot: Lines at the end.
        sample: The mark of sample data, None outside the demo.
    """
    # Imported where a receipt is drawn: 14 MB that most processes never need.
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(FACE))
    out = io.BytesIO()
    width, height = A5
    canvas = Canvas(out, pagesize=A5)
    canvas.setTitle(f"{title} · {city}")
    canvas.setAuthor(city)
    canvas.setFillColor(HexColor(color))
    canvas.rect(0, height - 8, width, 8, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#15191d"))
    y = height - 48
    canvas.setFont(FACE, 12)
    canvas.drawString(EDGE, y, city)
    if sample:
        canvas.drawRightString(width - EDGE, y, sample)
    y -= 30
    canvas.setFont(FACE, 20)
    canvas.drawString(EDGE, y, title)
    y -= 34
    canvas.setFont(FACE, 10)
    for label, value in facts:
        y = _row(canvas, y, label, value, width)
    y -= 6
    canvas.line(EDGE, y + 12, width - EDGE, y + 12)
    for label, value in items:
        y = _row(canvas, y - 2, label, value, width)
    canvas.line(EDGE, y + 12, width - EDGE, y + 12)
    canvas.setFont(FACE, 14)
    y = _row(canvas, y - 8, *total, width)
    canvas.setFont(FACE, 9)
    y -= 10
    for line in foot:
        canvas.drawString(EDGE, y, line)
        y -= 14
    canvas.save()
    return out.getvalue()


def _row(canvas: Canvas, y: float, label: str, value: str, width: float) -> float:
    """A label and its value, the label shortened where both do not fit. Returns the next line."""
    from reportlab.pdfbase import pdfmetrics

    size = canvas._fontsize
    room = width - 2 * EDGE - pdfmetrics.stringWidth(value, FACE, size) - 12
    while label and pdfmetrics.stringWidth(label, FACE, size) > room:
        label = label[:-2] + "…"
    canvas.drawString(EDGE, y, label)
    canvas.drawRightString(width - EDGE, y, value)
    return y - LINE
