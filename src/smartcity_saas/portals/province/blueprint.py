"""The blueprint of a province's console, and what its navigation needs."""

from __future__ import annotations

from typing import Any

from flask import g

from smartcity_saas.portals.document_pages import DocumentPages, add_document_pages
from smartcity_saas.portals.new_service import NewServicePages, add_new_service_pages
from smartcity_saas.portals.province.service_reach import service_reach
from smartcity_saas.portals.staff_pages import StaffPages, add_staff_pages
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/provinces/<province>"

blueprint = ConsoleBlueprint("province", __name__)


def shell(province: str) -> dict[str, Any]:
    """The province's own document, which authorization has found within the actor's reach."""
    return {"console_province": g.console_province}


add_document_pages(
    blueprint,
    DocumentPages(
        ROOT,
        lambda province: f"province:{province}",
        "province.see",
        "province.change",
        "province.change",
        shell,
    ),
)
add_staff_pages(blueprint, StaffPages(ROOT, "province", "province.staff", shell))
add_new_service_pages(
    blueprint,
    NewServicePages(
        ROOT,
        lambda province: f"province:{province}",
        "province.change",
        shell,
        here="new-service",
        after="/history",
        reach=service_reach,
    ),
)
