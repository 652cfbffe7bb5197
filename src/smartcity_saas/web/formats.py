"""How times, dates and amounts read, in both languages and in the city's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale, gettext, ngettext


def init_formats(app: Flask, zone: Callable[[], str], now: Callable[[], datetime]) -> None:
    """Add the filters ``moment``, ``day``, ``month``, ``amount`` and ``number``.

    Args:
        app: The application.
        zone: The IANA zone of the page being made.
        now: The time.
    """

    def moment(value: datetime) -> str:
        here, today = value.astimezone(ZoneInfo(zone())), now().astimezone(ZoneInfo(zone()))
        clock = f"{here.hour}:{here.minute:02d}"
        if here.date() == today.date():
            return str(gettext("today %(clock)s", clock=clock))
        return (
            f"{day(here.date(), today.year)} {clock}"
            if _zh()
            else f"{day(here.date(), today.year)}, {clock}"
        )

    def local_moment(text: str) -> str:
        return moment(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone())))

    app.jinja_env.filters.update(
        moment=moment,
        local_moment=local_moment,
        day=lambda value: day(value, now().year),
        month=month,
        amount=amount,
        number=number,
        until=lambda value: days_left(value, now().astimezone(ZoneInfo(zone())).date()),
    )


def day(value: date, this_year: int) -> str:
    """A date without its year where that is this year: ``11月30日``, ``30 November``."""
    if _zh():
        return format_date(value, "M月d日" if value.year == this_year else "y年M月d日", locale="zh")
    return format_date(value, "d MMMM" if value.year == this_year else "d MMMM y", locale="en")


def month(value: date) -> str:
    """A month: ``10 月``, ``October``."""
    return f"{value.month} 月" if _zh() else str(format_date(value, "MMMM", locale="en"))


def days_left(value: date, today: date) -> str:
    """How far off a date is, in words."""
    days = (value - today).days
    if days < 0:
        return str(ngettext("%(num)s day late", "%(num)s days late", -days))
    if days == 0:
        return str(gettext("today is the last day"))
    return str(ngettext("%(num)s day left", "%(num)s days left", days))


def amount(minor: int, currency: str = "CNY") -> str:
    """An amount of money from its minor unit: ``¥43.50``."""
    sign = "¥" if currency == "CNY" else currency + " "
    return f"{sign}{minor // 100:,}.{minor % 100:02d}"


def number(value: Any) -> str:
    """A number with its thousands grouped and no needless zeros."""
    return str(format_decimal(value, "#,##0.###", locale="en"))


def _zh() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "zh"
