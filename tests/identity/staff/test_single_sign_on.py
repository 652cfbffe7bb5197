"""Staff who come in by their province's own OpenID provider, and acts that want a fresh proof."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials import (
    CredentialError,
    Keyring,
    read_province_secret,
    reencrypt_province_secrets,
    store_province_secret,
)
from smartcity_saas.credentials.models import ProvinceSecret
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Invalid, SettingsError
from smartcity_saas.identity.federation.provider_metadata import published
from smartcity_saas.identity.staff.accounts import change_roles, create_staff, disable_staff
from smartcity_saas.identity.staff.models import Staff, StaffIdentity, StaffSession
from smartcity_saas.identity.staff.roles import CATALOG_EDITOR, PROVINCE_ADMIN
from smartcity_saas.portals.console.single_sign_on import MOST_BEGUN
from tests.support.browser import Browser
from tests.support.documents import SHANGHAI_PROVINCE, ZHEJIANG
from tests.support.lying_provider import LIES, Liar
from tests.support.openid_provider import Provider, running
from tests.support.world import PASSWORD, World

SSO = SecretUse("sso", "single_sign_on.client_secret", "https://id.example")
CALLBACK = "http://console.localhost/sign-in/with/{}/callback"
BASELINES = {"zhejiang": ZHEJIANG, "shanghai": SHANGHAI_PROVINCE}


def client_of(province: str) -> dict[str, Any]:
    return {
        "client_id": f"{province}-console",
        "client_secret": f"secret-of-{province}",
        "redirect_uris": [CALLBACK.format(province)],
        "post_logout_redirect_uris": ["http://console.localhost/sign-in"],
    }


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """The certified one, for the consoles of two provinces."""
    with running([client_of(province) for province in BASELINES]) as found:
        yield found


def connect(world: World, issuer: str, client: str = "{}-console") -> None:
    """Both provinces name the provider."""
    published.forget()
    for province, baseline in BASELINES.items():
        world.save(
            f'{baseline}single_sign_on: {{issuer: "{issuer}", client_id: '
            f"{client.format(province)}, client_secret: {{credential: sso_secret}}}}\n"
        )
        store_province_secret(
            world.app.product.keyring,
            system("test"),
            province,
            "sso_secret",
            f"secret-of-{province}",
            world.clock(),
            world.documents().secret_uses(f"province:{province}"),
        )


def come_back(browser: Browser, where: str) -> Any:
    parts = urlsplit(where)
    assert parts.hostname == "console.localhost"
    return browser.get(f"{parts.path}?{parts.query}")


def going_to(answer: Any) -> str:
    """Where a page that goes on by itself leads."""
    assert answer.status_code == 200, answer.text
    url = str(answer.headers["Refresh"]).removeprefix("0; url=")
    link = re.search(r'class="button wide" href="([^"]+)"', answer.text)
    assert link is not None
    assert unescape(link[1]) == url
    return url


def through(browser: Browser, provider: Provider, who: str, province: str = "zhejiang") -> Any:
    answer = browser.get(f"/sign-in/with/{province}?next=/account")
    assert answer.status_code == 302, answer.text
    return come_back(browser, provider.sign_in(answer.headers["Location"], who))


def link(browser: Browser, provider: Provider, who: str) -> Any:
    url = going_to(browser.post("/account/single-sign-on", "/account"))
    return come_back(browser, provider.sign_in(url, who))


def invited(world: World, roles: list[str], **place: str) -> str:
    admin = world.province_admin()
    page = f"/cities/{place['city']}/staff" if "city" in place else "/provinces/zhejiang/staff"
    answer = admin.post(page, mail="new@city.example", name="New", roles=roles)
    found = re.search(r"http://console.localhost(/invitations/[\w-]+)", answer.text)
    assert found is not None, answer.text
    return found[1]


def test_one_links_comes_in_and_leaves_there_too(world: World, provider: Provider) -> None:
    """Linked under “My account”; from then on without a password; sign-out ends there as well."""
    connect(world, provider.issuer)
    staff = world.city_staff("hangzhou")
    assert link(staff, provider, "wu").headers["Location"] == "/account?done=linked"
    assert "You have been able to sign in with it since" in staff.get("/account").text
    other = world.client("console.localhost")
    page = other.get("/sign-in").text
    assert 'href="/sign-in/with/zhejiang"' in page
    assert through(other, provider, "wu").headers["Location"] == "/account"
    assert other.get("/cities/hangzhou").status_code == 200
    url = going_to(other.post("/sign-out", "/account"))
    assert url.startswith(f"{provider.issuer}/session/end?id_token_hint=")
    assert other.get("/account").status_code == 302


def test_nobody_comes_in_unlinked(world: World, provider: Provider) -> None:
    """A mail address is no link, and the page says what to do."""
    connect(world, provider.issuer)
    create_staff(
        system("test"),
        "mallory",
        "Mallory",
        (CATALOG_EDITOR,),
        PASSWORD,
        mail="mallory@example.test",
        city="hangzhou",
        demo=True,
        now=world.clock(),
    )
    browser = world.client("console.localhost")
    answer = through(browser, provider, "mallory")
    assert (answer.status_code, "No account on this console is linked" in answer.text) == (
        422,
        True,
    )
    assert browser.get("/account").status_code == 302


def test_a_province_vouches_for_its_own_alone(world: World, provider: Provider) -> None:
    """The same person at the same provider, named by another province: nobody comes in; nor can
    staff of one province link another's."""
    connect(world, provider.issuer)
    staff = world.city_staff("hangzhou")
    link(staff, provider, "li")
    browser = world.client("console.localhost")
    assert through(browser, provider, "li", "shanghai").status_code == 422
    with transaction():
        row = db.session.scalars(select(StaffIdentity)).one()
        row.province = "shanghai"  # as if the city had moved: its old province's word is nothing
    assert through(browser, provider, "li", "shanghai").status_code == 422


def test_one_account_over_there_is_one_here(world: World, provider: Provider) -> None:
    """Linking what is linked with somebody else is refused, and changes nothing."""
    connect(world, provider.issuer)
    first, second = world.city_staff("hangzhou"), world.city_staff("ningbo")
    link(first, provider, "zhao")
    answer = link(second, provider, "zhao")
    assert (answer.status_code, "linked with another console account" in answer.text) == (409, True)


def test_who_is_closed_or_given_other_roles_is_out(world: World, provider: Provider) -> None:
    """At the next request, and the provider's word does not bring a closed account back."""
    connect(world, provider.issuer)
    link(world.city_staff("hangzhou"), provider, "sun")
    browser = world.client("console.localhost")
    through(browser, provider, "sun")
    change_roles(system("test"), "staff-hangzhou", ["auditor"], world.clock())
    assert browser.get("/account").status_code == 302
    through(browser, provider, "sun")
    assert browser.get("/account").status_code == 200
    disable_staff(system("test"), "staff-hangzhou", world.clock())
    assert browser.get("/account").status_code == 302
    assert through(browser, provider, "sun").status_code == 422


def test_the_second_factor_stays(world: World, provider: Provider) -> None:
    """For a role that needs one the provider stands in for the password, and for no more."""
    connect(world, provider.issuer)
    path = invited(world, [PROVINCE_ADMIN])
    browser = world.client("console.localhost")
    url = going_to(browser.post(f"{path}/with-province", path, username="qian.yi"))
    answer = come_back(browser, provider.sign_in(url, "qian"))
    assert answer.headers["Location"] == "/sign-in/set-up"
    assert browser.get("/provinces/zhejiang").status_code == 302
    row = db.session.scalars(select(Staff).where(Staff.username == "qian.yi")).one()
    assert (row.password_hash, row.province, row.roles) == ("", "zhejiang", [PROVINCE_ADMIN])


def test_an_invitation_without_a_password(world: World, provider: Provider) -> None:
    """Taken up as somebody whom the provider knows; no password opens the account, not even an
    empty one, and the only way in cannot be unlinked."""
    connect(world, provider.issuer)
    path = invited(world, [CATALOG_EDITOR], city="hangzhou")
    browser = world.client("console.localhost")
    assert "Or without a password" in browser.get(path).text
    assert browser.post(f"{path}/with-province", path, username="").status_code == 422
    url = going_to(browser.post(f"{path}/with-province", path, username="feng"))
    assert come_back(browser, provider.sign_in(url, "feng")).headers["Location"] == "/"
    assert "it has no password" in browser.get("/account").text
    assert browser.post("/account/single-sign-on/unlink", "/account").status_code == 409
    for guess in ("", "a password that nobody has"):
        other = world.client("console.localhost")
        assert other.post("/sign-in", username="feng", password=guess).status_code == 422
    again = world.client("console.localhost")
    assert again.get(path).status_code == 404
    assert through(again, provider, "feng").headers["Location"] == "/account"


def test_a_name_that_is_taken_leaves_the_invitation_open(world: World, provider: Provider) -> None:
    """Nothing is half made: neither the account nor the link."""
    connect(world, provider.issuer)
    world.city_staff("ningbo")
    path = invited(world, [CATALOG_EDITOR], city="hangzhou")
    browser = world.client("console.localhost")
    url = going_to(browser.post(f"{path}/with-province", path, username="staff-ningbo"))
    answer = come_back(browser, provider.sign_in(url, "chen"))
    assert (answer.status_code, "is taken" in answer.text) == (422, True)
    assert db.session.scalars(select(StaffIdentity)).all() == []
    assert browser.get(path).status_code == 200


def test_what_one_browser_began_another_cannot_end(world: World, provider: Provider) -> None:
    """Login CSRF, and the same answer a second time."""
    connect(world, provider.issuer)
    link(world.city_staff("hangzhou"), provider, "wei")
    one, two = world.client("console.localhost"), world.client("console.localhost")
    where = provider.sign_in(one.get("/sign-in/with/zhejiang").headers["Location"], "wei")
    assert come_back(two, where).status_code == 400
    two.get("/sign-in/with/zhejiang")
    assert come_back(two, where).status_code == 400
    assert come_back(one, where).status_code == 302
    assert come_back(one, where).status_code == 400


def test_too_late(world: World, provider: Provider) -> None:
    """Ten minutes, then it begins anew."""
    connect(world, provider.issuer)
    browser = world.client("console.localhost")
    where = provider.sign_in(browser.get("/sign-in/with/zhejiang").headers["Location"], "wei")
    world.clock.move(minutes=11)
    assert come_back(browser, where).status_code == 400


def test_a_link_is_asked_for_by_its_owner(world: World, provider: Provider) -> None:
    """Begun as one, ended as another (who has signed in meanwhile): refused."""
    connect(world, provider.issuer)
    browser = world.city_staff("hangzhou")
    world.city_staff("ningbo")
    where = provider.sign_in(going_to(browser.post("/account/single-sign-on", "/account")), "x")
    with browser.client.session_transaction(base_url="http://console.localhost") as session:
        begun = session["single_sign_on"]
    browser.post("/sign-out", "/account")
    browser.post("/sign-in", username="staff-ningbo", password=PASSWORD)
    with browser.client.session_transaction(base_url="http://console.localhost") as session:
        session["single_sign_on"] = begun
    assert come_back(browser, where).status_code == 403


@pytest.mark.parametrize("lie", LIES)
def test_lies_sign_nobody_in(world: World, lying: tuple[Liar, str], lie: str) -> None:
    """The protocol's checks hold for staff as for residents."""
    liar, base = lying
    liar.bend = LIES[lie]
    connect(world, base, "hangzhou-site")
    browser = world.client("console.localhost")
    back = httpx.get(browser.get("/sign-in/with/zhejiang").headers["Location"])
    answer = come_back(browser, back.headers["Location"])
    assert (answer.status_code, "We could not sign you in" in answer.text) == (400, True)


def test_a_provider_that_is_away(world: World) -> None:
    """A page that says so, at once; the password still works."""
    connect(world, "http://127.0.0.1:9")
    browser = world.client("console.localhost")
    answer = browser.get("/sign-in/with/zhejiang")
    assert (answer.status_code, "is not responding" in answer.text) == (503, True)
    assert world.city_staff("hangzhou").get("/account").status_code == 200


def test_switched_off_it_is_not_there(world: World, provider: Provider) -> None:
    """From the console, at once; and on again."""
    connect(world, provider.issuer)
    admin = world.province_admin()
    page = "/provinces/zhejiang/single-sign-on"
    number = world.documents().live("province:zhejiang").number
    admin.post(f"{page}/state", page, state="closed", revision=number)
    browser = world.client("console.localhost")
    assert "/sign-in/with/zhejiang" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/with/zhejiang").status_code == 404
    admin.post(f"{page}/state", page, state="open", revision=number + 1)
    assert browser.get("/sign-in/with/zhejiang").status_code == 302


def test_a_province_admin_switches_it_on_in_a_form(world: World, provider: Provider) -> None:
    """Issuer, client and secret; the document gets its lines, the secret never shows, and trying
    it says whether the provider answers."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/single-sign-on"
    before = world.documents().live_revision("province:zhejiang").text
    number = world.documents().live("province:zhejiang").number
    wrong = admin.post(page, page, issuer="id.zhejiang", client_id="c", revision=number)
    assert (wrong.status_code, "Write an address" in wrong.text) == (422, True)
    typed = {"client_id": "zhejiang-console", "secret": "secret-of-zhejiang", "revision": number}
    assert admin.post(page, page, issuer=provider.issuer, **typed).status_code == 302
    text = world.documents().live_revision("province:zhejiang").text
    assert text.startswith(before)
    assert "secret-of-zhejiang" not in text
    shown = admin.get(page).text
    stale = admin.post(page, page, issuer=provider.issuer, **typed)
    assert (stale.status_code, 'name="secret" type="password" value=""' in stale.text) == (
        409,
        True,
    )
    assert "secret-of-zhejiang" not in shown + stale.text
    assert CALLBACK.format("zhejiang") in shown
    assert admin.post(f"{page}/probe", page).headers["Location"].endswith("done=works")
    published.forget()
    link(world.city_staff("hangzhou"), provider, "jiang")
    assert "<dd>1</dd>" in admin.get(page).text


def test_a_document_must_be_whole(world: World) -> None:
    """No layer above completes it; and it is a province's, never a city's."""
    with pytest.raises(Invalid) as error:
        world.save(f"{ZHEJIANG}single_sign_on: {{client_id: c}}\n")
    assert [one.pointer for one in error.value.problems] == ["/single_sign_on/issuer"]
    assert "single_sign_on" not in world.documents().live("hangzhou").values


def test_what_wants_a_fresh_proof(world: World) -> None:
    """Ten minutes after the sign-in the password is asked for again, and goes on where one was."""
    browser = world.city_staff("hangzhou")
    assert browser.get("/account/factors").status_code == 200
    world.clock.move(minutes=11)
    answer = browser.get("/account/factors")
    assert answer.headers["Location"] == "/account/prove?next=/account/factors"
    for path in ("/account/recovery-codes", "/account/factors"):
        assert "/account/prove" in browser.post(path, "/account").headers["Location"]
    proof = "/account/prove?next=/account/factors"
    wrong = browser.post("/account/prove", proof, password="wrong", next="/account/factors")
    assert (wrong.status_code, "The password is wrong" in wrong.text) == (422, True)
    assert browser.get("/account/factors").status_code == 302
    right = browser.post("/account/prove", proof, password=PASSWORD, next="/account/factors")
    assert right.headers["Location"] == "/account/factors"
    assert browser.get("/account/factors").status_code == 200


def test_guessing_the_proof_is_limited(world: World) -> None:
    """Five wrong passwords, then a pause."""
    browser = world.city_staff("hangzhou")
    answers = [browser.post("/account/prove", password="wrong").status_code for _try in range(6)]
    assert answers == [422] * 5 + [429]


def test_every_change_of_how_one_signs_in_wants_one(world: World) -> None:
    """A new page for it must be declared so; this lists them. Closing an account waits for none."""
    policies = world.app.policies
    managing = ("change_roles", "renew", "staff_enable", "staff_reset_factors")
    assert {name for name, policy in policies.items() if policy.recent_auth} == {
        "console.add_factor_form",
        "console.add_factor",
        "console.remove_factor",
        "console.new_recovery_codes",
        "console.link_province",
        "console.unlink_province",
        *(f"{portal}.{page}" for portal in ("city", "province", "operator") for page in managing),
    }


def grow_old() -> None:
    """As if whoever is signed in had signed in long ago."""
    with transaction():
        for row in db.session.scalars(select(StaffSession)):
            row.proved_at -= timedelta(hours=1)


def prove_there(browser: Browser) -> str:
    return going_to(
        browser.post("/account/prove/with-province", "/account/prove", next="/account/factors")
    )


def test_a_proof_at_the_province_s_provider(world: World, provider: Provider) -> None:
    """The provider asks anew (``max_age``); only the linked account over there will do."""
    connect(world, provider.issuer)
    browser = world.city_staff("hangzhou")
    link(browser, provider, "tang")
    grow_old()
    assert browser.get("/account/factors").status_code == 302
    url = prove_there(browser)
    assert parse_qs(urlsplit(url).query)["max_age"] == ["0"]
    assert come_back(browser, provider.sign_in(url, "somebody-else")).status_code == 403
    assert browser.get("/account/factors").status_code == 302
    answer = come_back(browser, provider.sign_in(prove_there(browser), "tang"))
    assert answer.headers["Location"] == "/account/factors"
    assert browser.get("/account/factors").status_code == 200


def test_an_old_sign_in_over_there_is_no_proof(world: World, provider: Provider) -> None:
    """A provider that has not asked anew says so by ``auth_time``: refused."""
    connect(world, provider.issuer)
    browser = world.city_staff("hangzhou")
    link(browser, provider, "tang")
    world.clock.move(minutes=11)  # the provider's clock stands behind ours, as its sign-in would
    answer = come_back(browser, provider.sign_in(prove_there(browser), "tang"))
    assert answer.status_code == 400
    assert browser.get("/account/factors").status_code == 302


def test_secrets_of_a_province_are_its_own(world: World) -> None:
    """Sealed for one province and one name; another master key, or a moved row, does not open."""
    keyring, now = world.app.product.keyring, world.clock()
    for province in BASELINES:
        store_province_secret(
            keyring, system("test"), province, "sso", f"of {province}", now, [SSO]
        )
    assert read_province_secret(keyring, "zhejiang", SSO, now) == "of zhejiang"
    rows = {row.province: row for row in db.session.scalars(select(ProvinceSecret))}
    with transaction():
        rows["zhejiang"].sealed = rows["shanghai"].sealed
    with pytest.raises(CredentialError):
        read_province_secret(keyring, "zhejiang", SSO, now)
    with pytest.raises(CredentialError):
        read_province_secret(Keyring("k" * 40), "shanghai", SSO, now)
    newer = Keyring("n" * 40, world.app.product.settings.master_key)
    with transaction():
        db.session.delete(db.session.merge(rows["zhejiang"]))
    assert reencrypt_province_secrets(newer) == (1, [])
    assert reencrypt_province_secrets(newer) == (0, [])
    assert read_province_secret(Keyring("n" * 40), "shanghai", SSO, now) == "of shanghai"


def test_one_secret_that_does_not_open_stops_no_other(world: World) -> None:
    """Changing the master key seals what it can, and names the rest."""
    keyring, now = world.app.product.keyring, world.clock()
    for province in BASELINES:
        store_province_secret(
            keyring, system("test"), province, "sso", f"of {province}", now, [SSO]
        )
    with transaction():
        query = select(ProvinceSecret).where(ProvinceSecret.province == "shanghai")
        db.session.scalars(query).one().sealed = b"no mark that we know" * 4
    newer = Keyring("n" * 40, world.app.product.settings.master_key)
    assert reencrypt_province_secrets(newer) == (1, ["province:shanghai sso"])
    assert read_province_secret(newer, "zhejiang", SSO, now) == "of zhejiang"


def test_a_secret_that_is_set_meanwhile_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody sets it anew while the change of the master key is at it: theirs counts."""
    settings, now = world.app.product.settings, world.clock()
    keyring, newer = world.app.product.keyring, Keyring("n" * 40, settings.master_key)
    store_province_secret(keyring, system("test"), "zhejiang", "sso", "before", now, [SSO])
    reseal = newer.reencrypt_platform

    def slow(place: str, sealed: bytes) -> bytes | None:
        found = reseal(place, sealed)
        store_province_secret(newer, system("test"), "zhejiang", "sso", "set meanwhile", now, [SSO])
        return found

    monkeypatch.setattr(newer, "reencrypt_platform", slow)
    reencrypt_province_secrets(newer)
    assert read_province_secret(newer, "zhejiang", SSO, now) == "set meanwhile"


def test_without_a_master_key_nothing_is_sealed(world: World) -> None:
    """A command that was started without one says so, instead of sealing with an empty key."""
    for work in (
        lambda: store_province_secret(
            Keyring(""), system("test"), "zhejiang", "sso", "x", world.clock(), [SSO]
        ),
        lambda: Keyring("").new_data_key(1),
    ):
        with pytest.raises(SettingsError, match="SMARTCITY_MASTER_KEY is not set"):
            work()
    assert db.session.scalars(select(ProvinceSecret)).all() == []


@pytest.fixture
def liar(world: World, lying: tuple[Liar, str]) -> Liar:
    """The provider that lies, named by both provinces, telling the truth for now."""
    found, base = lying
    found.bend = {}
    connect(world, base, "hangzhou-site")
    return found


def walk(browser: Browser, url: str) -> Any:
    """Through the provider that lies, and back."""
    return come_back(browser, httpx.get(url).headers["Location"])


def enter(browser: Browser) -> Any:
    return walk(browser, browser.get("/sign-in/with/zhejiang").headers["Location"])


def test_an_old_sign_in_over_there_is_not_fresh_here(world: World, liar: Liar) -> None:
    """Whoever sits down at a browser that is still signed in over there comes in, and cannot
    change how its owner signs in."""
    staff = world.city_staff("hangzhou")
    walk(staff, going_to(staff.post("/account/single-sign-on", "/account")))
    for claims, fresh in (
        ({"auth_time": int(time.time()) - 7 * 3600}, False),
        ({}, False),
        ({"auth_time": "now"}, False),
        ({"auth_time": int(time.time())}, True),
    ):
        liar.bend = {"claims": claims}
        browser = world.client("console.localhost")
        assert enter(browser).status_code == 302
        assert browser.get("/account").status_code == 200
        assert (browser.get("/account/factors").status_code == 200) is fresh, claims


def test_a_new_way_in_after_the_provider_has_changed(
    world: World,
    liar: Liar,
    lying: tuple[Liar, str],
) -> None:
    """The account without a password is not lost: whoever manages it sends a link, and it comes in
    by the new provider; what it had before is void, its second factors stay."""
    path = invited(world, [CATALOG_EDITOR], city="hangzhou")
    browser = world.client("console.localhost")
    walk(browser, going_to(browser.post(f"{path}/with-province", path, username="feng")))
    other = lying[1].replace("127.0.0.1", "localhost")
    published.forget()
    world.save(f'{ZHEJIANG}single_sign_on: {{issuer: "{other}", client_id: hangzhou-site}}\n')
    liar.base = other
    try:
        assert enter(world.client("console.localhost")).status_code == 422
        admin, page = world.city_staff("hangzhou"), "/cities/hangzhou/staff"
        shown = admin.post(f"{page}/feng/renew", page).text
        link_ = re.search(r"http://console.localhost(/invitations/[\w-]+)", shown)
        assert link_ is not None
        renewed = world.client("console.localhost")
        assert 'name="username"' not in renewed.get(link_[1]).text
        answer = walk(renewed, going_to(renewed.post(f"{link_[1]}/with-province", link_[1])))
        assert answer.headers["Location"] == "/"
        assert browser.get("/account").status_code == 302
        assert enter(world.client("console.localhost")).status_code == 302
    finally:
        liar.base = lying[1]


def test_a_link_for_a_new_password(world: World) -> None:
    """Good once; sessions end, the password is another; not for a closed account, not for one
    beyond the actor, and not for one's own."""
    staff, admin = world.city_staff("hangzhou"), world.province_admin()
    page = "/cities/hangzhou/staff"
    shown = admin.post(f"{page}/staff-hangzhou/renew", page).text
    path = re.search(r"http://console.localhost(/invitations/[\w-]+)", shown)
    assert path is not None
    browser = world.client("console.localhost")
    assert browser.post(path[1], password="short").status_code == 422
    assert browser.post(path[1], password="four blue herons walk").status_code == 302
    assert browser.get("/cities/hangzhou").status_code == 200
    assert staff.get("/account").status_code == 302
    assert browser.get(path[1]).status_code == 404
    old = world.client("console.localhost")
    assert old.post("/sign-in", username="staff-hangzhou", password=PASSWORD).status_code == 422
    assert world.city_staff("ningbo").post(f"{page}/staff-hangzhou/renew").status_code == 404
    assert browser.post(f"{page}/staff-hangzhou/renew", page).status_code == 403
    again = admin.post(f"{page}/staff-hangzhou/renew", page).text
    path = re.search(r"http://console.localhost(/invitations/[\w-]+)", again)
    assert path is not None
    disable_staff(system("test"), "staff-hangzhou", world.clock())
    assert old.post(path[1], password="four blue herons walk").status_code == 404


def test_a_provider_that_changes_meanwhile(world: World, liar: Liar) -> None:
    """What was begun at one provider ends at no other: neither code nor verifier goes there."""
    browser = world.client("console.localhost")
    back = httpx.get(browser.get("/sign-in/with/zhejiang").headers["Location"])
    text = world.documents().live_revision("province:zhejiang").text
    world.save(text.replace(liar.base, "http://127.0.0.1:9").replace("sso_secret", "next_secret"))
    assert come_back(browser, back.headers["Location"]).status_code == 400


def test_another_issuer_wants_its_own_secret(world: World, liar: Liar) -> None:
    """Neither does it get the old one's, nor is anything saved with a secret that is too long."""
    admin, page = world.province_admin(), "/provinces/zhejiang/single-sign-on"
    live = world.documents().live("province:zhejiang")
    typed = {"issuer": "https://new.example", "client_id": "c", "revision": live.number}
    for secret in ("", "x" * 8_001):
        assert admin.post(page, page, **typed, secret=secret).status_code == 422
    assert world.documents().live("province:zhejiang").number == live.number
    same = {**typed, "issuer": f"{liar.base}/"}
    assert admin.post(page, page, **same).headers["Location"].endswith("works")


def test_many_come_in_from_one_address(world: World, liar: Liar) -> None:
    """A city hall behind one address is not slowed down by who has come in."""
    staff = world.city_staff("hangzhou")
    walk(staff, going_to(staff.post("/account/single-sign-on", "/account")))
    for _one in range(MOST_BEGUN + 2):
        assert enter(world.client("console.localhost")).status_code == 302


@pytest.mark.parametrize(
    "bend",
    [
        {"discovery": {"authorization_endpoint": "javascript:alert(1)"}},
        {"discovery": {"authorization_endpoint": "http://["}},
        {"discovery": {"authorization_endpoint": "https://id.example/\ud800"}},
        {"discovery": {"end_session_endpoint": "https://id.example/\nx"}},
        {"discovery": {"end_session_endpoint": "data:text/html,x"}},
        {"discovery": {"userinfo_endpoint": 7}},
    ],
)
def test_odd_addresses_of_a_provider(world: World, liar: Liar, bend: dict[str, Any]) -> None:
    """The browser is led nowhere odd: the provider counts as not answering."""
    liar.bend = bend
    published.forget()
    answer = world.client("console.localhost").get("/sign-in/with/zhejiang")
    assert (answer.status_code, "is not responding" in answer.text) == (503, True)


@pytest.mark.parametrize("subject", ["a\0b", "a\nb", "甲", "x" * 256])
def test_odd_subjects(world: World, liar: Liar, subject: str) -> None:
    """Refused with a page, on both databases."""
    liar.bend = {"claims": {"sub": subject}}
    assert enter(world.client("console.localhost")).status_code == 400


def test_keys_of_a_kind_that_sign_nothing_here(
    world: World, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that publishes a shared key: refused, not a fault."""
    odd = {"keys": [{"kty": "oct", "kid": "one", "k": "AAAA"}]}
    monkeypatch.setattr(liar.key, "as_dict", lambda **options: odd["keys"][0])
    published.forget()
    assert enter(world.client("console.localhost")).status_code == 400
