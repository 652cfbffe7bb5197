"""What a city's back office says, and a resident who is linked to it."""

from __future__ import annotations

from typing import Any

from tests.support.world import World

NUMBER = "4100280017"
ACCOUNT = {
    "holder": "王某",
    "address": "示例路 1 号",
    "bills": [
        {
            "period": "2026-10",
            "usage": 15_000,
            "amount": 4350,
            "issued_on": "2026-11-03",
            "due_on": "2026-11-30",
            "further": "is ignored",
        }
    ],
}
TEXT = {"zh": "示例", "en": "Sample"}
VEHICLE = {
    "vin_tail": "A00017",
    "engine_tail": "E00017",
    "violations": [
        {
            "number": "V-1",
            "at": "2026-11-10T08:15:00+08:00",
            "place": TEXT,
            "act_code": "1039",
            "act": TEXT,
            "points": 0,
            "fine": 10_000,
            "status": "open",
        }
    ],
}


def linked(world: World) -> tuple[Any, str]:
    browser = world.resident()
    done = browser.post(
        "/services/utility-bills/link", kind="water", number=NUMBER, holder="王某", nickname="我家"
    )
    assert done.status_code == 302, done.text
    return browser, done.headers["Location"]
