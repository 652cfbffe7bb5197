"""A receipt as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TEMPLATE = Path(__file__).with_name("receipt.typ")


@dataclass(frozen=True)
class Receipt:
    """What stands on a receipt, in the language of whoever reads it.

    Attributes:
        city: Whose receipt it is.
        title: What it is called.
        number: The payment's; it stands on every page.
        language: ``zh`` or ``en``; lines break by its rules.
        color: The city's colour, ``#rrggbb``.
        facts: Label and value, such as the number and the day.
        items: What was paid and how much each, at least one.
        total: Its label and amount.
        foot: Lines at the end; an empty one is left out.
        sample: The mark of sample data, None outside the demo.
    """

    city: str
    title: str
    number: str
    language: str
    color: str
    facts: Sequence[tuple[str, str]]
    items: Sequence[tuple[str, str]]
    total: tuple[str, str]
    foot: Sequence[str]
    sample: str | None

    def pdf(self) -> bytes:
        """A5 pages: the city, what was paid, how much, and where to ask; the total on the last."""
        # Imported where a receipt is drawn: a typesetter that most processes never need.
        from smartcity_saas.web.pdf import typeset

        return typeset(
            TEMPLATE,
            {
                **vars(self),
                "foot": [line for line in self.foot if line],
                "sample": self.sample or "",
            },
        )
