"""The platform's own host: an index of live cities, and the demo's accounts in demo mode."""

from __future__ import annotations

from itertools import groupby

from flask import abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.search_terms import Query
from smartcity_saas.demo import demo_accounts
from smartcity_saas.portals.scorecard_rows import edition_wanted
from smartcity_saas.product import product
from smartcity_saas.request.site import site_address
from smartcity_saas.scorecard.models import CityScore
from smartcity_saas.scorecard.summaries import compare
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.charts import RangeBar, range_bar
from smartcity_saas.web.policy import IndexBlueprint

blueprint = IndexBlueprint("index", __name__)


@blueprint.page("/")
def cities() -> ResponseReturnValue:
    """Live cities by province, with a search that works without JavaScript."""
    query = request.args.get("q", "").strip()[:40]
    snapshot = product().registry.snapshot
    live = [city for city in snapshot.cities.values() if city.is_live]
    wanted = Query.of(query)
    found = wanted.best(live, _spellings) if wanted else live
    found.sort(key=lambda city: (city.division_code, city.slug))
    provinces = [
        (inside[0].province_name, inside)
        for inside in (list(group) for _slug, group in groupby(found, lambda c: c.province))
    ]
    return render_template("index/cities.html", provinces=provinces, total=len(found), query=query)


@blueprint.page("/scorecard")
def scorecard() -> ResponseReturnValue:
    """The scorecards of live cities beside each other, from their daily summaries."""
    edition = edition_wanted() or abort(404)
    live = [city for city in product().registry.snapshot.cities.values() if city.is_live]
    return render_template(
        "index/scorecard.html",
        edition=edition,
        editions=product().editions.values(),
        compared=compare(edition, live, today_in(COMMON_ZONE, current_time())),
        bar_of=_bar_of,
    )


@blueprint.page("/demo.json")
def demo() -> ResponseReturnValue:
    """The demo's accounts and how each signs in. Only in demo mode."""
    if not product().settings.demo:
        abort(404)
    cities = product().registry.snapshot.cities
    return jsonify(demo_accounts(site_address, cities, product().services))


def _bar_of(row: CityScore) -> RangeBar:
    """A city's range on the scale of 100 points, in hundredths."""
    parts = [
        ("computed", row.low - row.by_hand),
        ("by_hand", row.by_hand),
        ("missing", row.high - row.low),
        ("not_reached", 10_000 - row.high),
    ]
    return range_bar(parts, row.low, row.high, 10_000, height=9)


def _spellings(city: City) -> tuple[str, ...]:
    """What a city may be looked for by."""
    return (*city.name.values(), city.slug.partition("-")[0], city.division_code)
