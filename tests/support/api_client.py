"""A back office that calls the API."""

from __future__ import annotations

import base64
from typing import Any

from smartcity_saas.audit import system
from smartcity_saas.identity.api_clients import clients
from tests.support.browser import fresh
from tests.support.world import World

ROOT = "/api/v1"
ALL = [
    "bills:read",
    "bills:write",
    "tickets:read",
    "tickets:write",
    "schedules:read",
    "schedules:write",
]


class Office:
    """A back office of a city, with its token."""

    def __init__(self, world: World, city: str = "hangzhou", *scopes: str) -> None:
        self.world, self.host = world, f"{city}.localhost"
        with world.inside(city):
            made = clients.create_client(system("test"), "office", scopes or ALL, world.clock())
        self.client_id, self.secret = made.client_id, made.secret
        self.token = self.ask().json["access_token"]

    def ask(self, secret: str | None = None, host: str | None = None, **form: str) -> Any:
        pair = base64.b64encode(f"{self.client_id}:{secret or self.secret}".encode()).decode()
        return fresh(
            self.world.app.test_client().post,
            "/oauth/token",
            base_url=f"http://{host or self.host}",
            data={"grant_type": "client_credentials", **form},
            headers={"Authorization": f"Basic {pair}"},
        )

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {options.pop('token', self.token)}",
            **options.pop("headers", {}),
        }
        return fresh(
            self.world.app.test_client().open,
            f"{ROOT}{path}",
            method=method,
            base_url=f"http://{options.pop('host', self.host)}",
            headers=headers,
            **({"json": body} if body is not None else {}),
        )

    def push(self, *bills: Any, **options: Any) -> Any:
        return self.call("POST", "/utility-bills/bills", {"items": list(bills)}, **options)


def bearer_of(world: World, city: str) -> str:
    """A resident's own token."""
    browser = world.resident(city)
    csrf = browser.get(f"{ROOT}/session").json["csrf_token"]
    made = fresh(
        browser.client.post,
        f"{ROOT}/session/token",
        base_url=f"http://{city}.localhost",
        headers={"X-CSRFToken": csrf},
    )
    return str(made.json["token"])


BILL = {
    "kind": "water",
    "account_number": "4100280017",
    "holder": "示例",
    "address": "示例路 1 号",
    "period": "2026-10",
    "usage": "12.5",
    "amount": 4350,
    "issued_on": "2026-11-01",
    "due_on": "2026-11-30",
}
TICKET = {
    "plate": "浙A12345",
    "vin_tail": "AB1234",
    "engine_tail": "CD5678",
    "number": "3301001",
    "at": "2026-11-01T08:15",
    "place_zh": "示例路",
    "place_en": "Sample Road",
    "act_code": "1039",
    "act_zh": "违停",
    "act_en": "Parking",
    "points": 0,
    "fine": 15000,
    "status": "open",
}
CLINIC = {
    "hospital_code": "h1",
    "hospital_zh": "示例医院",
    "hospital_en": "Sample Hospital",
    "department_code": "d1",
    "department_zh": "内科",
    "department_en": "Medicine",
    "doctor_code": "x1",
    "doctor_zh": "示例医生",
    "doctor_en": "Sample Doctor",
    "title_zh": "主任",
    "title_en": "Consultant",
    "day": "2026-12-01",
    "half": "am",
    "clinic": "general",
    "fee": 2500,
    "starts": "08:00",
    "ends": "11:30",
    "capacity": 20,
}


PUSHES = {
    "/utility-bills/bills": (BILL, "amount", {"period": "2026-08"}),
    "/traffic-tickets/tickets": (TICKET, "fine", {"number": "3301003"}),
    "/hospital-appointments/schedules": (CLINIC, "fee", {"day": "2026-12-03"}),
}
