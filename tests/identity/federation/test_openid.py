"""Signing in by OpenID Connect: against a certified provider, and against one that lies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from smartcity_saas.identity.federation import openid
from smartcity_saas.identity.federation.channels import ChannelRefused
from smartcity_saas.identity.federation.provider_metadata import FAILED_SECONDS, published
from smartcity_saas.identity.residents.models import Resident, ResidentContact
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.lying_provider import LIES, Liar
from tests.support.openid_provider import Provider, running
from tests.support.probes import probed
from tests.support.world import World

CITIES = ("hangzhou", "ningbo")


def client_of(city: str) -> dict[str, Any]:
    return {
        "client_id": f"{city}-site",
        "client_secret": f"secret-of-{city}",
        "redirect_uris": [f"http://{city}.localhost/sign-in/oidc/callback"],
        "post_logout_redirect_uris": [f"http://{city}.localhost/"],
    }


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """The certified one, started once a worker."""
    with running([client_of(city) for city in CITIES]) as found:
        yield found


def document(city: str, issuer: str, **more: str) -> str:
    yaml = {"hangzhou": HANGZHOU, "ningbo": NINGBO}[city]
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return (
        f'{yaml}channels:\n  oidc: {{issuer: "{issuer}", client_id: {city}-site, '
        f"client_secret: {{credential: oidc_client_secret}}{extra}}}\n"
    )


def connect(world: World, issuer: str, **more: str) -> None:
    published.forget()
    for city in CITIES:
        world.save(document(city, issuer, **more))
        with world.inside(city):
            store_credential(
                world.app.product.keyring,
                system("test"),
                "oidc_client_secret",
                f"secret-of-{city}",
                world.clock(),
            )


def begin(browser: Browser) -> str:
    answer = browser.get("/sign-in/oidc?next=/me/payments")
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def come_back(browser: Browser, where: str) -> Any:
    parts = urlsplit(where)
    assert parts.hostname == browser.host
    return browser.get(f"{parts.path}?{parts.query}")


def test_one_comes_in_and_leaves_there_too(world: World, provider: Provider) -> None:
    """Code with PKCE and a nonce; then sign-out leads to the provider's own."""
    connect(world, provider.issuer)
    browser = world.client("hangzhou.localhost")
    address = begin(browser)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"][0]
    answer = come_back(browser, provider.sign_in(address, "alice"))
    assert answer.headers["Location"] == "/me/payments"
    browser.post("/me/consent", next="/me")
    assert "alice" in browser.get("/me").text
    away = browser.post("/sign-out", "/me").headers["Location"]
    assert away.startswith(f"{provider.issuer}/session/end?id_token_hint=")
    assert browser.get("/me").status_code == 302


def test_a_cancelled_sign_in(world: World, provider: Provider) -> None:
    """``access_denied`` leads back to the ways in."""
    connect(world, provider.issuer)
    browser = world.client("hangzhou.localhost")
    answer = come_back(browser, provider.sign_in(begin(browser), "deny"))
    assert "You cancelled." in answer.text


@pytest.mark.parametrize("drop", [False, True])
def test_the_provider_may_rotate_its_keys(world: World, provider: Provider, drop: bool) -> None:
    """A key that we have not seen is looked up once more."""
    connect(world, provider.issuer)
    first = world.client("hangzhou.localhost")
    come_back(first, provider.sign_in(begin(first), "bob"))
    provider.rotate(drop=drop)
    _let_look_again()
    second = world.client("hangzhou.localhost")
    assert come_back(second, provider.sign_in(begin(second), "bob")).status_code == 302


def _let_look_again() -> None:
    """As if some seconds had passed since the keys were last fetched."""
    for kept in published._kept.values():
        kept.at -= 60


def test_claims_that_the_city_trusts(world: World, provider: Provider) -> None:
    """A verified number becomes a contact; name and number count where the document says so."""
    connect(
        world,
        provider.issuer,
        scopes='"openid profile phone real_name"',
        claims="{real_name: name, number: id_card_number}",
    )
    browser = world.client("hangzhou.localhost")
    come_back(browser, provider.sign_in(begin(browser), "Carol"))
    with world.inside("hangzhou"):
        assert db.session.scalars(select(ResidentContact.shown)).all() == ["138****0000"]
        row = db.session.scalars(select(Resident)).one()
    assert row.assurance == "real_name"


def test_a_city_s_client_is_its_own(world: World, provider: Provider) -> None:
    """Both cities at one provider: each asks as itself, and one's answer is nothing at the other."""
    connect(world, provider.issuer)
    browsers = {city: world.client(f"{city}.localhost") for city in CITIES}
    addresses = {city: begin(browser) for city, browser in browsers.items()}
    for city in CITIES:
        assert f"client_id={city}-site" in addresses[city]
    where = provider.sign_in(addresses["hangzhou"], "dave")
    query = urlsplit(where).query
    assert browsers["ningbo"].get(f"/sign-in/oidc/callback?{query}").status_code == 400


def try_to_sign_in(world: World, liar: Liar) -> Any:
    browser = world.client("hangzhou.localhost")
    answer = browser.get("/sign-in/oidc")
    if answer.status_code != 302:
        return answer
    import httpx

    back = httpx.get(answer.headers["Location"]).headers["Location"]
    return come_back(browser, back)


@pytest.mark.parametrize("lie", LIES)
def test_lies_sign_nobody_in(world: World, lying: tuple[Liar, str], lie: str) -> None:
    """Each is refused with a page that a person understands, and makes no account."""
    liar, base = lying
    liar.bend = LIES[lie]
    connect(world, base)
    answer = try_to_sign_in(world, liar)
    assert (answer.status_code, "We could not sign you in" in answer.text) == (400, True)
    with world.inside("hangzhou"):
        assert db.session.scalars(select(Resident)).all() == []


def test_the_truth_signs_in(world: World, lying: tuple[Liar, str]) -> None:
    """The control of the lies: the same provider, telling the truth."""
    liar, base = lying
    liar.bend = {}
    connect(world, base)
    assert try_to_sign_in(world, liar).status_code == 302


def test_an_unknown_key_is_looked_up_once(world: World, lying: tuple[Liar, str]) -> None:
    """Nobody can make us fetch a provider's keys over and over with made-up key ids."""
    liar, base = lying
    liar.bend = {"sign": "unknown kid"}
    connect(world, base)
    liar.jwks_asked = 0
    for _try in range(4):
        try_to_sign_in(world, liar)
    assert liar.jwks_asked == 1


def test_a_key_that_was_changed_under_its_name(world: World, lying: tuple[Liar, str]) -> None:
    """A signature that no longer fits makes us look at the keys once more."""
    liar, base = lying
    liar.bend = {}
    connect(world, base)
    assert try_to_sign_in(world, liar).status_code == 302
    liar.key, liar.other = liar.other, liar.key
    _let_look_again()
    assert try_to_sign_in(world, liar).status_code == 302


def test_an_error_is_not_kept_as_what_is_published(world: World, lying: tuple[Liar, str]) -> None:
    """A provider that was busy for a moment is asked again some seconds later."""
    liar, base = lying
    liar.bend = {"busy": True}
    connect(world, base)
    published.forget()
    assert try_to_sign_in(world, liar).status_code == 503
    liar.bend = {}
    assert try_to_sign_in(world, liar).status_code == 503, "and not at once"
    for kept in published._kept.values():
        kept.failed_at -= FAILED_SECONDS
    assert try_to_sign_in(world, liar).status_code == 302


@pytest.mark.parametrize(
    "bend",
    [
        {"discovery": {"issuer": "https://other.example"}},
        {"discovery": {"token_endpoint": None}},
        {"discovery": {"authorization_endpoint": 7}},
    ],
)
def test_odd_metadata_is_refused(world: World, lying: tuple[Liar, str], bend: Any) -> None:
    """Another issuer's metadata, or a part of it missing: the way in does not answer."""
    liar, base = lying
    liar.bend = bend
    connect(world, base)
    assert try_to_sign_in(world, liar).status_code == 503


@pytest.mark.parametrize("lies", [False, True])
def test_a_probe_asks_the_provider(world: World, lying: tuple[Liar, str], lies: bool) -> None:
    """Its discovery is what shows that it answers; where that is odd, nothing is known of the
    secret, and the page of secrets says why."""
    liar, base = lying
    liar.bend = {"discovery": {"issuer": "https://other.example"}} if lies else {}
    connect(world, base)
    down = ("could not be tested", "The sign-in service is not responding at the moment")
    assert probed(world, "oidc_client_secret") == (down if lies else ("Works", base))


def test_an_unreachable_provider(world: World) -> None:
    """Nothing listens there: a page that says so, at once."""
    connect(world, "http://127.0.0.1:9")
    answer = world.client("hangzhou.localhost").get("/sign-in/oidc")
    assert (answer.status_code, "is not responding" in answer.text) == (503, True)


def test_a_provider_inside_is_never_reached(world: World) -> None:
    """The address guard holds for channels too: no document leads into the operator's network."""
    connect(world, "http://10.0.0.1")
    assert world.client("hangzhou.localhost").get("/sign-in/oidc").status_code == 503


def test_a_slow_provider_keeps_nobody_waiting(world: World, lying: tuple[Liar, str]) -> None:
    """The call ends by its deadline, long before the provider answers; others are served on."""
    liar, base = lying
    liar.bend = {"slow": 30}
    connect(world, base)
    done = threading.Event()
    answers: list[int] = []

    def wait() -> None:
        with world.app.app_context():
            answers.append(try_to_sign_in(world, liar).status_code)
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    assert world.client("ningbo.localhost").get("/").status_code == 200
    assert done.wait(25)
    assert answers == [503]


@pytest.mark.parametrize(
    "said, says, fits",
    [
        ("https://id.example", True, True),
        ("https://id.example", False, True),
        ("https://other.example", False, False),
        ("https://id.example/", False, False),
        (None, True, False),
        (None, False, True),
    ],
)
def test_an_answer_says_whose_it_is(said: str | None, says: bool, fits: bool) -> None:
    """RFC 9207, section 2.4: compared as it stands, and wanted where the provider says it."""
    metadata = {
        "issuer": "https://id.example",
        "authorization_response_iss_parameter_supported": says,
    }
    back = {"error": "access_denied", **({"iss": said} if said else {})}
    if fits:
        openid._check_issuer(metadata, back)
    else:
        with pytest.raises(ChannelRefused):
            openid._check_issuer(metadata, back)


def test_an_issuer_s_subjects_are_its_own() -> None:
    """The same subject of another issuer is somebody else."""
    from smartcity_saas.identity.federation.channels.oidc import _vouched

    subjects = {
        _vouched({}, {"iss": issuer, "sub": "1001"}, "t").subjects
        for issuer in ("https://old.example", "https://new.example")
    }
    assert len(subjects) == 2
