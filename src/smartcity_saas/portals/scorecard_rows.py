"""What the pages of the scorecard share: the edition of an address, the card as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request

from smartcity_saas.product import product
from smartcity_saas.scorecard.card import Card, ItemLine
from smartcity_saas.scorecard.standard import Edition
from smartcity_saas.web.numbers import plain_decimal

CARD_COLUMNS = (
    "item",
    "name_zh",
    "name_en",
    "percent",
    "origin",
    "part",
    "whole",
    "source",
    "as_of",
    "points",
    "score",
    "missing",
)


def edition_wanted() -> Edition | None:
    """The edition that the address names by its year (``edition=2016``), else the first of which an
    item was read; None for one that there is not."""
    editions = product().editions
    year = request.args.get("edition")
    if year is not None:
        return next((one for one in editions.values() if one.year == year), None)
    return next((one for one in editions.values() if one.indicators), None) or next(
        iter(editions.values())
    )


def card_rows(card: Card) -> Iterator[list[Any]]:
    """A row for each item that was read, and a last one for all that were not."""
    for line in card.lines.values():
        yield _row(line)
    unread = card.edition.unread.items
    if unread:
        yield [
            "",
            f"没读到原文的 {unread} 个分项",
            f"{unread} items not read",
            *[""] * 8,
            "not_read",
        ]


def _row(line: ItemLine) -> list[Any]:
    figure, value, item = line.figure, line.value, line.item
    share = line.share
    return [
        item.number,
        item.name["zh"],
        item.name["en"],
        "" if share is None else f"{share * 100:.2f}",
        line.origin or "",
        figure.part if figure else "",
        figure.whole if figure and figure.whole is not None else "",
        value.source if value else "",
        value.as_of.isoformat() if value else _last(figure),
        "" if item.points is None else plain_decimal(int(item.points * 10_000), 4),
        "" if line.score is None else f"{line.score:.2f}",
        line.missing or "",
    ]


def _last(figure: Any) -> str:
    return figure.window.last.isoformat() if figure and figure.window else ""
