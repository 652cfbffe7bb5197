"""The service that the cities of packs define."""

from __future__ import annotations

from tests.support.applications import PERMIT

FORM = "services:\n" + PERMIT.replace("FEE", "20.00")
