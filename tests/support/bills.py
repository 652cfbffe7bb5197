"""Bills of a city, and a resident who is linked to an account."""

from __future__ import annotations

from typing import Any

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.services.utility_bills.csv_import import import_bills
from tests.support.world import World

ROOT = "/services/utility-bills"
HEADER = "kind,account_number,holder,address,period,usage,amount,issued_on,due_on,paid_on\n"
ROW = "water,4100280017,王某,示例路 1 号,2026-10,15,43.50,2026-11-03,2026-11-30,\n"


def bring(
    world: World,
    text: str = HEADER + ROW,
    city: str = "hangzhou",
    name: str = "b.csv",
    **options: Any,
) -> Any:
    world.app.registry.refresh()
    served = world.app.registry.snapshot.cities[city]
    with world.inside(city):
        return import_bills(
            ImportRequest(system("test"), served, text.encode(), name, world.clock(), **options)
        )


def linked(world: World, city: str = "hangzhou") -> Any:
    bring(world, city=city)
    browser = world.resident(city)
    answer = browser.post(
        f"{ROOT}/link", kind="water", number="4100 2800 17", holder="王某", nickname="我家"
    )
    assert answer.status_code == 302, answer.text
    return browser, answer.headers["Location"]
