"""The API: pages, counting, what a payer may say, and its own description."""

from __future__ import annotations

import contextvars
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from sqlalchemy import func, select

from smartcity_saas.database import db
from smartcity_saas.payments.models import Payment
from tests.support.api_client import BILL, ROOT, Office, bearer_of
from tests.support.browser import Browser, fresh
from tests.support.payments import PAY, Owing
from tests.support.world import World


def test_pages_by_cursor(world: World) -> None:
    """Every row once, whatever is added meanwhile; the link leads on."""
    office = Office(world)
    office.push(*({**BILL, "period": f"2026-{month:02d}"} for month in range(1, 8)))
    seen, path = [], "/utility-bills/bills?limit=3"
    while True:
        answer = office.call("GET", path)
        seen += [one["period"] for one in answer.json["items"]]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            break
        assert 'rel="next"' in answer.headers["Link"]
        path = f"/utility-bills/bills?limit=3&cursor={cursor}"
    assert sorted(seen) == [f"2026-{month:02d}" for month in range(1, 8)]


@pytest.mark.parametrize("more", [{"amount": 1}, {"currency": "USD"}])
def test_a_payer_does_not_say_how_much(world: World, more: dict[str, Any]) -> None:
    """What is asked for is what the bills say: another word of it is refused in JSON, and in a
    form it changes nothing."""
    owing = Owing(world)
    csrf = owing.browser.get(f"{ROOT}/session").json["csrf_token"]
    refused = fresh(
        owing.browser.client.post,
        f"{ROOT}/utility-bills/payments",
        base_url="http://hangzhou.localhost",
        json={"bills": owing.bills, **more},
        headers={"X-CSRFToken": csrf},
    )
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json["problems"]] == [f"/{name}" for name in more]
    with world.inside("hangzhou"):
        assert db.session.scalar(select(func.count(Payment.id))) == 0
    assert owing.browser.post(PAY, "/me", bill=owing.bills, **more).status_code == 303
    payment, session = owing.payment(), owing.stripe.session()
    assert (payment.amount, payment.currency) == (7350, "CNY")
    assert (session["amount_total"], session["currency"]) == (7350, "cny")


def test_calls_are_counted(world: World) -> None:
    """Every answer says how many are left, the one that refuses too; who is nobody is counted."""
    office = Office(world)
    world.app.config["API_LIMITS"] = {"client": 3, "resident": 3, "address": 3}
    try:
        left = [
            office.call("GET", "/utility-bills/bills").headers.get("RateLimit-Remaining")
            for _n in range(3)
        ]
        refused = office.call("GET", "/utility-bills/bills")
        nobody = world.client("hangzhou.localhost")
        strangers = [nobody.get(f"{ROOT}/utility-bills/bills").status_code for _n in range(4)]
    finally:
        del world.app.config["API_LIMITS"]
    assert left == ["2", "1", "0"]
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert refused.headers["RateLimit-Limit"] == "3"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert refused.headers["RateLimit-Reset"] == refused.headers["Retry-After"]
    assert strangers == [401, 401, 401, 429]


def test_the_description_is_served_and_read(world: World) -> None:
    """OpenAPI 3.1 with every operation, its scopes and answers; and a page of it that
    runs nothing but the product's own scripts."""
    browser: Browser = world.client("hangzhou.localhost")
    spec = browser.get(f"{ROOT}/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    push = spec["paths"][f"{ROOT}/utility-bills/bills"]["post"]
    assert push["security"] == [{"oauth2": ["bills:write"]}]
    page = browser.get(f"{ROOT}/docs").text
    assert f"POST {ROOT}/utility-bills/bills" in page
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts
    assert all(one.startswith('<script src="/static/') for one in scripts)
    chinese = world.client("hangzhou.localhost", "zh").get(f"{ROOT}/docs").text
    assert "一次最多写入 500 条账单" in chinese
    assert "Save up to 500" not in chinese
    assert world.client("hangzhou.localhost", "zh").get(f"{ROOT}/openapi.json").json == spec


REACHED = {
    "client": {
        "GET /api/v1/utility-bills/bills",
        "GET /api/v1/traffic-tickets/tickets",
        "GET /api/v1/hospital-appointments/schedules",
    },
    "resident": {
        "GET /api/v1/session",
        "GET /api/v1/utility-bills",
        "GET /api/v1/traffic-tickets",
        "GET /api/v1/hospital-appointments",
        "GET /api/v1/hospital-appointments/departments",
    },
}
"""What a walk must get in to, or it has tried nothing."""


@pytest.mark.parametrize("who", REACHED)
@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
def test_nothing_is_found_by_trying_everything(world: World, city: str, who: str) -> None:
    """schemathesis sends what the description allows and what it does not, as a back office and as
    a resident of each city: no fault, every answer as described."""
    token = Office(world, city).token if who == "client" else bearer_of(world, city)
    world.app.config["API_LIMITS"] = {"client": 10**9, "resident": 10**9, "address": 10**9}
    headers = {"Host": f"{city}.localhost", "Authorization": f"Bearer {token}"}
    config = SchemathesisConfig.from_dict(
        {
            "headers": headers,
            "generation": {"database": "none"},
            "checks": {
                # A resident's made-up cookie beside their good token counts for nothing.
                "ignored_auth": {"enabled": who == "client"},
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "401", "403", "404", "409", "422"]
                },
                # A push answers for each item: a malformed one is refused in an answer of 200.
                "negative_data_rejection": {"expected-statuses": ["200", "4xx"]},
            },
        }
    )

    def application(environ: Any, start: Any) -> Any:
        """The application as a server calls it: from this machine, in a context of its own."""
        environ["REMOTE_ADDR"] = "127.0.0.1"
        return contextvars.Context().run(world.app, environ, start)

    schema = schemathesis.openapi.from_wsgi(
        f"{ROOT}/openapi.json", application, headers=headers, config=config
    )
    seen: dict[str, set[int]] = {}
    try:
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=6,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def attempt(case: Any) -> None:
                answer = case.call_and_validate(headers=headers)
                seen.setdefault(case.operation.label, set()).add(answer.status_code)

            attempt()
    finally:
        del world.app.config["API_LIMITS"]
    assert len(seen) >= 15
    reached = {label for label, codes in seen.items() if codes & {200, 201}}
    assert REACHED[who] <= reached
