"""The licences under which a city can open its data, by their identifiers of the SPDX License List.

``licences.csv`` has those for data and texts: each with its name, and the address of its own page.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

DEFAULT_LICENCE = "CC-BY-4.0"
"""Of a city that names none: whoever uses the data names the city."""


@dataclass(frozen=True)
class Licence:
    """A licence: ``id`` is its SPDX identifier, ``url`` its own page."""

    id: str
    name: str
    url: str


@cache
def licences() -> Mapping[str, Licence]:
    """Every licence by its identifier."""
    text = (Path(__file__).parent / "licences.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["id"]: Licence(**row) for row in rows})
