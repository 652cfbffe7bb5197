"""The service's desk on the console: importing bills."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request

from smartcity_saas.errors import Invalid
from smartcity_saas.identity.gatekeeper import current_staff, documents
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills.importing import REQUIRED, import_bills
from smartcity_saas.tenancy.entering import city_scope
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/utility-bills"
MOST_SHOWN = 100

blueprint = ConsoleBlueprint("utility_bills_desk", __name__, template_folder="templates")


@blueprint.page(ROOT, permission="city.desk")
def desk(city: str) -> Any:
    """What is held, and the form that imports bills."""
    return _page(city)


@blueprint.page(ROOT, permission="city.desk", methods=("POST",))
def import_file(city: str) -> Any:
    """Import a supplier's file."""
    member = current_staff()
    assert member is not None
    upload = request.files.get("file")
    entry = current_app.fleet.snapshot.cities[city].catalog["utility_bills"]  # type: ignore[attr-defined]
    result, problems = None, []
    try:
        with city_scope(documents().live(city).id):
            result = import_bills(
                member.actor,
                entry.settings,
                upload.read() if upload else b"",
                (upload.filename if upload else None) or "bills.csv",
                current_app.config["CLOCK"](),
                all_or_nothing="all_or_nothing" in request.form,
            )
            problems = result.problems
    except Invalid as error:
        problems = error.problems
    return _page(city, result=result, problems=problems), 422 if problems else 200


def _page(city: str, **values: Any) -> str:
    with city_scope(documents().live(city).id):
        accounts, bills = domain.counts_of_city()
    return render_template(
        "utility_bills/desk.html",
        accounts=accounts,
        bills=bills,
        columns=[*REQUIRED, "paid_on"],
        most_shown=MOST_SHOWN,
        **{"result": None, "problems": [], **values},
    )
