"""Reading measures: of the current city inside one, of any cities outside (a province, an operator)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Label,
    Select,
    Subquery,
    Table,
    bindparam,
    case,
    cast,
    func,
    select,
    union_all,
)

from smartcity_saas.database import run, table_of
from smartcity_saas.measures.buckets import Waits
from smartcity_saas.measures.counting import OUTAGE_MINUTES, Measure
from smartcity_saas.measures.exported_days import exported_rows
from smartcity_saas.measures.models import CityHour, CityMeasure, MeasureEvent
from smartcity_saas.measures.questions import Question, Shape, Window

Key = tuple[int, str]
"""A city's key and a service's name."""


@dataclass
class Totals:
    """What was counted of one service of one city: exact, for the city's own staff.

    ``counts`` are by measure; the others by their detail. ``days`` is on how many it was offered, or
    the commonest of its acts was counted: the others of the window are missing, not zero.
    """

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    amounts: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    ages: Counter[str] = field(default_factory=Counter)
    ratings: Counter[int] = field(default_factory=Counter)
    outage_minutes: int = 0
    days: int = 0

    def __getitem__(self, measure: Measure) -> int:
        return self.counts[measure]

    @property
    def waiting(self) -> Waits:
        """The waiting times."""
        return Waits(self.waits)

    @property
    def answers(self) -> int:
        """How many rated."""
        return sum(self.ratings.values())

    def add(self, measure: str, detail: str, value: int, times: int = 1) -> None:
        """Add a sum of one measure and detail; ``times`` is on how many days it was counted, so that
        a span of an outage is one, however many found it."""
        self.counts[measure] += value
        if measure == Measure.OUTAGE:
            self.outage_minutes += OUTAGE_MINUTES * times
        elif measure == Measure.RATING:
            self.ratings[int(detail)] += value
        elif (details := self._details(measure)) is not None:
            details[detail] += value

    def _details(self, measure: str) -> Counter[str] | None:
        kept = {
            Measure.REFUSED: self.refused,
            Measure.AMOUNT: self.amounts,
            Measure.WAIT: self.waits,
            Measure.DATA_AGE: self.ages,
        }
        return kept.get(Measure(measure))

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.counts + other.counts,
            self.refused + other.refused,
            self.amounts + other.amounts,
            self.waits + other.waits,
            self.ages + other.ages,
            self.ratings + other.ratings,
            self.outage_minutes + other.outage_minutes,
            max(self.days, other.days),
        )


def totals_of(
    cities: Collection[int], window: Window, services: Collection[str] | None = None
) -> dict[Key, Totals]:
    """Sums over some days, by city and service; a service of which nothing is known is left out.

    Args:
        cities: Which; inside a city its own key alone.
        window: Which days, of each city's own zone.
        services: Only these; all by default.
    """
    found: dict[Key, Totals] = defaultdict(Totals)
    for row in _rows(CityMeasure, cities, window, services, ("detail",)):
        totals = found[row.city_id, row.service]
        totals.add(row.measure, row.detail, row.value, row.days)
        totals.days = max(totals.days, row.days)
    return dict(found)


def daily_totals(city_id: int, window: Window) -> dict[tuple[date, str], Totals]:
    """What was counted in one city on each day and in each service; a day on which a service was not
    offered and nothing was counted is left out."""
    found: dict[tuple[date, str], Totals] = defaultdict(Totals)
    for row in _rows(CityMeasure, [city_id], window, None, ("day", "detail")):
        totals = found[row.day, row.service]
        totals.add(row.measure, row.detail, row.value, row.days)
        totals.days = 1
    return dict(found)


def series_of(
    cities: Collection[int],
    window: Window | Collection[date],
    measure: Measure = Measure.DONE,
    services: Collection[str] | None = None,
) -> dict[Key, dict[date, int]]:
    """One measure day by day, by city and service. A day on which the service was offered and
    nothing was counted is 0; one of which nothing is known is left out: draw it as missing. ``window``
    may be single days."""
    found: dict[Key, dict[date, int]] = defaultdict(dict)
    told = (measure, Measure.OFFERED, Measure.BEGUN)
    for row in _rows(CityMeasure, cities, window, services, ("day",), told):
        series = found[row.city_id, row.service]
        series.setdefault(row.day, 0)
        if row.measure == measure:
            series[row.day] += row.value
    return dict(found)


def details_of(
    cities: Collection[int], window: Window, measure: Measure
) -> dict[Key, set[tuple[date, str]]]:
    """The days and details of one measure, by city and service: those of outages are spans."""
    found: dict[Key, set[tuple[date, str]]] = defaultdict(set)
    for row in _rows(CityMeasure, cities, window, None, ("detail", "day"), (measure,)):
        found[row.city_id, row.service].add((row.day, row.detail))
    return dict(found)


def hours_of(
    city_id: int, days: Collection[date], measure: Measure = Measure.DONE
) -> dict[tuple[str, str, date], list[int]]:
    """One measure hour by hour on some days, by service, detail and day: 24 numbers each."""
    found: dict[tuple[str, str, date], list[int]] = {}
    if not days:
        return found
    wanted = set(days)
    window = Window(min(days), max(days))
    rows = _rows(CityHour, [city_id], window, None, ("detail", "day", "hour"), (measure,))
    for row in rows:
        if row.day in wanted:
            hours = found.setdefault((row.service, row.detail, row.day), [0] * 24)
            hours[row.hour] += row.value
    return found


def until_hour(
    cities: Collection[int], days: Collection[date], hour: int, measures: Iterable[Measure]
) -> dict[Key, dict[tuple[str, str], dict[date, tuple[int, int]]]]:
    """What was counted on some days before an hour began and in that hour, added up in the database:
    by city and service, then by measure and detail, then by day. A day without any is left out."""
    found: dict[Key, dict[tuple[str, str], dict[date, tuple[int, int]]]] = {}
    if not cities or not days:
        return found
    question = _question(cities, days, None, ("detail", "day"), measures)
    rows = run(_until_hour(question.shape), {**question.values, "hour": hour})
    for *key, measure, detail, day, early, late in rows:
        own = found.setdefault((key[0], key[1]), {})
        own.setdefault((measure, detail), {})[day] = int(early), int(late)
    return found


def periods_of(
    cities: Collection[int], periods: Sequence[Window], services: Collection[str] | None = None
) -> dict[Key, dict[int, Totals]]:
    """Sums over several spans of days that follow each other, by city and service and by the place of
    the span, in one statement. Spans without answer are not among them."""
    found: dict[Key, dict[int, Totals]] = defaultdict(lambda: defaultdict(Totals))
    if not cities or not periods:
        return found
    window = Window(periods[0].first, periods[-1].last)
    told = [one for one in Measure if one is not Measure.OUTAGE]
    question = _question(cities, window, services, ("detail",), told)
    ends = {f"end_{place}": period.last for place, period in enumerate(periods)}
    rows = run(_by_period(question.shape, len(periods)), {**question.values, **ends})
    for row in rows:
        totals = found[row.city_id, row.service][row.place]
        totals.add(row.measure, row.detail, row.value, row.days)
        totals.days = max(totals.days, row.days)
    return found


def _rows(
    model: Any,
    cities: Collection[int],
    days: Window | Collection[date],
    services: Collection[str] | None,
    by: Iterable[str],
    measures: Iterable[Measure] = (),
) -> Iterable[Any]:
    """Sums of a table of days, with the number of ``days`` behind each: long windows from the
    installation's own export where there is one, in all else from the database."""
    if not cities or not days:
        return []
    question = _question(cities, days, services, by, measures)
    _ = question.shape  # another city's is refused, wherever it would come from
    found = exported_rows(question, stored_rows) if model is CityMeasure else None
    return stored_rows(question, model) if found is None else found


def _question(
    cities: Collection[int],
    days: Window | Collection[date],
    services: Collection[str] | None,
    by: Iterable[str],
    measures: Iterable[Measure],
) -> Question:
    """A question about a window, or about single days."""
    whole = days if isinstance(days, Window) else Window(min(days), max(days))
    question = Question(
        tuple(sorted(set(cities))),
        whole,
        tuple(by),
        None if services is None else tuple(services),
        tuple(one.value for one in measures),
    )
    return question if isinstance(days, Window) else question.on(days)


def stored_rows(question: Question, model: Any = CityMeasure) -> Iterable[Any]:
    """Sums of a table of days and of what is not folded into it yet, in one statement: it sees either
    a row of the one or of the other, never both."""
    if question.days is not None and not question.days:
        return []
    return run(_sums(question.shape, table_of(model)), question.values).all()


@cache
def _sums(shape: Shape, table: Table) -> Select[Any]:
    both = _both(shape, table, "day")
    columns = [both.c[name] for name in shape.names]
    return select(*columns, *_value_and_days(both)).group_by(*columns)


@cache
def _until_hour(shape: Shape) -> Select[Any]:
    both = _both(shape, table_of(CityHour), "hour")
    hour: BindParameter[int] = bindparam("hour")
    columns = [both.c[name] for name in shape.names]
    before, during = (
        func.coalesce(func.sum(case((condition, both.c.value), else_=0)), 0)
        for condition in (both.c.hour < hour, both.c.hour == hour)
    )
    return select(*columns, before, during).group_by(*columns)


@cache
def _by_period(shape: Shape, periods: int) -> Select[Any]:
    both = _both(shape, table_of(CityMeasure), "day")
    ends = ((both.c.day <= bindparam(f"end_{place}"), place) for place in range(periods))
    place = case(*ends, else_=periods - 1).label("place")
    columns = [*(both.c[name] for name in shape.names), place]
    return select(*columns, *_value_and_days(both)).group_by(*columns)


def _value_and_days(both: Subquery) -> tuple[Label[int], Label[int]]:
    """The sum of the values, a whole number (PostgreSQL adds bigints up to a numeric), and on how many
    days they were counted."""
    value = cast(func.sum(both.c.value), BigInteger).label("value")
    return value, func.count(both.c.day.distinct()).label("days")


def _both(shape: Shape, table: Table, more: str) -> Subquery:
    """The rows of a table of days and those that are not folded into it yet."""
    kept = dict.fromkeys((*shape.names, more, "value"))
    parts = [
        select(*(one.c[name] for name in kept)).where(*shape.conditions(one))
        for one in (table, table_of(MeasureEvent))
    ]
    return union_all(*parts).subquery()
