"""What this platform does not do, and who does: the common matters that people look for."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from smartcity_saas.configuration.city import Localized
from smartcity_saas.configuration.search_terms import Query

MOST_SHOWN = 2


@dataclass(frozen=True)
class Elsewhere:
    """Who does something: in words, and by which number; empty where there is no common one."""

    keywords: tuple[str, ...]
    who: Localized
    phone: str


def find_elsewhere(query: Query) -> list[Elsewhere]:
    """Who does what a query asks for."""
    return query.best(_matters(), lambda one: one.keywords)[:MOST_SHOWN]


@cache
def _matters() -> tuple[Elsewhere, ...]:
    text = resources.files(__package__).joinpath("elsewhere.csv").read_text("utf-8")
    return tuple(
        Elsewhere(tuple(row["keywords"].split()), {"zh": row["zh"], "en": row["en"]}, row["phone"])
        for row in csv.DictReader(text.splitlines())
    )
