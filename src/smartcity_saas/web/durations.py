"""Lengths of time and shares, as people read them."""

from __future__ import annotations

from flask_babel import gettext, ngettext

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """A length of time in the unit that people would use: ``4 s``, ``12 min``, ``36 hours``, ``3 days``."""
    if seconds < 1.5 * MINUTE:
        return str(gettext("%(number)s s", number=max(1, round(seconds))))
    if seconds < 1.5 * HOUR:
        return str(gettext("%(number)s min", number=round(seconds / MINUTE)))
    if seconds < 2 * DAY:
        return str(ngettext("%(num)s hour", "%(num)s hours", round(seconds / HOUR)))
    return str(ngettext("%(num)s day", "%(num)s days", round(seconds / DAY)))


def percent(share: float) -> str:
    """A share as a percentage. What is nearly nothing or nearly all has a decimal, and is never told
    as nothing or all."""
    if share in (0, 1):
        return f"{share * 100:.0f}%"
    if 0.01 <= share <= 0.99:
        return f"{share * 100:.0f}%"
    if share < 0.0005:
        return "<0.1%"
    return ">99.9%" if share >= 0.9995 else f"{share * 100:.1f}%"
