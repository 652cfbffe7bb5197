"""What reviewers found: each stays mended."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, FieldErrors, Invalid, Throttled
from smartcity_saas.identity.api_clients.models import ApiAnswer
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.personal_data.records import erase
from smartcity_saas.identity.residents.accounts import (
    SignedInResident,
    link,
    sign_in,
    signed_in,
    unlink,
)
from smartcity_saas.identity.residents.assurance import verify_contact, verify_real_name
from smartcity_saas.identity.residents.merging import merge
from smartcity_saas.identity.residents.models import Resident, ResidentContact
from smartcity_saas.identity.residents.one_time_codes import (
    MOST_TRIES_FROM_ADDRESS,
    send_code,
    use_code,
)
from smartcity_saas.identity.staff.accounts import change_roles
from smartcity_saas.identity.staff.roles import AUDITOR, CITY_ADMIN, OPERATOR
from tests.support.api_client import Office
from tests.support.browser import fresh
from tests.support.residents import NUMBER, PHONE, by_phone
from tests.support.staff import STRONG, invite, link_of, make
from tests.support.world import World


def test_codes_cannot_be_guessed_day_after_hour(phones: World) -> None:
    """However many browsers and codes: within a day so many tries, and no more texts to one
    telephone than a day can bear."""
    city, tries = phones.city("hangzhou"), 0
    with pytest.raises(Throttled), phones.inside("hangzhou"):
        for round_ in range(60):
            now = phones.clock()
            _number, code = send_code(city, "p", PHONE, f"b{round_}", "192.0.2.1", "en", now)
            for _try in range(5):
                wrong = "000000" if code != "000000" else "111111"
                with pytest.raises(FieldErrors):
                    use_code("p", wrong, f"b{round_}", "192.0.2.1", now)
                tries += 1
            phones.clock.move(minutes=6)
    assert tries <= MOST_TRIES_FROM_ADDRESS


def test_one_network_does_not_shut_a_city(phones: World) -> None:
    """A /64 counts as one: its hundredth address is refused, somebody else's first is not."""
    with phones.inside("hangzhou"):
        city, now = phones.city("hangzhou"), phones.clock()
        with pytest.raises(Throttled):
            for number in range(100):
                address = f"2001:db8:0:1::{number:x}"
                send_code(city, "p", f"139{number:08d}", "b", address, "en", now)
        assert send_code(city, "p", PHONE, "b2", "203.0.113.9", "en", now)


def test_ones_own_word_gives_way(world: World) -> None:
    """Names are tried five times a day; a channel's verified name takes a number from somebody's
    word, and is not replaced by it."""
    with world.inside("hangzhou"):
        now = world.clock()
        people = [
            signed_in(sign_in("demo", AuthenticatedIdentity((name,), name, demo=True)), world.clock)
            for name in "ab"
        ]
        squatter, owner = people[0], people[1]
        assert squatter is not None
        assert owner is not None
        verify_real_name(squatter, "示例", NUMBER, now)
        verify_real_name(owner, "示例", NUMBER, now, by="alipay")
        rows = {r.name: r for r in db.session.scalars(select(Resident))}
        assert (rows["a"].assurance, rows["b"].verified_by) == ("none", "alipay")
        with pytest.raises(Conflict):
            verify_real_name(owner, "另一", NUMBER, now)
        with pytest.raises(Throttled):
            for _try in range(9):
                with pytest.raises(Conflict):
                    verify_real_name(squatter, "示例", NUMBER, now)


def test_merging_both_ways_leaves_one_account(world: World) -> None:
    """The second of two opposite merges is refused: nobody is locked out of both."""
    with world.inside("hangzhou"):
        first, second = (
            signed_in(sign_in("demo", AuthenticatedIdentity((name,), name, demo=True)), world.clock)
            for name in "ab"
        )
        assert first is not None
        assert second is not None
        merge(first, second.id, world.clock())
        with pytest.raises(Conflict):
            merge(second, first.id, world.clock())
        again = signed_in(
            sign_in("demo", AuthenticatedIdentity(("b",), "b", demo=True)), world.clock
        )
        assert again is not None
        assert again.id == first.id


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


def test_roles_stay_at_their_place(world: World) -> None:
    """An account of a city is not made an operator's by changing its roles."""
    make(world, "bob.city", AUDITOR, city="hangzhou")
    with pytest.raises(Invalid):
        change_roles(system("test"), "bob.city", [OPERATOR], world.clock)


def test_invitations_end_with_their_inviter(world: World) -> None:
    """Whoever is dismissed leaves no door open."""
    make(world, "bob.city", CITY_ADMIN, demo=True, city="hangzhou")
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="bob.city", password=STRONG)
    link = link_of(invite(world, browser, "/cities/hangzhou/staff", CITY_ADMIN).text)
    assert world.client("console.localhost").get(link).status_code == 200
    world.city_staff("hangzhou").post(
        "/cities/hangzhou/staff/bob.city/disable", "/cities/hangzhou/staff"
    )
    assert world.client("console.localhost").get(link).status_code == 404


@pytest.mark.parametrize("path", ["/cities/a%00b/staff", "/cities/hangzhou/secrets/a%00b/probe"])
def test_a_nul_is_no_fault(world: World, path: str) -> None:
    """In a path, a form, or a client's id: refused, on both databases."""
    staff = world.city_staff("hangzhou")
    assert staff.post(path, "/account").status_code in (400, 403, 404, 405)
    token = fresh(
        world.app.test_client().post,
        "/oauth/token",
        base_url="http://hangzhou.localhost",
        data={"grant_type": "client_credentials", "client_id": "a\0b", "client_secret": "x"},
    )
    assert token.status_code in (400, 401)


@pytest.mark.parametrize("answer", ["null", "[]", "5", "{", ""])
def test_an_odd_passkey_is_no_fault(world: World, answer: str) -> None:
    """Whatever stands where a browser's answer should: told to try again."""
    make(world, "wu.min", OPERATOR)
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="wu.min", password=STRONG)
    assert browser.post("/sign-in/set-up", answer=answer).status_code == 422


def test_an_issuer_s_subjects_are_its_own() -> None:
    """The same subject of another issuer is somebody else."""
    from smartcity_saas.identity.federation.channels.oidc import _vouched

    subjects = {
        _vouched({}, {"iss": issuer, "sub": "1001"}, "t").subjects
        for issuer in ("https://old.example", "https://new.example")
    }
    assert len(subjects) == 2


@pytest.mark.parametrize(
    "body, status",
    [
        (b'{"items": [{"holder": "\\ud800"}]}', 200),  # each item is answered by itself
        (b'{"items": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b'{"items": [{"amount": ' + b"9" * 5000 + b"}]}", 400),
    ],
)
def test_odd_json_is_no_fault(world: World, body: bytes, status: int) -> None:
    """Half a character, nesting and numbers beyond all measure: refused, and nothing is stored."""
    office = Office(world)
    answer = fresh(
        world.app.test_client().post,
        "/api/v1/utility-bills/bills",
        data=body,
        base_url="http://hangzhou.localhost",
        content_type="application/json",
        headers={"Authorization": f"Bearer {office.token}"},
    )
    assert answer.status_code == status, answer.text
    if status == 200:
        assert (answer.json["added"], answer.json["results"][0]["status"]) == (0, "refused")


def test_the_old_password_cannot_be_guessed(world: World) -> None:
    """Whoever finds a browser open has five tries."""
    make(world, "wu.min", AUDITOR, city="hangzhou")
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="wu.min", password=STRONG)
    said = [
        browser.post(
            "/account/password", "/account", old_password="no", new_password="x" * 20
        ).status_code
        for _try in range(7)
    ]
    assert said[:5] == [422] * 5
    assert said[5:] == [429] * 2


def test_nothing_of_a_merged_account_outlives_the_resident(phones: World) -> None:
    """Two numbers, merged, erased: neither opens any more, and no name is left."""
    with phones.inside("hangzhou"):
        first, second = (
            signed_in(
                sign_in("demo", AuthenticatedIdentity((name,), name, demo=True)), phones.clock
            )
            for name in ("甲", "乙")
        )
        assert first is not None
        assert second is not None
        for person, number in ((first, PHONE), (second, "13800000002")):
            verify_contact(person.id, "sms", number, "zh", phones.clock())
        merge(first, second.id, phones.clock())
        erase(first, phones.clock())
        assert db.session.scalars(select(ResidentContact)).all() == []
        assert set(db.session.scalars(select(Resident.name))) == {""}


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
