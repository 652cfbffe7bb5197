"""The first page and the list of services."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from smartcity_saas.catalog.entries import by_category, catalog_items
from smartcity_saas.configuration.city import City
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.tenancy.announcements import Announcement, published
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.web.policy import UNTIL_CHANGED

NOTICES = 3


@blueprint.page("/", who="everyone", kept=UNTIL_CHANGED)
def home() -> ResponseReturnValue:
    """The first page."""
    return render_home(request_city(), published(NOTICES))


@blueprint.page("/services", who="everyone", kept=UNTIL_CHANGED)
def services() -> ResponseReturnValue:
    """Every service, by category."""
    city = request_city()
    return render_template("resident/services.html", categories=_categories(city), tab="services")


def render_home(city: City, announcements: list[Announcement], **values: Any) -> str:
    """The first page of any city, stored or only imagined (previews on the console)."""
    locale = get_locale()
    values = {
        "city": city,
        "categories": _categories(city),
        "announcements": announcements,
        "tab": "home",
        "lang": locale.language if locale else "zh",
        **values,
    }
    return render_template("resident/home.html", **values)


def _categories(city: City) -> list[Any]:
    return list(by_category(catalog_items(city, city_services(city))))
