"""The API: who may call what, writes that are sent again, pages, pushes, and its description."""

from __future__ import annotations

import base64
import contextvars
import json
import re
from typing import Any

import pytest
import schemathesis
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from sqlalchemy import func, select

from smartcity_saas.audit import system
from smartcity_saas.catalog.bulk_push import take_push
from smartcity_saas.cli.clients import clients as command_line
from smartcity_saas.database import db
from smartcity_saas.identity.api_clients import clients
from smartcity_saas.identity.api_clients.models import ApiClient, ApiToken
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.payments.models import Payment
from smartcity_saas.services.utility_bills import api as bills_api
from tests.support.api_client import ROOT, Office, bearer_of
from tests.support.browser import Browser, fresh
from tests.support.payments import PAY, Owing
from tests.support.world import World

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


def test_a_token_of_client_credentials(world: World) -> None:
    """By HTTP Basic or in the form; an hour; the scopes that were asked for and are held."""
    office = Office(world, "hangzhou", "bills:read", "bills:write")
    answer = office.ask(scope="bills:write tickets:write").json
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "bills:write")
    assert answer["expires_in"] == 3600
    form = fresh(
        world.app.test_client().post,
        "/oauth/token",
        base_url="http://hangzhou.localhost",
        data={
            "grant_type": "client_credentials",
            "client_id": office.client_id,
            "client_secret": office.secret,
        },
    )
    assert form.status_code == 200
    world.clock.move(hours=2)
    assert office.call("GET", "/utility-bills/bills").status_code == 401


def test_wrong_secrets_and_unknown_clients_answer_alike(world: World) -> None:
    """Nobody learns which clients there are; bytes that are no text are no fault."""
    office = Office(world)
    wrong = office.ask(secret="wrong")
    client_id, office.client_id = office.client_id, "c-unknown"
    unknown = office.ask()
    assert (wrong.status_code, wrong.data) == (unknown.status_code, unknown.data)
    assert wrong.status_code == 401
    odd = fresh(
        world.app.test_client().post,
        "/oauth/token",
        base_url="http://hangzhou.localhost",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
    )
    assert odd.status_code == 401
    assert client_id


def test_a_client_is_its_city_s(world: World) -> None:
    """Its secret gets no token elsewhere, and its token opens nothing there."""
    office = Office(world)
    assert office.ask(host="ningbo.localhost").status_code == 401
    assert office.call("GET", "/utility-bills/bills", host="ningbo.localhost").status_code == 401
    assert office.call("GET", "/utility-bills/bills").status_code == 200


def test_a_scope_is_needed(world: World) -> None:
    """Reading is not writing; a resident's session is no client, a client no resident."""
    office = Office(world, "hangzhou", "bills:read")
    assert office.push(BILL).status_code == 403
    assert office.call("GET", "/traffic-tickets/tickets").status_code == 403
    assert office.call("GET", "/utility-bills").status_code == 401
    resident = world.resident("hangzhou")
    assert resident.get(f"{ROOT}/utility-bills/bills").status_code == 401


def test_secrets_rotate_with_a_day_of_overlap_and_close_at_once(world: World) -> None:
    """Both secrets are good for a day; a closed client's tokens are void in the same moment."""
    office = Office(world)
    with world.inside("hangzhou"):
        made = clients.rotate_secret(system("test"), office.client_id, world.clock())
    assert office.ask().status_code == 200
    assert office.ask(secret=made.secret).status_code == 200
    world.clock.move(hours=25)
    assert office.ask().status_code == 401
    token = office.ask(secret=made.secret).json["access_token"]
    assert office.call("GET", "/utility-bills/bills", token=token).status_code == 200
    with world.inside("hangzhou"):
        clients.revoke_client(system("test"), office.client_id, world.clock())
    assert office.call("GET", "/utility-bills/bills", token=token).status_code == 401


def test_secrets_and_tokens_are_stored_hashed(world: World) -> None:
    """Whoever reads the tables can call nothing with what they find, also after a rotation."""
    office = Office(world)
    with world.inside("hangzhou"):
        made = clients.rotate_secret(system("test"), office.client_id, world.clock())
        client = db.session.scalars(select(ApiClient)).one()
        token = db.session.scalars(select(ApiToken)).one()
        kept = [
            str(getattr(row, column.key))
            for row in (client, token)
            for column in row.__table__.columns
        ]
    shown = (office.secret, made.secret, office.token)
    assert [text for text in kept if any(one in text for one in shown)] == []
    assert (client.before_hash, client.secret_hash, token.token_hash) == tuple(
        token_hash(one) for one in shown
    )


def test_a_push_has_a_result_for_each_item(world: World) -> None:
    """What fits is stored, what does not is refused with a pointer; again, nothing changes."""
    office = Office(world)
    wrong = {**BILL, "account_number": "12", "period": "2026-09"}
    found = office.push(BILL, wrong, {**BILL, "due_on": "2026-10-01", "period": "2026-08"}).json
    assert [one["status"] for one in found["results"]] == ["stored", "refused", "refused"]
    assert found["results"][1]["problems"][0]["pointer"] == "/items/1/account_number"
    assert (found["added"], office.push(BILL).json["same"]) == (1, 1)
    assert office.push({**BILL, "amount": 5000}).json["changed"] == 1


def test_tickets_and_schedules_are_pushed_too(world: World) -> None:
    """The other two services by the same rules."""
    office = Office(world)
    answer = office.call("POST", "/traffic-tickets/tickets", {"items": [TICKET]})
    assert answer.json["added"] == 1, answer.text
    assert office.call("GET", "/traffic-tickets/tickets").json["items"][0]["number"] == "3301001"
    answer = office.call("POST", "/hospital-appointments/schedules", {"items": [CLINIC]})
    assert answer.json["added"] == 1, answer.text
    assert office.call("GET", "/hospital-appointments/schedules").json["items"][0]["half"] == "am"


@pytest.mark.parametrize(
    "path, good, wrong, other, pointer",
    [
        (
            "/traffic-tickets/tickets",
            TICKET,
            {"number": "3301002", "plate": "A1"},
            {"number": "3301003"},
            "/items/1/plate",
        ),
        (
            "/hospital-appointments/schedules",
            CLINIC,
            {"day": "2026-12-02", "ends": "07:00"},
            {"day": "2026-12-03"},
            "/items/1/ends",
        ),
    ],
    ids=["tickets", "schedules"],
)
def test_a_refused_item_does_not_hold_up_the_others(
    world: World, path: str, good: Any, wrong: Any, other: Any, pointer: str
) -> None:
    """It has a result of its own that says where, and those before and after it are stored."""
    office = Office(world)
    items = [good, {**good, **wrong}, {**good, **other}]
    found = office.call("POST", path, {"items": items}).json
    assert [one["status"] for one in found["results"]] == ["stored", "refused", "stored"]
    assert [one["pointer"] for one in found["results"][1]["problems"]] == [pointer]
    assert (found["added"], len(office.call("GET", path).json["items"])) == (2, 2)


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"items": []}, "/items"),
        ({"items": [BILL] * 501}, "/items"),
        ({"items": BILL}, "/items"),
        ({"items": None}, "/items"),
        ({}, "/items"),
        ({"items": [BILL], "role": "operator"}, "/role"),
    ],
)
def test_bad_bodies_say_where(world: World, body: Any, pointer: str) -> None:
    """Problem details with a pointer to the field; a mass-assigned one is refused, not ignored."""
    answer = Office(world).call("POST", "/utility-bills/bills", body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert pointer in [one["pointer"] for one in answer.json["problems"]]


PUSHES = {
    "/utility-bills/bills": (BILL, "amount", {"period": "2026-08"}),
    "/traffic-tickets/tickets": (TICKET, "fine", {"number": "3301003"}),
    "/hospital-appointments/schedules": (CLINIC, "fee", {"day": "2026-12-03"}),
}
ODD_ITEMS: dict[str, Any] = {
    "no object": lambda good, amount: "x",
    "null": lambda good, amount: None,
    "text for a number": lambda good, amount: {**good, amount: str(good[amount])},
    "a fraction": lambda good, amount: {**good, amount: 43.99},
    "a whole fraction": lambda good, amount: {**good, amount: 43.0},
    "true": lambda good, amount: {**good, amount: True},
    "null for what is needed": lambda good, amount: {**good, amount: None},
    "without what is needed": lambda good, amount: {k: v for k, v in good.items() if k != amount},
    "a key too many": lambda good, amount: {**good, "city_id": 1},
    "a number for a text": lambda good, amount: {**good, next(iter(good)): 7},
    "a line more": lambda good, amount: {
        k: f"{v}\n" if isinstance(v, str) else v for k, v in good.items()
    },
}


@pytest.mark.parametrize("odd", ODD_ITEMS)
@pytest.mark.parametrize("path", PUSHES)
def test_a_malformed_item_holds_up_no_other(world: World, path: str, odd: str) -> None:
    """In every service: it is refused with a pointer, as one that is wrong, and those beside it are
    stored; a value of another type is never taken for what it looks like."""
    good, amount, other = PUSHES[path]
    items = [good, ODD_ITEMS[odd](good, amount), {**good, **other}]
    answer = Office(world).call("POST", path, {"items": items})
    assert answer.status_code == 200, answer.text
    results = answer.json["results"]
    assert [one["status"] for one in results] == ["stored", "refused", "stored"]
    assert all(one["pointer"].startswith("/items/1") for one in results[1]["problems"])
    assert results[1]["problems"]
    assert answer.json["added"] == 2


@pytest.mark.parametrize("path", PUSHES)
def test_a_key_that_stands_twice_is_no_json(world: World, path: str) -> None:
    """The last of two values would win unseen, as of two columns in a table."""
    good, amount, _other = PUSHES[path]
    text = json.dumps({"items": [good]}).replace(f'"{amount}": ', f'"{amount}": 1, "{amount}": ')
    office = Office(world)
    answer = fresh(
        world.app.test_client().post,
        f"{ROOT}{path}",
        base_url="http://hangzhou.localhost",
        data=text,
        content_type="application/json",
        headers={"Authorization": f"Bearer {office.token}"},
    )
    assert answer.status_code == 400
    assert office.call("GET", path).json["items"] == []


def test_a_key_that_is_left_out_leaves_what_is_stored(world: World) -> None:
    """Left out or null, what is paid stays paid; an empty text empties, and that is said."""
    office = Office(world)
    paid = {**BILL, "paid_on": "2026-11-10"}

    def paid_on() -> Any:
        return office.call("GET", "/utility-bills/bills").json["items"][0]["paid_on"]

    assert office.push(paid).json["added"] == 1
    assert office.push({k: v for k, v in BILL.items() if k != "paid_on"}).json["same"] == 1
    assert office.push({**BILL, "paid_on": None}).json["same"] == 1
    assert paid_on() == "2026-11-10"
    emptied = office.push({**BILL, "paid_on": ""}).json
    assert (emptied["changed"], emptied["paid_differs"], paid_on()) == (1, 1, None)
    assert emptied["results"][0]["notes"][0]["pointer"] == "/items/0/amount"
    # One item's key says nothing of another's.
    mixed = office.push({**BILL, "period": "2026-08"}, {**paid, "period": "2026-07"}).json
    assert mixed["added"] == 2


def test_what_is_no_json(world: World) -> None:
    """Broken JSON 400, another type 415, a query that is not known 422, a wrong method 405 with
    ``Allow``: always problem details."""
    office = Office(world)

    def send(method: str, path: str, data: bytes, kind: str) -> Any:
        return fresh(
            world.app.test_client().open,
            f"{ROOT}{path}",
            method=method,
            data=data,
            base_url="http://hangzhou.localhost",
            content_type=kind,
            headers={"Authorization": f"Bearer {office.token}"},
        )

    assert send("POST", "/utility-bills/bills", b"{", "application/json").status_code == 400
    assert send("POST", "/utility-bills/bills", b"a=1", "text/plain").status_code == 415
    wrong = send("GET", "/utility-bills/bills?limit=0", b"", "text/plain")
    assert wrong.json["problems"][0]["pointer"] == "/?limit"
    assert send("GET", "/utility-bills/bills?cursor=x", b"", "text/plain").status_code == 422
    odd = send("PUT", "/utility-bills/bills", b"", "text/plain")
    assert (odd.status_code, "POST" in odd.headers["Allow"]) == (405, True)
    for answer in (wrong, odd):
        assert answer.content_type == "application/problem+json"


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


def test_a_write_that_is_sent_again_is_answered_the_same(world: World) -> None:
    """By its key, for whoever sent it, in its city; another body with the same key is refused."""
    office = Office(world)
    key = {"Idempotency-Key": "k-1"}
    first = office.push(BILL, headers=key)
    again = office.push(BILL, headers=key)
    assert (first.json, "Idempotency-Replayed" in first.headers) == (again.json, False)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert office.push({**BILL, "amount": 1}, headers=key).status_code == 422
    assert "Idempotency-Replayed" not in Office(world).push(BILL, headers=key).headers
    assert "Idempotency-Replayed" not in Office(world, "ningbo").push(BILL, headers=key).headers
    world.clock.move(hours=25)
    office.token = office.ask().json["access_token"]
    assert "Idempotency-Replayed" not in office.push(BILL, headers=key).headers
    assert office.push(BILL, headers={"Idempotency-Key": ""}).status_code == 422


def test_a_write_that_is_still_being_done_is_not_done_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent again meanwhile it is told to wait; the first goes on, and its answer is kept."""
    office, key, meanwhile = Office(world), {"Idempotency-Key": "k-1"}, []

    def take_time(*arguments: Any) -> Any:
        monkeypatch.setattr(bills_api, "take_push", take_push)
        meanwhile.append(office.push(BILL, headers=key))
        return take_push(*arguments)

    monkeypatch.setattr(bills_api, "take_push", take_time)
    assert office.push(BILL, headers=key).json["added"] == 1
    assert [one.status_code for one in meanwhile] == [409]
    assert office.push(BILL, headers=key).json["added"] == 1, "as the first was answered"


def test_a_write_whose_process_died_is_done_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was stored and nothing answered: for a minute its key waits, then it is free."""
    office, key = Office(world), {"Idempotency-Key": "k-1"}

    def die(*arguments: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(bills_api, "take_push", die)
    with pytest.raises(SystemExit):
        office.push(BILL, headers=key)
    monkeypatch.undo()
    assert office.push(BILL, headers=key).status_code == 409
    world.clock.move(minutes=2)
    anew = office.push(BILL, headers=key)
    assert (anew.json["added"], "Idempotency-Replayed" in anew.headers) == (1, False)
    assert office.push(BILL, headers=key).headers["Idempotency-Replayed"] == "true"


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


def test_a_resident_by_a_token_of_their_own(world: World) -> None:
    """Made with the session, used without it or any form's token; listed and ended as a session."""
    browser = world.resident("hangzhou")
    csrf = browser.get(f"{ROOT}/session").json["csrf_token"]
    made = fresh(
        browser.client.post,
        f"{ROOT}/session/token",
        base_url="http://hangzhou.localhost",
        headers={"X-CSRFToken": csrf},
    )
    assert made.status_code == 201, made.text

    def call(method: str, path: str, token: str, city: str = "hangzhou", **options: Any) -> Any:
        return fresh(
            world.app.test_client().open,
            f"{ROOT}{path}",
            method=method,
            base_url=f"http://{city}.localhost",
            headers={"Authorization": f"Bearer {token}"},
            **options,
        )

    token = made.json["token"]
    assert call("GET", "/utility-bills", token).status_code == 200
    assert call("GET", "/utility-bills", token, "ningbo").status_code == 401
    refused = call("POST", "/utility-bills/payments", token, json={"bills": []})
    assert refused.status_code == 422, "no form's token is asked for"
    assert browser.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    stranger = world.client("hangzhou.localhost")
    assert stranger.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == 302


def test_a_session_needs_the_form_s_token(world: World) -> None:
    """A page elsewhere cannot make a signed-in browser write."""
    browser = world.resident("hangzhou")
    answer = fresh(
        browser.client.post,
        f"{ROOT}/utility-bills/payments",
        base_url="http://hangzhou.localhost",
        json={"bills": []},
    )
    assert answer.status_code == 400


def test_the_page_shows_a_secret_once(world: World) -> None:
    """Made, rotated and closed on the console by who may; readable, and by nobody twice."""
    staff = world.city_staff("hangzhou")
    page = staff.post("/cities/hangzhou/clients", name="水务", scopes="bills:write").text
    assert "Copy the secret now" in page
    assert "Copy the secret now" not in staff.get("/cities/hangzhou/clients").text
    assert staff.post("/cities/hangzhou/clients", name="x", scopes="all").status_code == 422


def test_the_command_makes_clients(world: World) -> None:
    """``clients create CITY --scope``: the secret on standard output, this once."""
    made = CliRunner().invoke(
        command_line, ["create", "hangzhou", "--scope", "bills:write", "--format", "json"]
    )
    assert set(json.loads(made.output)) == {"client_id", "client_secret"}
    listed = CliRunner().invoke(command_line, ["list", "hangzhou", "--format", "json"]).output
    assert json.loads(made.output)["client_secret"] not in listed


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
    assert "Store up to 500" not in chinese
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


BODY = {"grant_type": "client_credentials"}
LETTERS: dict[str, tuple[Any, bool, int, str]] = {
    "a scope wholly outside": ({**BODY, "scope": "nothing:read"}, True, 400, "invalid_scope"),
    "another grant": ({"grant_type": "password"}, True, 400, "unsupported_grant_type"),
    "two ways of authentication": (
        {**BODY, "client_id": "x", "client_secret": "y"}, True, 400, "invalid_request",
    ),
    "a parameter twice": (
        {"grant_type": ["client_credentials", "client_credentials"]}, True, 400, "invalid_request",
    ),
    "no grant": ({}, True, 400, "invalid_request"),
    "a grant without a value": ({"grant_type": ""}, True, 400, "invalid_request"),
    "no grant, nobody": ({}, False, 400, "invalid_request"),
    "nobody": (BODY, False, 401, "invalid_client"),
}  # fmt: skip


@pytest.mark.parametrize("letter", LETTERS)
def test_the_token_endpoint_answers_as_the_standard_says(world: World, letter: str) -> None:
    """RFC 6749, sections 2.3, 3.2, 5.1 and 5.2: the error's own code and status, never cached."""
    form, shown, status, error = LETTERS[letter]
    office = Office(world, "hangzhou", "bills:read")
    pair = base64.b64encode(f"{office.client_id}:{office.secret}".encode()).decode()
    answer = fresh(
        world.app.test_client().post,
        "/oauth/token",
        base_url="http://hangzhou.localhost",
        data=form,
        headers={"Authorization": f"Basic {pair}"} if shown else {},
    )
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    good = office.ask()
    assert (good.status_code, "no-store" in good.headers["Cache-Control"]) == (200, True)


def test_a_parameter_without_a_value_is_left_out(world: World) -> None:
    """RFC 6749, section 3.2: it is no second way of authentication, and no scope."""
    office = Office(world, "hangzhou", "bills:read")
    pair = base64.b64encode(f"{office.client_id}:{office.secret}".encode()).decode()
    answer = fresh(
        world.app.test_client().post,
        "/oauth/token",
        base_url="http://hangzhou.localhost",
        data={**BODY, "client_secret": "", "client_id": "", "scope": ""},
        headers={"Authorization": f"Basic {pair}"},
    )
    assert (answer.status_code, answer.json.get("scope")) == (200, "bills:read"), answer.text
