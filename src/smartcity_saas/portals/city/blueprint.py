"""The blueprint of a city's console, and what its navigation needs."""

from __future__ import annotations

from typing import Any

from flask import g

from smartcity_saas.portals.document_pages import DocumentPages, add_document_pages
from smartcity_saas.portals.locks import locks_over
from smartcity_saas.portals.new_service import NewServicePages, add_new_service_pages
from smartcity_saas.portals.staff_pages import StaffPages, add_staff_pages
from smartcity_saas.product import product
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>"

blueprint = ConsoleBlueprint("city", __name__)


def shell(city: str) -> dict[str, Any]:
    """The city's document, which authorization has found within the actor's reach, and what is
    served of it (None if nothing compiles)."""
    served = product().registry.snapshot.cities.get(city)
    g.zone_city = served
    return {
        "console_city": g.console_city,
        "served": served,
        "locks": locks_over(g.console_city.province),
        "broken": product().registry.snapshot.broken.get(city),
    }


add_document_pages(
    blueprint,
    DocumentPages(ROOT, lambda city: city, "city.see", "city.change", "city.catalog", shell),
)
add_staff_pages(blueprint, StaffPages(ROOT, "city", "city.staff", shell))
add_new_service_pages(
    blueprint,
    NewServicePages(ROOT, lambda city: city, "city.change", shell, here="catalog", after=""),
)
