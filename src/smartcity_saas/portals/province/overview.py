"""The first look at a province: cities that need someone, today beside the usual day, what runs."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.overviews.across import across
from smartcity_saas.portals.overviews.answer import page_or_json
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time


@blueprint.page(f"{ROOT}/overview", permission="province.see")
def overview(province: str) -> ResponseReturnValue:
    """Everything at a glance, by rows that may leave a city; as JSON for programs."""
    around = shell(province)
    found = across(
        cities_of(province),
        product().registry.snapshot.broken,
        current_time(),
        f"/provinces/{province}/data",
    )
    return page_or_json(
        {"province": province, **found.data()},
        lambda: render_template("province/overview.html", found=found, **around),
    )


def cities_of(province: str) -> list[City]:
    """A province's cities as they are served, in the order of their division codes."""
    served = product().registry.snapshot.cities
    found = [
        served[one.name]
        for one in documents().all()
        if one.kind == "city" and one.province == province and one.name in served
    ]
    return sorted(found, key=lambda city: city.division_code)
