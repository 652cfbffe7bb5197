"""ISO 4217: which codes are currencies that people pay in, and the decimals of their minor units.

``currencies.csv`` is list one of the maintenance agency (SIX), published 2026-01-01, as the package
``iso4217`` 1.16.20260101 carries it; funds, metals, units of account and codes without a minor unit are left out. A
test compares the two, so a newer list is taken by raising that package's version.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

USUAL_DECIMALS = 2


@cache
def currency_decimals() -> Mapping[str, int]:
    """Currency code → how many decimals its minor unit has: 2 for CNY and HUF, 0 for JPY, 3 for
    KWD. These are ISO 4217's own; Unicode's CLDR gives those that people usually write."""
    text = (Path(__file__).parent / "currencies.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["code"]: int(row["decimals"]) for row in rows})
