"""A letter or certificate as PDF, both languages on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from smartcity_saas.web.qr_codes import qr_code

TEMPLATE = Path(__file__).with_name("paper.typ")


@dataclass(frozen=True)
class Side:
    """What stands on a paper in one language (``zh`` or ``en``)."""

    language: str
    city: str
    title: str
    paragraphs: Sequence[str]
    facts: Sequence[tuple[str, str]]
    foot: str


@dataclass(frozen=True)
class Paper:
    """A letter or certificate.

    Attributes:
        color: The city's colour, ``#rrggbb``.
        number: It stands on every page.
        address: Where whoever has the paper sees whether it is valid, in words and as QR code.
        sample: The mark of sample data, empty outside the demo.
        sides: The languages, the first above the others.
    """

    color: str
    number: str
    address: str
    sample: str
    sides: Sequence[Side]

    def pdf(self) -> bytes:
        """A4 pages: the city, what is certified in each language, and how it is verified."""
        # Imported where a paper is drawn: a typesetter that most processes never need.
        from smartcity_saas.web.pdf import typeset

        side, path = qr_code(self.address)
        picture = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" '
            f'shape-rendering="crispEdges"><path d="{path}"/></svg>'
        )
        return typeset(TEMPLATE, asdict(self), exact={"code": picture, "address": self.address})
