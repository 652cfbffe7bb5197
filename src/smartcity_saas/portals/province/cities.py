"""A province's cities: state, services, what needs attention, use over thirty days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.configuration.city import City, LiveDocument
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.configuration.hosts import is_slug
from smartcity_saas.configuration.revisions import RevisionView
from smartcity_saas.configuration.states import CityState
from smartcity_saas.identity.authorization import documents
from smartcity_saas.measures import Window, series_of
from smartcity_saas.portals.host_words import HostRow, host_row
from smartcity_saas.portals.live_checks import city_issues
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell
from smartcity_saas.product import product
from smartcity_saas.tenancy.assets import names_left_out
from smartcity_saas.tenancy.current import current_time

FILTERS = ("live", "draft", "suspended", "issues")
SPARK = (126, 44)


@dataclass(frozen=True)
class CityRow:
    """One city in the list."""

    document: LiveDocument
    city: City | None
    broken: str | None
    last: RevisionView

    @property
    def state(self) -> str:
        """The state that its document names."""
        return str(self.document.values.get("state", ""))

    @property
    def issues(self) -> list[Any]:
        """What someone should look at."""
        if self.city is None:
            return [self.broken]
        return [*(flag.message for flag in self.city.flags), *city_issues(self.city)]

    def count(self, state: str) -> int:
        """How many services are in a state."""
        entries = self.city.catalog.values() if self.city else ()
        return sum(entry.state == state for entry in entries)


@dataclass(frozen=True)
class Spark:
    """A small line chart: points of the city and of the province's median, one scale for all."""

    city: CityRow
    line: str
    middle: str
    last: int


@blueprint.page(ROOT, permission="province.see")
def cities(province: str) -> ResponseReturnValue:
    """The list, with a filter and a search that need no JavaScript."""
    rows = _rows(province)
    made = next((r.document for r in rows if r.document.name == request.args.get("made")), None)
    query = request.args.get("q", "").strip().lower()[:40]
    chosen = request.args.get("show", "")
    return render_template(
        "province/cities.html",
        rows=[row for row in rows if _shown(row, query, chosen)],
        counts={
            "all": len(rows),
            **{name: sum(_is(row, name) for row in rows) for name in FILTERS},
        },
        query=query,
        chosen=chosen,
        sparks=_sparks(rows),
        spark=SPARK,
        left_out=names_left_out(request.args),
        made=made,
        made_hosts=_without_record(made) if made is not None else [],
        withdrawn=_withdrawn({row.document.name for row in rows}),
        **shell(province),
    )


def _without_record(made: LiveDocument) -> list[HostRow]:
    """The hosts of a city that still need a record."""
    return [row for row in map(host_row, own_hosts([made.id])) if row.needs_record]


def _withdrawn(names: set[str]) -> str:
    """The city that the page before has just withdrawn, if that is so."""
    slug = request.args.get("withdrawn", "")
    return slug if is_slug(slug) and slug not in names else ""


def _rows(province: str) -> list[CityRow]:
    snapshot = product().registry.snapshot
    found = [d for d in documents().all() if d.kind == "city" and d.province == province]
    last = documents().last_revisions(found)
    return [
        CityRow(d, snapshot.cities.get(d.name), snapshot.broken.get(d.name), last[d.name])
        for d in sorted(found, key=lambda d: (d.division_code or "", d.name))
    ]


def _shown(row: CityRow, query: str, chosen: str) -> bool:
    texts = (
        row.document.name,
        *row.document.values["name"].values(),
        row.document.division_code or "",
    )
    found = not query or any(query in text.lower() for text in texts)
    return found and (chosen not in FILTERS or _is(row, chosen))


def _is(row: CityRow, name: str) -> bool:
    return bool(row.issues) if name == "issues" else row.state == name


def _sparks(rows: Sequence[CityRow]) -> list[Spark]:
    if not rows:
        return []
    now = current_time()
    series = _done_by_day({row.document.id: today_in(_zone(row), now) for row in rows})
    most = max([1, *(max(values) for values in series.values())])
    middle = _line([median(day) for day in zip(*series.values(), strict=True)], most)
    return [_spark(row, series, most, middle) for row in rows if row.state == CityState.LIVE]


def _done_by_day(last_days: Mapping[int, date], days: int = 30) -> dict[int, list[int]]:
    """What was done in each city on the last days, the oldest first, all services together."""
    found = {city: [0] * days for city in last_days}
    window = Window(min(last_days.values()) - timedelta(days=days), max(last_days.values()))
    for (city, _service), series in series_of(last_days, window).items():
        for day, value in series.items():
            place = days - 1 - (last_days[city] - day).days
            if 0 <= place < days:
                found[city][place] += value
    return found


def _zone(row: CityRow) -> str:
    return row.city.timezone if row.city else COMMON_ZONE


def _spark(row: CityRow, series: Mapping[int, list[int]], most: int, middle: str) -> Spark:
    values = series[row.document.id]
    return Spark(row, _line(values, most), middle, values[-1])


def _line(values: Sequence[float], most: int) -> str:
    width, height = SPARK
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{place * step:.1f},{height - 2 - (height - 6) * value / most:.1f}"
        for place, value in enumerate(values)
    )
