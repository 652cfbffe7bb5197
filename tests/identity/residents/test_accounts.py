"""Accounts of residents: come in by a number, linked, unlinked, at one site or two."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.credentials import CredentialError
from smartcity_saas.credentials.personal_encryption import open_personal, seal_personal
from smartcity_saas.database import db
from smartcity_saas.identity.residents.models import (
    Resident,
    ResidentContact,
    ResidentIdentity,
)
from tests.support.channels import AGENTS, Person
from tests.support.documents import HANGZHOU
from tests.support.residents import NUMBER, PHONE, by_phone, code_of
from tests.support.world import World


def test_a_number_brings_one_in(phones: World) -> None:
    """A code, used once; the number is a verified contact, and stands nowhere as it is."""
    browser = by_phone(phones)
    assert browser.get("/me").status_code == 200
    by_phone(phones)
    with phones.inside("hangzhou"):
        row = db.session.scalars(select(Resident)).one()
        contact = db.session.scalars(select(ResidentContact)).one()
        subject = db.session.scalars(select(ResidentIdentity.subject)).one()
        assert open_personal("sms", contact.sealed, phones.clock()) == PHONE
    assert row.assurance == "contact"
    assert contact.shown == "138****0001"
    assert PHONE not in subject


def test_a_second_way_in(phones: World) -> None:
    """A sample resident links a number, comes in by it, and unlinks it; the last way stays."""
    browser = phones.resident("hangzhou")
    assert browser.post("/me/ways-in/demo/unlink", "/me/ways-in").status_code == 409
    page = browser.post("/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE).text
    answer = browser.post(
        "/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE, code=code_of(page)
    )
    assert answer.headers["Location"] == "/me/ways-in?linked=phone"
    other = by_phone(phones)
    assert "示例住户甲" in other.get("/me").text
    assert browser.post("/me/ways-in/phone/unlink", "/me/ways-in").status_code == 302
    assert other.get("/me").status_code == 302, "sessions of an unlinked way end"
    assert browser.get("/me").status_code == 200


def test_linking_at_another_site(apps: World) -> None:
    """A channel of another site is linked by coming back from it, as whoever began."""
    browser = apps.resident("hangzhou")
    away = browser.post("/me/ways-in/weibo/link", "/me/ways-in").headers["Location"]
    person = Person(apps)
    person.browser = browser
    assert person.back(person.press(away)).headers["Location"] == "/me/ways-in?linked=weibo"
    again = Person(apps)
    again.sign_in("weibo")
    assert "示例住户甲" in again.browser.get("/me").text


def test_a_link_that_somebody_else_began(apps: World) -> None:
    """Begun as one resident and ended as another, in the same browser: refused."""
    browser = apps.resident("hangzhou")
    away = browser.post("/me/ways-in/weibo/link", "/me/ways-in").headers["Location"]
    person = Person(apps, agent=AGENTS["weibo"])
    person.browser = browser
    back = person.press(away)
    with browser.client.session_transaction(base_url="http://hangzhou.localhost") as cookie:
        mark = cookie["browser"]
    browser.post("/sign-out", "/me")
    browser.post("/sign-in/demo", "/sign-in", subject="parents")
    with browser.client.session_transaction(base_url="http://hangzhou.localhost") as cookie:
        cookie["browser"] = mark
    assert person.back(back).status_code == 400


def test_a_service_leads_through_the_step_it_needs(phones: World) -> None:
    """New business waits until the city is sure enough; then one is back where one was."""
    phones.save(
        HANGZHOU + "channels: {phone: {state: open}}\n"
        "services: {utility_bills: {assurance: real_name}}\n",
        based_on=2,
    )
    browser = phones.resident("hangzhou")
    answer = browser.get("/services/utility-bills/link?kind=water")
    where = answer.headers["Location"]
    assert where.startswith("/me/verify?next=/services/utility-bills/link")
    said = browser.get("/api/v1/session").json["csrf_token"]
    refused = browser.client.post(
        "/api/v1/utility-bills/payments",
        base_url="http://hangzhou.localhost",
        json={"bills": []},
        headers={"X-CSRFToken": said},
    )
    assert refused.status_code == 403
    fields: dict[str, Any] = {"real_name": "示例", "number": NUMBER, "next": "/me/payments"}
    assert browser.post("/me/verify", **fields).status_code == 422, "not without a yes"
    assert browser.post("/me/verify", agree="1", **fields).headers["Location"] == "/me/payments"
    assert browser.get("/services/utility-bills/link?kind=water").status_code == 200


def test_a_number_belongs_to_one_account(phones: World) -> None:
    """The second who types it is led to merging; another city does not know it."""
    fields = {"real_name": "示例", "number": NUMBER, "agree": "1"}
    assert phones.resident("hangzhou").post("/me/verify", **fields).status_code == 302
    answer = phones.resident("hangzhou", "parents").post("/me/verify", **fields)
    assert (answer.status_code, "Another account in this city uses this number" in answer.text) == (
        409,
        True,
    )
    assert phones.resident("ningbo").post("/me/verify", **fields).status_code == 302


def test_what_is_sealed_opens_in_its_city_alone(world: World) -> None:
    """A sealed name moved to another city, or shown as something else, does not open."""
    with world.inside("hangzhou"):
        sealed = seal_personal("real_name", "示例", world.clock())
        with pytest.raises(CredentialError):
            open_personal("number", sealed, world.clock())
    with world.inside("ningbo"), pytest.raises(CredentialError):
        open_personal("real_name", sealed, world.clock())
    assert system("test")
