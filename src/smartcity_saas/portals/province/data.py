"""A province's cities side by side: small charts on one scale, a table to sort, a CSV."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.catalog.service import Service
from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.measures import Measure, Totals, Window
from smartcity_saas.measures.comparing import (
    Compared,
    Figure,
    middle,
    ordered,
    places_of,
    pooled,
    shared_services,
    spans_of,
)
from smartcity_saas.measures.day_sums import Told, sum_of_days, tell
from smartcity_saas.measures.publishing import Published
from smartcity_saas.measures.reading import Key, periods_of
from smartcity_saas.portals.overviews.answer import page_or_json
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.province.overview import cities_of
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web import charts
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.languages import local

WINDOWS = {"7": 7, "30": 30, "364": 364}
"""Windows by their name in the address, in days; twelve months are 52 weeks, so that weekdays weigh alike."""
SORTS = ("city", *(figure.value for figure in Figure), "answers", "days")
Figures = Mapping[Key, Mapping[int, Totals]]
"""Sums by city and service and by span: the window before is 0, the spans of the window follow."""
BEFORE = range(1)
NEARLY_ALL = 0.9
"""Of as many days before so large a part must be known for a comparison with them."""
CHART = {"width": 160, "height": 56}
COLUMNS = (
    *("city", "name_zh", "name_en", "division_code", "first_day", "last_day", "days_with_data"),
    *("residents", "population_year", "done", "done_per_10000_residents_in_30_days"),
    *("in_time", "in_time_low", "in_time_high", "median_wait_seconds", "median_wait_low"),
    *("median_wait_high", "ninth_tenth_wait_seconds", "satisfied", "satisfied_low"),
    *("satisfied_high", "answers"),
)


@dataclass(frozen=True)
class Choice:
    """What the page shows, by its address: days, the figure of the charts, the order, chosen cities."""

    days: int
    figure: Figure
    sort: str
    descending: bool
    chosen: frozenset[str]
    only: bool

    @classmethod
    def of_request(cls) -> Choice:
        """From the present request; what cannot be understood is left out."""
        sort = request.args.get("sort", "")
        name = sort.removeprefix("-")
        figure = request.args.get("figure", "")
        return cls(
            days=WINDOWS.get(request.args.get("days", ""), 30),
            figure=Figure(figure) if figure in set(Figure) else Figure.RATE,
            sort=name if name in SORTS else Figure.RATE.value,
            descending=sort.startswith("-") or name not in SORTS,
            chosen=frozenset(request.args.getlist("city")),
            only="only" in request.args,
        )


@dataclass(frozen=True)
class CityRow:
    """One city: its figures over the window, and by spans for its chart."""

    city: City
    whole: Compared
    spans: tuple[Compared, ...]
    place: tuple[int, int] | None = None

    @property
    def known(self) -> bool:
        """Whether there is any data of it."""
        return self.whole.days > 0

    def cells(self, window: Window) -> tuple[Any, ...]:
        """A row of the CSV: shares and times as they are, empty where nothing may be told."""
        whole, told = self.whole, self.whole.told
        return (
            *(self.city.slug, self.city.name["zh"], self.city.name["en"], self.city.division_code),
            *(window.first.isoformat(), window.last.isoformat(), whole.days),
            *(self.city.residents, self.city.population.get("as_of")),
            *(told.done if self.known else None, _rounded(whole.rate)),
            *_with_interval(whole, Figure.IN_TIME),
            *_with_interval(whole, Figure.WAIT),
            _rounded(told.ninth_wait),
            *_with_interval(whole, Figure.SATISFIED),
            told.answers if self.known else None,
        )


@dataclass(frozen=True)
class Comparison:
    """Everything that the page shows."""

    window: Window
    choice: Choice
    services: tuple[str, ...]
    rows: tuple[CityRow, ...]
    before: Published

    @cached_property
    def known(self) -> list[CityRow]:
        """The cities of which there is data."""
        return [row for row in self.rows if row.known]

    @cached_property
    def missing(self) -> list[CityRow]:
        """Those of which there is none."""
        return [row for row in self.rows if not row.known]

    @cached_property
    def together(self) -> Published:
        """All of them together; counts of which a city's is not told as tens, so that it does not
        follow from any choice of cities."""
        found = pooled(row.whole for row in self.known)
        answers = tell(*sum_of_days([row.whole.totals.answers for row in self.known]))
        return replace(found, done=self.done.value, answers=answers.value)

    @cached_property
    def done(self) -> Told:
        """How much was done in all of them."""
        return tell(*sum_of_days([row.whole.totals[Measure.DONE] for row in self.known]))

    def middle(self, figure: Figure) -> float | None:
        """The median of the cities."""
        return middle((row.whole for row in self.known), figure)

    @cached_property
    def ceiling(self) -> float:
        """The top of the one scale of all charts."""
        if self.choice.figure in (Figure.IN_TIME, Figure.SATISFIED):
            return 1.0
        values = [one.value(self.choice.figure) or 0.0 for row in self.rows for one in row.spans]
        top = max(values, default=0.0)
        return _round_time(top) if self.choice.figure is Figure.WAIT else charts.rounded_up(top)

    @cached_property
    def longest_wait(self) -> float:
        """The end of the line on which waiting times are drawn, in seconds."""
        found = [one for row in self.known if (one := row.whole.interval(Figure.WAIT))]
        return _round_time(max((one.high for one in found), default=0.0))

    @property
    def change(self) -> float | None:
        """How much more was done than on as many days before, as a share; None where of those too few
        are known to compare."""
        before, now = self.before.done, self.together.done
        if not before or now is None or self.before.days < self.together.days * NEARLY_ALL:
            return None
        return now / before - 1

    @cached_property
    def missing_names(self) -> list[str]:
        """The names of the cities of which there is no data."""
        return [local(row.city.name) for row in self.missing]

    @cached_property
    def titles(self) -> list[str]:
        """The services that are compared, by name."""
        known: dict[str, Service] = {}
        for row in self.rows:
            known |= city_services(row.city)
        return [local(known[name].title) if name in known else name for name in self.services]

    @cached_property
    def _middles(self) -> list[float | None]:
        spans = zip(*(row.spans for row in self.known), strict=True)
        return [middle(span, self.choice.figure) for span in spans]

    def chart(self, row: CityRow) -> charts.LineChart:
        """A city's chart, with the median of the cities in grey."""
        values = [one.value(self.choice.figure) if one.days else None for one in row.spans]
        before = self._middles if self.known else []
        return charts.line_chart(values, before, ceiling=self.ceiling, **CHART)

    def data(self) -> dict[str, Any]:
        """The same for a program; docs/operations.md says what the keys are."""
        return {
            "first_day": self.window.first.isoformat(),
            "last_day": self.window.last.isoformat(),
            "services": list(self.services),
            "cities": [
                dict(zip(COLUMNS, row.cells(self.window), strict=True))
                | {"place": list(row.place) if row.place else None}
                for row in self.rows
            ],
            "median": {figure.value: _rounded(self.middle(figure)) for figure in Figure},
        }


@blueprint.page(f"{ROOT}/data", permission="province.see")
def data(province: str) -> ResponseReturnValue:
    """The comparison, by what the address says; as JSON for programs."""
    around, found = shell(province), _comparison(province)
    return page_or_json(
        {"province": province, **found.data()},
        lambda: render_template("province/data.html", found=found, figures=Figure, **around),
    )


@blueprint.page(f"{ROOT}/data.csv", permission="province.see")
def data_csv(province: str) -> ResponseReturnValue:
    """The same as a CSV: all cities, or the chosen ones."""
    shell(province)
    found = _comparison(province)
    chosen = found.choice.chosen
    rows = [row for row in found.rows if not chosen or row.city.slug in chosen]
    name = f"{province}-{found.window.first:%Y%m%d}-{found.window.last:%Y%m%d}.csv"
    return csv_response(name, COLUMNS, [row.cells(found.window) for row in rows])


def _comparison(province: str) -> Comparison:
    choice, now = Choice.of_request(), current_time()
    cities = [city for city in cities_of(province) if not city.is_draft]
    zones = {city.timezone for city in cities} or {COMMON_ZONE}
    yesterday = min(today_in(zone, now) for zone in zones) - timedelta(days=1)
    window = Window.ending(yesterday, choice.days)
    spans = spans_of(window)
    figures = periods_of([city.id for city in cities], [window.before, *spans])
    services = _services(figures)
    rows = [_row(city, figures, services, len(spans)) for city in cities]
    before = pooled(
        Compared(_sum(figures, row.city.id, services, BEFORE), None) for row in rows if row.known
    )
    if choice.only and choice.chosen:
        rows = [row for row in rows if row.city.slug in choice.chosen]
    return Comparison(window, choice, services, _arranged(rows, choice), before)


def _services(figures: Figures) -> tuple[str, ...]:
    """The services that are compared: those of which every city with data has some in the window; all,
    where they have none in common."""
    offered: dict[int, set[str]] = defaultdict(set)
    for (city, name), places in figures.items():
        if name and any(places[place].days for place in places if place):
            offered[city].add(name)
    shared = shared_services(offered)
    return tuple(sorted(shared or set().union(*offered.values())))


def _row(city: City, figures: Figures, services: Collection[str], spans: int) -> CityRow:
    parts = [
        _sum(figures, city.id, services, range(place, place + 1)) for place in range(1, spans + 1)
    ]
    whole = sum(parts, Totals())
    whole.days = sum(part.days for part in parts)
    return CityRow(
        city,
        Compared(whole, city.residents),
        tuple(Compared(part, city.residents) for part in parts),
    )


def _sum(figures: Figures, city: int, services: Collection[str], places: Iterable[int]) -> Totals:
    """A city's sums over some services and spans."""
    found = [figures[city, name] for name in services if (city, name) in figures]
    return sum((one[place] for one in found for place in places if place in one), Totals())


def _arranged(rows: Sequence[CityRow], choice: Choice) -> tuple[CityRow, ...]:
    """The rows in the order that was asked for, cities without data last; with the places that each may
    have, where it was asked for by a figure that chance has a part in."""
    known = {row.city.slug: row for row in rows if row.known}
    names = list(known)
    if choice.sort == "city":
        names = names[::-1] if choice.descending else names
    else:
        values = {name: _sortable(row, choice.sort) for name, row in known.items()}
        names = ordered(names, values, descending=choice.descending)
    places: Mapping[str, tuple[int, int]] = {}
    if choice.sort in set(Figure):
        places = places_of({name: row.whole for name, row in known.items()}, Figure(choice.sort))
    arranged = [replace(known[name], place=places.get(name)) for name in names]
    return (*arranged, *(row for row in rows if not row.known))


def _sortable(row: CityRow, name: str) -> float | None:
    if name == "answers":
        return row.whole.told.answers
    return row.whole.days if name == "days" else row.whole.value(Figure(name))


def _with_interval(one: Compared, figure: Figure) -> tuple[float | None, ...]:
    interval = one.interval(figure)
    if interval is None:
        return (_rounded(one.value(figure)), None, None)
    return _rounded(one.value(figure)), _rounded(interval.low), _rounded(interval.high)


def _round_time(seconds: float) -> float:
    """The next round time: of days, hours or minutes."""
    unit = next((size for size in (86_400, 3_600, 60) if seconds >= size), 1)
    return charts.rounded_up(seconds / unit) * unit


def _rounded(value: float | None) -> float | None:
    return round(value, 4) if value is not None else None
