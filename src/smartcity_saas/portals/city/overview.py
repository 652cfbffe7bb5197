"""The first page of a city's console: today, what needs someone, what runs, thirty days."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.overviews.answer import page_or_json
from smartcity_saas.portals.overviews.city import city_overview
from smartcity_saas.tenancy.current import city_by_slug, current_time


@blueprint.page(f"{ROOT}/overview", permission="city.see")
def overview(city: str) -> ResponseReturnValue:
    """Everything at a glance, each part leading to its page; as JSON for programs."""
    around = shell(city)
    found = city_overview(city_by_slug(city), signed_in_member(), current_time())
    return page_or_json(
        found.data(), lambda: render_template("city/overview.html", found=found, **around)
    )
