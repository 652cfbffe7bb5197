"""API clients: their secrets, tokens and scopes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.cli.clients import clients as command_line
from smartcity_saas.database import db
from smartcity_saas.identity.api_clients import clients
from smartcity_saas.identity.api_clients.models import ApiClient, ApiToken
from smartcity_saas.identity.tokens import token_hash
from tests.support.api_client import BILL, ROOT, Office
from tests.support.browser import fresh
from tests.support.world import World


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
