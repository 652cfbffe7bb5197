"""The city's scorecard by GB/T 33356, for everyone: a range, and every item with its why."""

from __future__ import annotations

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.portals.scorecard_rows import CARD_COLUMNS, card_rows, edition_wanted
from smartcity_saas.product import product
from smartcity_saas.scorecard.card import card_of
from smartcity_saas.scorecard.figures import FIGURES
from smartcity_saas.scorecard.values import changes
from smartcity_saas.tenancy.current import current_time, request_city, time_by_day
from smartcity_saas.web.charts import range_bar
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.policy import FIGURES_LAST, Availability


@blueprint.page(
    "/scorecard",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=FIGURES_LAST,
)
def scorecard() -> ResponseReturnValue:
    """The scorecard of one edition."""
    city, edition = request_city(), edition_wanted() or abort(404)
    return render_template(
        "resident/scorecard.html",
        card=card_of(city, edition, time_by_day(city.timezone)),
        editions=product().editions.values(),
        figures=FIGURES,
        range_bar=range_bar,
    )


@blueprint.page("/scorecard.csv", who="everyone", availability=Availability.EXISTING_BUSINESS)
def scorecard_csv() -> ResponseReturnValue:
    """The same as a table."""
    city, edition = request_city(), edition_wanted() or abort(404)
    card = card_of(city, edition, current_time())
    name = f"{city.slug}-scorecard-{edition.year}.csv"
    return csv_response(name, CARD_COLUMNS, card_rows(card))


@blueprint.page("/scorecard/changes", who="everyone", availability=Availability.EXISTING_BUSINESS)
def scorecard_changes() -> ResponseReturnValue:
    """What the city has entered by hand, the newest first; never by whom."""
    edition = edition_wanted() or abort(404)
    page = request.args.get("page", 1, type=int)
    found, more = changes(edition, page)
    return render_template(
        "resident/scorecard_changes.html",
        edition=edition,
        page=page,
        found=found,
        more=more,
    )
