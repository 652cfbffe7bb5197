"""Traffic tickets of a city, and a resident who is linked to a vehicle."""

from __future__ import annotations

from typing import Any

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.services.traffic_tickets.csv_import import OPTIONAL, REQUIRED, import_tickets
from tests.support.browser import Browser
from tests.support.world import World

ROOT = "/services/traffic-tickets"
LICENCE = "11010519491231002X"
ROW = {
    "plate": "浙A12345",
    "vin_tail": "A00017",
    "engine_tail": "E00017",
    "number": "T-1",
    "at": "2026-11-10T08:15",
    "place_zh": "示例路",
    "place_en": "Sample Road",
    "act_code": "1039",
    "act_zh": "违停",
    "act_en": "Parking",
    "points": "0",
    "fine": "100.00",
    "status": "open",
}
RED = {"number": "T-2", "act_code": "1625", "points": "6", "fine": "200.00"}


def bring(world: World, *rows: dict[str, str], city: str = "hangzhou", **options: Any) -> Any:
    columns = [*REQUIRED, *OPTIONAL]
    lines = [",".join(columns)]
    lines += [",".join({**ROW, **row}.get(c, "") for c in columns) for row in rows or ({},)]
    with world.inside(city):
        data = "\n".join(lines).encode()
        return import_tickets(
            ImportRequest(system("t"), world.city(city), data, "t.csv", world.clock(), **options)
        )


def linked(world: World, subject: str = "household") -> Browser:
    browser = world.resident(subject=subject)
    done = browser.post(f"{ROOT}/vehicles", plate="浙A12345", tail="A00017")
    assert done.status_code == 302, done.text
    return browser


def tickets(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/api/v1/traffic-tickets").json["tickets"]  # type: ignore[index]
    return found
