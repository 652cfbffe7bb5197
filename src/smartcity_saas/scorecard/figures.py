"""Figures that the platform computes of a city, each with its two numbers and its days.

They are of this platform's own use: what a city does elsewhere is not in them, and the page says
so. Where the standard's formula was not read, a figure is shown and does not count. None names or
leads to a person: below ``FEWEST`` nothing is told, a part that would leave a few people over is moved
to none, to ``SMALL_CELL``, or to all, and sums of days are told as on the transparency page
(``measures.day_sums``): as tens where a day is not told by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import City
from smartcity_saas.measures import SMALL_CELL, Measure, Totals, Window, series_of, totals_of
from smartcity_saas.measures.day_sums import Told, sum_of_days, tell
from smartcity_saas.product import product

DAYS = 30
"""Days that a figure looks back on, the last of them yesterday."""
FEWEST = 30
"""How many there must be before a share of them is told."""


@dataclass(frozen=True)
class Figure:
    """A share as two numbers, of the days from ``window.first`` to ``window.last`` (None: as it is
    today). ``whole`` is None where there is nothing to divide by: a number, and no share. ``rounded``
    where both are told as tens."""

    name: str
    part: int
    whole: int | None
    window: Window | None
    rounded: bool = False

    @property
    def share(self) -> Decimal | None:
        """From 0 to 1; None where it is no share."""
        return None if self.whole is None else Decimal(self.part) / self.whole


@dataclass(frozen=True)
class FigureKind:
    """How a figure is made: its words, and what computes it for the current city (None: too little
    to tell)."""

    name: str
    title: Any
    part: Any
    whole: Any
    about: Any
    compute: Callable[[City, date], Figure | None]


def compute(name: str, city: City, today: date) -> Figure | None:
    """A figure of the current city; None where there is too little to tell."""
    return FIGURES[name].compute(city, today)


def _one_stop(city: City, today: date) -> Figure | None:
    """Of what ended in the window, what was done from beginning to end on this site."""
    window = Window.ending(_before(today), DAYS)
    done, few = sum_of_days(_by_day(city, window, Measure.DONE))
    failed = _totals(city, window)[Measure.FAILED]
    return _share_of_days("one_stop", tell(done, few), tell(done + failed, few), window)


def _services_offered(city: City, today: date) -> Figure | None:
    """Services that are open today, of those that the platform has."""
    entries = city.catalog.values()
    opened = sum(1 for entry in entries if entry.is_open)
    return Figure("services_offered", opened, len(entries), None) if entries else None


def _services_used(city: City, today: date) -> Figure | None:
    """What was done, and no share: how many people live in the city is not a matter of use."""
    window = Window.ending(_before(today), DAYS)
    done = tell(*sum_of_days(_by_day(city, window, Measure.DONE)))
    if done.value is None or done.value < FEWEST:
        return None
    return Figure("services_used", done.value, None, window, done.rounded)


def _hospital_booking(city: City, today: date) -> Figure | None:
    """Places of clinics that were booked, of those that there were."""
    window = Window.ending(_before(today), DAYS)
    counted = [
        one.places(window.first, window.last)
        for one in product().services.values()
        if one.places is not None
    ]
    booked, offered = (
        (sum(numbers) for numbers in zip(*counted, strict=True)) if counted else (0, 0)
    )
    return _share("hospital_booking", booked, offered, window)


def _satisfaction(city: City, today: date) -> Figure | None:
    """Of those who rated, those who were satisfied on the whole (3 and above of 5)."""
    window = Window.ending(_before(today), DAYS)
    totals = _totals(city, window)
    content = sum(number for level, number in totals.ratings.items() if level >= 3)
    if totals.answers < FEWEST:
        return None
    answers, few = sum_of_days(_by_day(city, window, Measure.RATING))
    part = tell(answers * content / totals.answers, few)
    return _share_of_days("satisfaction", part, tell(answers, few), window)


def _totals(city: City, window: Window) -> Totals:
    return sum(totals_of([city.id], window).values(), Totals())


def _by_day(city: City, window: Window, measure: Measure) -> list[int]:
    """How many on each day of each service: what is told by itself, or is not."""
    found = series_of([city.id], window, measure)
    return [number for days in found.values() for number in days.values()]


def _before(today: date) -> date:
    return date.fromordinal(today.toordinal() - 1)


def _share(name: str, part: int, whole: int, window: Window) -> Figure | None:
    if whole < FEWEST:
        return None
    return Figure(name, blurred(part, whole), whole, window)


def _share_of_days(name: str, part: Told, whole: Told, window: Window) -> Figure | None:
    if whole.value is None or whole.value < FEWEST:
        return None
    told = blurred(part.value or 0, whole.value)
    return Figure(name, told, whole.value, window, whole.rounded)


def blurred(part: int, whole: int) -> int:
    """A part that nobody can count back to a few people: neither it nor the rest is below
    ``SMALL_CELL`` without being none."""
    for few, near, far in ((part, 0, SMALL_CELL), (whole - part, whole, whole - SMALL_CELL)):
        if 0 < few < SMALL_CELL:
            return near if few * 2 < SMALL_CELL else far
    return part


_KINDS = (
    FigureKind(
        "one_stop",
        _("Done here from beginning to end"),
        _("done on this site"),
        _("ended, done or not"),
        _("Services of this site only. What the city handles elsewhere is not in it."),
        _one_stop,
    ),
    FigureKind(
        "hospital_booking",
        _("Appointments booked"),
        _("booked"),
        _("places of clinics"),
        _(
            "Clinics on this site only, and of places, not of visits: "
            "who came without booking is not known here."
        ),
        _hospital_booking,
    ),
    FigureKind(
        "services_offered",
        _("Services open"),
        _("open today"),
        _("services of the platform"),
        _("Paused and closed services are not counted as open."),
        _services_offered,
    ),
    FigureKind(
        "services_used",
        _("Services used"),
        _("done on this site"),
        "",
        _("A number, not a share: the standard's own way to make one of it was not read."),
        _services_used,
    ),
    FigureKind(
        "satisfaction",
        _("Satisfied residents"),
        _("very satisfied to satisfied on the whole"),
        _("answers after something was done"),
        _("Residents who rated a service here. It is not the survey of the standard."),
        _satisfaction,
    ),
)
FIGURES: Mapping[str, FigureKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""What the platform computes, by name."""
