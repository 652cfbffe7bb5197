"""Coming in by a channel: each in its own dialect, bound to browser, city and channel, used once."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from sqlalchemy import select

from smartcity_saas.connectors import outbound_calls
from smartcity_saas.database import db
from smartcity_saas.identity.residents.models import Resident, ResidentIdentity, ResidentSession
from smartcity_saas.sandboxes.channels import server
from tests.support.browser import fresh
from tests.support.channels import AGENTS, DIALECTS, Person, channels, keep
from tests.support.documents import HANGZHOU
from tests.support.world import World

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize("channel", DIALECTS)
@pytest.mark.parametrize("inside", [True, False])
def test_each_dialect_brings_one_in(apps: World, channel: str, inside: bool) -> None:
    """Inside its app and outside: signed in, back where one was, and the same person again."""
    agent = AGENTS[channel] if inside else ""
    person = Person(apps, agent=agent)
    answer = person.sign_in(channel)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"] == "/me/payments"
    assert "/me/consent" in person.browser.get("/me/payments").headers["Location"]
    person.browser.post("/me/consent", next="/me")
    assert person.browser.get("/me").status_code == 200
    Person(apps, agent=agent).sign_in(channel)
    with apps.inside("hangzhou"):
        assert len(db.session.scalars(select(Resident)).all()) == 1


def test_wechat_inside_and_outside_are_one_person(apps: World) -> None:
    """The official account and the website application know another openid, and one unionid."""
    Person(apps, agent=AGENTS["wechat"]).sign_in("wechat")
    Person(apps).sign_in("wechat")
    with apps.inside("hangzhou"):
        assert len(db.session.scalars(select(Resident)).all()) == 1
        kinds = {s.partition(":")[0] for s in db.session.scalars(select(ResidentIdentity.subject))}
    assert kinds == {"union", "official", "website"}


def test_baidu_s_lasting_key_stands_beside_the_application_s(apps: World) -> None:
    """Promise: whoever comes by Baidu stays one person when the city changes its application, since
    ``unionid`` is asked for and kept beside ``openid``."""
    Person(apps).sign_in("baidu")
    apps.save(HANGZHOU + channels("330100").replace('"3330100"', '"3330199"'), based_on=2)
    apps.sandboxes.apps.secrets["3330199"] = "baidu_client_secret-hangzhou"
    Person(apps).sign_in("baidu")
    with apps.inside("hangzhou"):
        assert len(db.session.scalars(select(Resident)).all()) == 1
        kinds = [s.partition(":")[0] for s in db.session.scalars(select(ResidentIdentity.subject))]
    assert sorted(kinds) == ["open", "open", "union"]


def test_the_same_person_in_two_cities_is_two(apps: World) -> None:
    """Two accounts that know nothing of each other."""
    for city in ("hangzhou", "ningbo"):
        Person(apps, city).sign_in("weibo")
    found = {}
    for city in ("hangzhou", "ningbo"):
        with apps.inside(city):
            found[city] = db.session.scalars(select(Resident.id)).one()
    assert found["hangzhou"] != found["ningbo"]


@pytest.mark.parametrize("channel", DIALECTS)
def test_cancelling_is_no_fault(apps: World, channel: str) -> None:
    """Whoever presses cancel over there is back at the ways to sign in, and told so."""
    person = Person(apps)
    answer = person.sign_in(channel, "nobody")
    assert answer.status_code == 200
    assert "You cancelled." in answer.text
    assert person.browser.get("/me").status_code == 302


@pytest.mark.parametrize("channel", DIALECTS)
@pytest.mark.parametrize(
    "fault, status", [("garbage", 503), ("down", 503)], ids=["garbage", "down"]
)
def test_a_provider_that_misbehaves_signs_nobody_in(
    apps: World, channel: str, fault: str, status: int
) -> None:
    """Nonsense and a bad gateway: a page that says what to do, and no account."""
    person = Person(apps)
    path = person.press(person.begin(channel))
    apps.sandboxes.apps.fault = fault
    answer = person.back(path)
    assert (answer.status_code, "Try again in a minute" in answer.text) == (status, True)
    with apps.inside("hangzhou"):
        assert db.session.scalars(select(Resident)).all() == []


SAID = {400: "We could not sign you in", 503: "Try again in a minute"}


def come_back_to_a_fault(apps: World, channel: str, fault: str, status: int) -> None:
    """Nobody is signed in, and a page that a person understands says so."""
    person = Person(apps)
    path = person.press(person.begin(channel))
    apps.sandboxes.apps.fault = fault
    answer = person.back(path)
    assert (answer.status_code, SAID[status] in answer.text) == (status, True)
    assert "Traceback" not in answer.text
    assert person.browser.get("/me").status_code == 302
    with apps.inside("hangzhou"):
        assert db.session.scalars(select(Resident)).all() == []


@pytest.mark.parametrize(
    "channel, code, status",
    [
        ("alipay", "isv.code-invalid", 400),
        ("alipay", "aop.invalid-auth-token", 400),
        ("alipay", "20000", 503),
        ("wechat", "40029", 400),
        ("wechat", "40163", 400),
        ("wechat", "40003", 400),
        ("wechat", "42001", 400),
        ("wechat", "-1", 503),
        ("wechat", "45011", 503),
        ("weibo", "21325", 400),
        ("weibo", "21327", 400),
        ("weibo", "10009", 503),
        ("weibo", "10022", 503),
        ("taobao", "invalid_grant", 400),
        ("baidu", "expired", 400),
        ("baidu", "110", 400),
        ("baidu", "111", 400),
        ("baidu", "2", 503),
        ("baidu", "18", 503),
    ],
)
def test_a_documented_error_signs_nobody_in(
    apps: World, channel: str, code: str, status: int
) -> None:
    """A used or invalid code and an expired token are refused; where the provider is busy, the
    page says to try again."""
    come_back_to_a_fault(apps, channel, f"error:{code}", status)


@pytest.mark.parametrize("channel", DIALECTS)
def test_a_provider_that_is_slow_signs_nobody_in(
    apps: World, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that comes after the deadline of a sign-in counts for nothing."""
    monkeypatch.setattr(outbound_calls, "_until", lambda _seconds: time.monotonic() + 0.3)
    monkeypatch.setattr(server, "SLOW_SECONDS", 2)  # before one read alone would give up
    come_back_to_a_fault(apps, channel, "slow", 503)


@pytest.mark.parametrize(
    "channel, agent, parts",
    [
        ("wechat", "", ("/connect/qrconnect?", "&scope=snsapi_login&", "#wechat_redirect")),
        (
            "wechat",
            AGENTS["wechat"],
            ("/connect/oauth2/authorize?", "&scope=snsapi_userinfo&", "#wechat_redirect"),
        ),
        ("weibo", "", ("/api.weibo.com/oauth2/authorize?",)),
        ("weibo", AGENTS["weibo"], ("/open.weibo.cn/oauth2/authorize?", "&display=mobile")),
        ("weibo", PHONE, ("/open.weibo.cn/oauth2/authorize?", "&display=mobile")),
        ("taobao", "", ("/oauth.taobao.com/authorize?", "&view=web")),
        ("taobao", AGENTS["taobao"], ("/oauth.taobao.com/authorize?", "&view=wap")),
        ("taobao", PHONE, ("/oauth.taobao.com/authorize?", "&view=wap")),
        ("baidu", "", ("/openapi.baidu.com/oauth/2.0/authorize?", "&display=page")),
        ("baidu", AGENTS["baidu"], ("/openapi.baidu.com/oauth/2.0/authorize?", "&display=mobile")),
        ("baidu", PHONE, ("&scope=basic&", "&display=mobile")),
    ],
)
def test_one_is_sent_to_the_page_that_fits(
    apps: World, channel: str, agent: str, parts: tuple[str, ...]
) -> None:
    """Inside an app and on a telephone the small page, elsewhere the large one, by documented
    names."""
    address = Person(apps, agent=agent).begin(channel)
    assert [part for part in parts if part not in address] == []


@pytest.mark.parametrize(
    "channel, fault, status",
    [
        ("alipay", "unsigned", 503),
        ("alipay", "tampered", 503),
        ("wechat", "snapshot", 400),
        ("wechat", "another person", 400),
        ("weibo", "another application", 400),
        ("baidu", "nobody", 503),
    ],
)
def test_what_does_not_add_up_signs_nobody_in(
    apps: World, channel: str, fault: str, status: int
) -> None:
    """Unsigned and altered answers, visitors, somebody else's profile, another application's
    token."""
    person = Person(apps, agent=AGENTS[channel])
    path = person.press(person.begin(channel))
    apps.sandboxes.apps.fault = fault
    assert person.back(path).status_code == status
    with apps.inside("hangzhou"):
        assert db.session.scalars(select(Resident)).all() == []


@pytest.mark.parametrize(
    "channel, secret",
    [
        ("wechat", "wechat_website_secret"),
        ("weibo", "weibo_client_secret"),
        ("taobao", "taobao_client_secret"),
        ("baidu", "baidu_client_secret"),
        ("alipay", "alipay_private_key"),
    ],
)
def test_a_wrong_secret_is_refused_by_the_documented_error(
    apps: World, channel: str, secret: str
) -> None:
    """A city whose secret is wrong gets the provider's error, and nobody in."""
    other = rsa.generate_private_key(65537, 2048)
    wrong = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with apps.inside("hangzhou"):
        keep(apps, secret, wrong if channel == "alipay" else "wrong")
    assert Person(apps).sign_in(channel).status_code == 400


@pytest.mark.parametrize("channel", DIALECTS)
def test_an_answer_counts_once(apps: World, channel: str) -> None:
    """Sent a second time, from the same browser: refused."""
    person = Person(apps)
    path = person.press(person.begin(channel))
    assert person.back(path).status_code == 302
    person.browser.post("/sign-out", "/me/consent")
    again = person.back(path)
    assert (again.status_code, "sign-in has expired" in again.text) == (400, True)


def test_an_answer_is_bound_to_its_browser(apps: World) -> None:
    """Login CSRF: somebody else's answer, opened in my browser, does not make me them."""
    attacker, victim = Person(apps), Person(apps)
    path = attacker.press(attacker.begin("weibo"))
    victim.begin("weibo")
    assert victim.back(path).status_code == 400
    assert victim.browser.get("/me").status_code == 302


def test_an_answer_is_bound_to_its_channel_and_city(apps: World) -> None:
    """A state of one channel is nothing at another, and one of a city nothing at another."""
    person = Person(apps)
    path = person.press(person.begin("weibo"))
    assert person.back(path.replace("/weibo/", "/taobao/")).status_code == 400
    elsewhere = Person(apps, "ningbo")
    elsewhere.begin("weibo")
    assert elsewhere.back(path).status_code == 400


def test_an_answer_does_not_wait_for_ever(apps: World) -> None:
    """After ten minutes it is too old."""
    person = Person(apps)
    path = person.press(person.begin("taobao"))
    apps.clock.move(minutes=11)
    assert person.back(path).status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/%09/evil.example\n",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ],
)
def test_one_goes_on_within_the_site(apps: World, target: str) -> None:
    """An open redirect would lend the city's name to anybody: such targets become one's own page."""
    person = Person(apps)
    answer = person.back(person.press(person.begin("weibo", target)))
    where = answer.headers["Location"]
    assert urlsplit(where).netloc == ""
    assert where == "/me" or where.startswith("/%")


def test_signing_in_begins_a_new_session(apps: World) -> None:
    """Fixation: what the cookie held before is gone, and the old cookie signs nobody in."""
    person = Person(apps)
    path = person.press(person.begin("weibo"))
    with person.browser.client.session_transaction(base_url="http://hangzhou.localhost") as before:
        old = dict(before)
    person.back(path)
    with person.browser.client.session_transaction(base_url="http://hangzhou.localhost") as after:
        assert "resident" in after
        assert not set(old) & set(after)


def test_a_cookie_from_before_signing_in_is_worth_nothing(apps: World) -> None:
    """Fixation: whoever planted or copied the cookie before does not become who signs in."""
    person, thief = Person(apps), Person(apps)
    path = person.press(person.begin("weibo"))
    host = person.browser.host
    before = person.browser.client.get_cookie("session", domain=host)
    assert before is not None
    person.back(path)
    assert "/me/consent" in person.browser.get("/me").headers["Location"]
    thief.browser.client.set_cookie("session", before.value, domain=host)
    assert "/sign-in" in thief.browser.get("/me").headers["Location"]
    assert thief.back(path).status_code == 400


@pytest.mark.parametrize("channel", DIALECTS)
def test_inside_an_app_its_own_way_stands_first(apps: World, channel: str) -> None:
    """No second header, and the app's own sign-in before the others."""
    page = (
        Person(apps, agent=AGENTS[channel])
        .browser.get("/sign-in", headers={"User-Agent": AGENTS[channel]})
        .text
    )
    assert '<header class="head">' not in page
    assert re.findall(r'href="/sign-in/(\w+)\?', page)[0] == channel
    assert '<header class="head">' in Person(apps).browser.get("/sign-in").text


@pytest.mark.parametrize("channel", ["alipay", "wechat"])
@pytest.mark.parametrize("path", ["/", "/services/utility-bills"])
def test_inside_an_app_no_page_has_a_header(apps: World, channel: str, path: str) -> None:
    """The app shows a bar of its own, so the first page and a service's have none."""
    browser = apps.client("hangzhou.localhost")
    assert "head-bar" not in browser.get(path, headers={"User-Agent": AGENTS[channel]}).text
    assert "head-bar" in browser.get(path).text


def test_wecom_is_not_wechat(apps: World) -> None:
    """Its browser names WeChat's too."""
    agent = "Mozilla/5.0 wxwork/3.1.16 MicroMessenger/7.0.1"
    page = Person(apps).browser.get("/sign-in", headers={"User-Agent": agent}).text
    assert '<header class="head">' in page


def test_a_channel_without_its_secret_is_not_offered(apps: World) -> None:
    """Better not there than a dead end; the others are."""
    apps.save(
        HANGZHOU + channels("330100").replace("taobao_client_secret", "not_there_yet"), based_on=2
    )
    page = Person(apps).browser.get("/sign-in").text
    assert "/sign-in/taobao" not in page
    assert "/sign-in/weibo" in page
    assert Person(apps).browser.get("/sign-in/taobao").status_code == 404


def test_verified_names_come_along(apps: World) -> None:
    """Alipay vouches for name and number where the city may ask: the level is the highest, and
    neither stands in the database as it is."""
    person = Person(apps)
    person.sign_in("alipay")
    with apps.inside("hangzhou"):
        row = db.session.scalars(select(Resident)).one()
    assert (row.assurance, row.verified_by) == ("real_name", "alipay")
    assert b"110000199001010013" not in (row.number or b"")


def test_a_provider_is_reached_by_the_city_s_own_application(apps: World) -> None:
    """Every client is registered per city: each goes with its own id and comes back to itself."""
    for city, mark in (("hangzhou", "330100"), ("ningbo", "330200")):
        address = Person(apps, city).begin("weibo")
        asked = parse_qs(urlsplit(address).query)
        assert asked["client_id"] == [f"1{mark}"]
        assert asked["redirect_uri"] == [f"http://{city}.localhost/sign-in/weibo/callback"]


def test_two_who_come_first_at_once_are_one(apps: World) -> None:
    """Both come back in the same moment, as the same person: one account."""
    import threading

    people = [Person(apps) for _n in range(6)]
    paths = [one.press(one.begin("weibo")) for one in people]
    threads = [
        threading.Thread(target=lambda p=p, path=path: fresh(lambda: p.back(path)))
        for p, path in zip(people, paths, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    with apps.inside("hangzhou"):
        assert len(db.session.scalars(select(Resident)).all()) == 1
        assert len(db.session.scalars(select(ResidentSession)).all()) == 6


def test_the_form_may_lead_to_the_channels_alone(apps: World) -> None:
    """``form-action`` names this city's channels; a browser blocks the rest."""
    policy = Person(apps).browser.get("/sign-in").headers["Content-Security-Policy"]
    action = policy.partition("form-action")[2]
    assert urlsplit(Person(apps).begin("weibo")).netloc in action
    assert json.dumps(action).count("http") >= 1


def test_nobody_is_asked_to_scan_a_code_with_the_phone_that_shows_it(apps: World) -> None:
    """Promise: in a telephone's own browser WeChat is no button but a word on how to use it; in
    the app and on a desktop it is a button."""
    browser = apps.client("hangzhou.localhost")
    page = browser.get("/sign-in", headers={"User-Agent": PHONE}).text
    assert "/sign-in/wechat" not in page
    assert "open this page in WeChat" in page
    assert browser.get("/sign-in/wechat", headers={"User-Agent": PHONE}).status_code == 404
    for agent in (AGENTS["wechat"], "Mozilla/5.0 (X11; Linux x86_64)"):
        assert "/sign-in/wechat" in browser.get("/sign-in", headers={"User-Agent": agent}).text
