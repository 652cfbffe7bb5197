"""Days, and periods from one day to another."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from smartcity_saas.clock import read_day
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import (
    Context,
    Kind,
    Unfit,
    gather_parts,
    quoted,
    read_parts,
    read_text,
)
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.formats import full_day_in

FIRST_YEAR = 1900
"""Nobody who is alive was born before it."""
_MISSING = _("Enter a day, such as 2026-03-01.")
_TODAY = "today"


def _read_date(field: Field, given: Any, context: Context) -> str | None:
    text = read_text(given)
    return _day(field, text, context).isoformat() if text else None


def _read_range(field: Field, given: Any, context: Context) -> dict[str, str] | None:
    parts = read_parts(given, "from", "to")
    days: dict[str, date] = {}
    faults: dict[str, Text] = {}
    for part in ("from", "to"):
        try:
            if text := read_text(parts.get(part)):
                days[part] = _day(field, text, context)
            else:
                faults[part] = _MISSING
        except Unfit as unfit:
            faults[part] = unfit.faults[""]
    if not days and set(faults.values()) <= {_MISSING}:
        return None
    if not faults and days["to"] < days["from"]:
        faults["to"] = _(
            "%(last)s is before %(first)s. Give a last day that is not before the first one.",
            last=days["to"].isoformat(),
            first=days["from"].isoformat(),
        )
    if faults:
        raise Unfit(faults=faults)
    return {part: day.isoformat() for part, day in days.items()}


def _day(field: Field, text: str, context: Context) -> date:
    day = read_day(text, first_year=FIRST_YEAR)
    if day is None:
        raise Unfit(
            _("“%(value)s” is no day of the calendar. Write it as 2026-03-01.", value=quoted(text))
        )
    today = context.today
    if field.earliest is not None and day < (first := limit_day(field.earliest, today)):
        raise Unfit(_too_early(day, first, field.earliest))
    if field.latest is not None and day > (last := limit_day(field.latest, today)):
        raise Unfit(_too_late(day, last, field.latest))
    return day


def limit_day(written: str, today: date) -> date:
    """The day of a definition's limit: ``2026-01-31``, ``today``, ``today-30d``."""
    if not written.startswith(_TODAY):
        return date.fromisoformat(written)
    days = written.removeprefix(_TODAY).removesuffix("d")
    return today + timedelta(days=int(days or "0"))


def _too_early(day: date, first: date, limit: str) -> Text:
    if limit == _TODAY:
        text: Text = _(
            "%(day)s is over. Give today, %(first)s, or a later day.", day=day, first=first
        )
    else:
        text = _("%(day)s is too early. The first possible day is %(first)s.", day=day, first=first)
    return text


def _too_late(day: date, last: date, limit: str) -> Text:
    if limit == _TODAY:
        text: Text = _(
            "%(day)s has not come yet. Give today, %(last)s, or an earlier day.", day=day, last=last
        )
    else:
        text = _("%(day)s is too late. The last possible day is %(last)s.", day=day, last=last)
    return text


def _words(field: Field, value: Any, language: str) -> str:
    return full_day_in(language, date.fromisoformat(value))


def _range_words(field: Field, value: Any, language: str) -> str:
    dash = "至" if language == "zh" else " to "
    return dash.join(_words(field, value[part], language) for part in ("from", "to"))


DATE = Kind(_read_date, _words, _MISSING)
DATE_RANGE = Kind(_read_range, _range_words, _MISSING, gather=gather_parts("from", "to"))
