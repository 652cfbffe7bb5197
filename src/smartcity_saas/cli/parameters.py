"""Types of what is typed after a command."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from smartcity_saas.clock import read_day


class Day(click.ParamType[date]):
    """A day (ISO 8601), without a time or a zone."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        """The day that was written; a fault of the option's for anything else."""
        found = value if isinstance(value, date) else read_day(value)
        return found or self.fail(f"{value!r} is no date such as 2026-11-30.", param, ctx)
