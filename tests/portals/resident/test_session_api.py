"""A resident's own token for programs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.identity.api_clients.models import ApiAnswer
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents.accounts import SignedInResident, link, unlink
from smartcity_saas.identity.residents.models import Resident
from tests.support.api_client import ROOT
from tests.support.browser import fresh
from tests.support.residents import by_phone
from tests.support.world import World


def test_an_empty_bearer_is_no_way_round(world: World) -> None:
    """With the header there, no cookie counts, however empty the token."""
    browser = world.resident("hangzhou")
    answer = fresh(
        browser.client.post,
        "/api/v1/session/token",
        base_url="http://hangzhou.localhost",
        headers={"Authorization": "Bearer "},
    )
    assert answer.status_code == 401


def test_a_token_is_kept_nowhere(world: World) -> None:
    """Neither as an answer to be given again, nor made from another token."""
    browser = world.resident("hangzhou")
    csrf = browser.get("/api/v1/session").json["csrf_token"]
    made = fresh(
        browser.client.post,
        "/api/v1/session/token",
        base_url="http://hangzhou.localhost",
        headers={"X-CSRFToken": csrf, "Idempotency-Key": "k"},
    )
    with world.inside("hangzhou"):
        assert db.session.scalars(select(ApiAnswer)).all() == []
    another = fresh(
        browser.client.post,
        "/api/v1/session/token",
        base_url="http://hangzhou.localhost",
        headers={"Authorization": f"Bearer {made.json['token']}"},
    )
    assert another.status_code == 403


def test_a_programs_token_ends_with_its_way_in(phones: World) -> None:
    """Unlinked, the way lets nobody in, by whatever came of it."""
    browser = by_phone(phones)
    csrf = browser.get("/api/v1/session").json["csrf_token"]
    made = fresh(
        browser.client.post,
        "/api/v1/session/token",
        base_url="http://hangzhou.localhost",
        headers={"X-CSRFToken": csrf},
    )
    with phones.inside("hangzhou"):
        person = db.session.scalars(select(Resident)).one()
        resident = SignedInResident(person.id, person.name, False)
        link(
            resident, "demo", AuthenticatedIdentity(("household",), "x", demo=True), phones.clock()
        )
        unlink(resident, "phone", phones.clock())
    answer = fresh(
        phones.app.test_client().get,
        "/api/v1/utility-bills",
        base_url="http://hangzhou.localhost",
        headers={"Authorization": f"Bearer {made.json['token']}"},
    )
    assert answer.status_code == 401


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
