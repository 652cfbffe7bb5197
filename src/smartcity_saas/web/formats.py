"""How times, dates and amounts read, in both languages and in the city's zone.

The patterns of CLDR are written out here, because reading one anew for each number and day of a page
took an eighth of its CPU time; a test holds them to Babel's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_day_names, get_month_names
from flask import Flask, g, has_request_context
from flask_babel import gettext, ngettext
from markupsafe import Markup

from smartcity_saas.clock import is_repeated, local_time, read_moment, today_in
from smartcity_saas.web.languages import is_chinese, page_language
from smartcity_saas.web.money import decimals, format_money, format_sums, whole_money


def init_formats(
    app: Flask,
    zone: Callable[[], str],
    time_by_day: Callable[[str], datetime],
    time_beside: Callable[[datetime | None], datetime],
) -> None:
    """Add the filters ``moment``, ``day``, ``clock``, ``month``, ``amount``, ``sums`` and their like;
    ``marked_moment`` and ``marked_day`` stand in an element that does not break over two lines.

    Args:
        app: The application.
        zone: The IANA zone of the page being made.
        time_by_day: The time, for what tells only its day in a zone.
        time_beside: The time, for what tells only whether another one is over.
    """

    def moment(value: datetime) -> str:
        clock = _clock(local_time(value, zone()))
        if today_in(zone(), value) == today():
            return str(gettext("today %(clock)s", clock=clock))
        return f"{local_day(value)}{' ' if is_chinese() else ', '}{clock}"

    def today() -> date:
        """The day in the zone of the page, the same for the whole of it."""
        where = zone()
        if not has_request_context():
            return today_in(where, time_by_day(where))
        known: dict[str, date] = g.setdefault("day_of_page", {})
        if where not in known:
            known[where] = today_in(where, time_by_day(where))
        return known[where]

    def local_day(value: date) -> str:
        """A date, or the day of a moment in the zone of the page."""
        found = today_in(zone(), value) if isinstance(value, datetime) else value
        return day(found, today().year)

    def local_moment(text: str) -> str:
        return moment(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone())))

    def passed(text: str | None) -> bool:
        """Whether a local time as a document writes it is over, in the zone of the page."""
        moment = read_moment(text, zone()) if text is not None else None
        return moment is not None and moment <= time_beside(moment)

    def marked(shown: Callable[[Any], str]) -> Callable[[Any], Markup]:
        """The same in an element that programs read, too (HTML, ``time``)."""
        return lambda value: Markup('<time datetime="{}">{}</time>').format(
            value.isoformat(timespec="minutes")
            if isinstance(value, datetime)
            else value.isoformat(),
            shown(value),
        )

    app.jinja_env.globals["decimals"] = decimals
    app.jinja_env.filters.update(
        moment=moment,
        local_moment=local_moment,
        passed=passed,
        marked_moment=marked(moment),
        day=local_day,
        marked_day=marked(local_day),
        month=month,
        amount=amount,
        sums=lambda rows, name: format_sums((getattr(row, name), row.currency) for row in rows),
        number=number,
        short=short_number,
        duration=duration,
        whole_amount=whole_money,
        at=lambda value: full_moment(value, zone()),
        clock=lambda value: _clock(local_time(value, zone())),
        time_of_day=_clock,
        weekday=weekday,
        tel=tel,
        until=lambda value: days_left(value, today()),
    )


def tel(number: str) -> Markup:
    """A telephone number that can be pressed, for a sentence (RFC 3966)."""
    dialled = "".join(one for one in number if one.isdigit() or one == "+")
    return Markup('<a class="tel" href="tel:{}">{}</a>').format(dialled, number)


def day(value: date, this_year: int) -> str:
    """A date without its year where that is this year: ``11月30日``, ``30 November``."""
    if is_chinese():
        year = "" if value.year == this_year else f"{value.year}年"
        return f"{year}{value.month}月{value.day}日"
    year = "" if value.year == this_year else f" {value.year}"
    return f"{value.day} {_months()[value.month]}{year}"


def weekday(value: date) -> str:
    """A day of the week, short: ``周四``, ``Thu``."""
    return _weekdays(page_language())[value.weekday()]


def month_of_year(value: date) -> str:
    """A month with its year: ``2026年10月``, ``October 2026``."""
    if is_chinese():
        return f"{value.year}年{value.month}月"
    return f"{_months()[value.month]} {value.year}"


def month(value: date) -> str:
    """A month: ``10 月``, ``October``."""
    return f"{value.month} 月" if is_chinese() else _months()[value.month]


@cache
def _months() -> dict[int, str]:
    """English months by their numbers, as CLDR has them (``MMMM``)."""
    return dict(get_month_names("wide", locale="en"))


@cache
def _weekdays(language: str) -> dict[int, str]:
    """Days of the week from Monday (0), as CLDR shortens them (``EEE``)."""
    return dict(get_day_names("abbreviated", locale=language))


def days_left(value: date, today: date) -> str:
    """How far off a date is, in words."""
    days = (value - today).days
    if days < 0:
        return str(ngettext("%(num)s day late", "%(num)s days late", -days))
    if days == 0:
        return str(gettext("today is the last day"))
    return str(ngettext("%(num)s day left", "%(num)s days left", days))


def amount(minor: int, currency: str = "CNY") -> str:
    """An amount of money from its minor unit: ``¥43.50``, ``JPY 500``."""
    return format_money(minor, currency)


def number(value: Any) -> str:
    """A number with its thousands grouped and no needless zeros, to three decimals: CLDR's
    ``#,##0.###`` in English, half to even."""
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value if isinstance(value, Decimal) else Decimal(str(value)):,.3f}"
    return text.rstrip("0").rstrip(".")


def short_number(value: float) -> str:
    """A number as the axis of a small chart has it: ``500``, ``1.5k``, ``20k``, ``2M``."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """A span of time in its largest fitting unit: ``1.2 days``, ``3 hours``, ``40 seconds``."""
    if seconds >= 86_400:
        value = round(seconds / 86_400, 1)
        return str(ngettext("%(value)s day", "%(value)s days", _plural(value), value=f"{value:g}"))
    if seconds >= 3_600:
        value = round(seconds / 3_600, 1)
        return str(
            ngettext("%(value)s hour", "%(value)s hours", _plural(value), value=f"{value:g}")
        )
    if seconds >= 60:
        value = round(seconds / 60, 1)
        return str(
            ngettext("%(value)s minute", "%(value)s minutes", _plural(value), value=f"{value:g}")
        )
    whole = round(seconds)
    return str(ngettext("%(value)s second", "%(value)s seconds", whole, value=whole))


def _plural(value: float) -> int:
    """The number by which a word is chosen: 1 for one alone, not for 1.2 of them."""
    return 1 if value == 1 else 2


def moment_of(value: datetime, zone: str) -> str:
    """A moment in a zone, for texts that are read later: ``11月26日 9:00``."""
    found = today_in(zone, value)
    gap = " " if is_chinese() else ", "
    return f"{day(found, found.year)}{gap}{_clock(local_time(value, zone))}"


def full_day(value: date) -> str:
    """A date with its year, for what lasts: ``2026年11月22日``."""
    return full_day_in(page_language(), value)


def full_day_in(language: str, value: date) -> str:
    """The same in ``zh`` or ``en``, whoever reads the page: ``22 November 2026``."""
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_months()[value.month]} {value.year}"


def full_moment(value: datetime, zone: str) -> str:
    """A moment with its year, for what lasts: ``2026年11月22日 8:04``."""
    gap = " " if is_chinese() else ", "
    return f"{day(today_in(zone, value), 0)}{gap}{_clock(local_time(value, zone))}"


def _clock(value: datetime | time) -> str:
    """A time of day. One that clocks show twice, in the hour by which they go back, has the zone's
    offset too: ``1:30 (UTC−4)``."""
    shown = f"{value.hour}:{value.minute:02d}"
    if not isinstance(value, datetime) or not is_repeated(value):
        return shown
    hours, minutes = divmod(abs(value.utcoffset() or timedelta()) // timedelta(minutes=1), 60)
    sign = "−" if (value.utcoffset() or timedelta()) < timedelta() else "+"
    offset = f"UTC{sign}{hours}" + (f":{minutes:02d}" if minutes else "")
    return f"{shown}（{offset}）" if is_chinese() else f"{shown} ({offset})"
