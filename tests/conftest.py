"""A world of two provinces and three cities, on both databases, with a clock to move."""

from __future__ import annotations

import contextlib
import contextvars
import ipaddress
import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from hypothesis import settings
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.connectors import http_client
from smartcity_saas.credentials import store_credential
from smartcity_saas.credentials.usage import forget_uses
from smartcity_saas.database.transactions import db
from smartcity_saas.identity.federation.provider_metadata import published
from smartcity_saas.identity.staff import passwords
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.roles import CITY_ADMIN, OPERATOR, PROVINCE_ADMIN
from smartcity_saas.portals.resident.home import PageCache
from smartcity_saas.sandboxes.channels.server import create_channel_sandbox
from smartcity_saas.sandboxes.channels.state import ChannelSandbox
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.sandboxes.stripe.objects import account_id, signing_secret
from smartcity_saas.sandboxes.stripe.sending import signature
from smartcity_saas.sandboxes.stripe.server import create_sandbox
from smartcity_saas.sandboxes.stripe.state import Account, Sandbox
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.registry import Snapshot
from smartcity_saas.worker import make_runner
from tests.support import postgres
from tests.support.product import other_parts
from tests.support.states import PostgresStates, SqliteStates, States

ROOT = Path(__file__).parent.parent
PASSWORD = "correct horse battery"


def installed() -> Extensions:
    """What the product installs, as documents may name it."""
    settings = Settings(demo=True, secret_key=KEY, master_key=KEY, database_url="sqlite://")
    return create_app(settings, serving=False).registry.extensions


KEY = "a key of the tests, longer than thirty-two characters"

NO_QUIET_HOURS = 'messages: {quiet_hours: {from: "00:00", until: "00:00"}}\n'
PLATFORM = (ROOT / "config" / "platform.yaml").read_text("utf-8") + NO_QUIET_HOURS
"""The tests run at any hour: messages wait for the morning only where a test says so."""
ZHEJIANG = """\
province: zhejiang
division_code: "330000"
name: {zh: 浙江省, en: Zhejiang}
site: {icp: 浙ICP备00000000号-1}
"""
SHANGHAI_PROVINCE = """\
province: shanghai
division_code: "310000"
name: {zh: 上海市, en: Shanghai}
"""
HANGZHOU = """\
# The city's own comment.
city: hangzhou
province: zhejiang
division_code: "330100"
name: {zh: 杭州市, en: Hangzhou}
state: live
hosts: [city.hangzhou.example]
branding:
  color: "#0b6e4f"   # the green of the lake
"""
NINGBO = """\
city: ningbo
province: zhejiang
division_code: "330200"
name: {zh: 宁波市, en: Ningbo}
state: live
"""
SHANGHAI = """\
city: shanghai
province: shanghai
division_code: "310000"
name: {zh: 上海市, en: Shanghai}
state: live
branding: {color: "#4b3a9b"}
"""
WORLD = (PLATFORM, ZHEJIANG, SHANGHAI_PROVINCE, HANGZHOU, NINGBO, SHANGHAI)


def pytest_configure(config: pytest.Config) -> None:
    """Start one throwaway cluster for all workers, unless a server is named."""
    settings.register_profile("smartcity", deadline=None, max_examples=60)
    settings.load_profile("smartcity")
    if hasattr(config, "workerinput") or os.environ.get(postgres.VARIABLE):
        return
    if getattr(config.option, "markexpr", "") == "unit":
        return
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    superuser = stack.enter_context(postgres.throwaway_cluster())
    if superuser:
        os.environ[postgres.VARIABLE] = superuser


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly when half of the suite did not run."""
    if any(
        "PostgreSQL is not installed" in str(found.longrepr)
        for found in terminalreporter.stats.get("skipped", [])
    ):
        terminalreporter.section("POSTGRESQL IS NOT INSTALLED: HALF OF THE TESTS DID NOT RUN")


class MovableClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass(frozen=True)
class Sandboxes:
    """What stands for the outside, and where it is served."""

    stripe: Sandbox
    stripe_base: str
    apps: ChannelSandbox
    channel_base: str


@dataclass
class World:
    """An application whose database holds two provinces and three cities."""

    app: SiteFlask
    clock: MovableClock
    engine: str
    states: States
    sandboxes: Sandboxes
    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def documents(self, actor: Any = None) -> Documents:
        db.session.rollback()  # what the test read before is not what is there now
        fleet = self.app.registry
        return Documents(actor or system("test"), fleet.extensions, fleet.platform_host, self.clock)

    def save(self, yaml: str, based_on: int | None = None, **options: Any) -> Any:
        candidate = Candidate(parse(yaml, "test"))
        documents = self.documents(options.pop("actor", None))
        if based_on is None:
            based_on = next((d.number for d in documents.named([candidate.name])), 0)
        made = documents.save(candidate, based_on, options.pop("message", ""), **options)
        self.app.registry.refresh()
        return made

    def city(self, slug: str) -> City:
        """A city as it is served."""
        return self.app.registry.snapshot.cities[slug]

    def work(self) -> int:
        """Do what the outbox holds and is due, as the runner does; returns how much was done."""
        db.session.rollback()
        return fresh(lambda: make_runner(self.app).run_due())

    def open_payments(self, slug: str = "hangzhou") -> Stripe:
        """Give a city its account at the sandbox; returns the sandbox as that city sees it."""
        key = f"sk_test_{slug}"
        account = account_id(key)
        secret = signing_secret(account, f"http://{slug}.localhost/webhooks/stripe")
        with self.inside(slug):
            for name, value in (("stripe_secret_key", key), ("stripe_webhook_secret", secret)):
                store_credential(
                    self.app.product.keyring, system("test"), name, value, self.clock()
                )
        return Stripe(self, slug, self.sandboxes.stripe.account(account), secret)

    def city_id(self, slug: str) -> int:
        return self.documents().live(slug).id

    @contextlib.contextmanager
    def inside(self, slug: str) -> Iterator[None]:
        with tenant_context(self.city_id(slug)):
            yield

    def client(self, host: str, language: str = "en") -> Browser:
        return Browser(self.app.test_client(), host, language)

    def staff(self, username: str, role: str, **place: str) -> Browser:
        create_staff(
            system("test"),
            username,
            username.title(),
            (role,),
            PASSWORD,
            demo=True,
            clock=self.clock,
            **place,
        )
        browser = self.client("console.localhost")
        answer = browser.post("/sign-in", username=username, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        return browser

    def operator(self) -> Browser:
        return self.staff("root", OPERATOR)

    def province_admin(self, province: str = "zhejiang") -> Browser:
        return self.staff(f"admin-{province}", PROVINCE_ADMIN, province=province)

    def city_staff(self, city: str = "hangzhou") -> Browser:
        return self.staff(f"staff-{city}", CITY_ADMIN, city=city)

    def resident(self, city: str = "hangzhou", subject: str = "household") -> Browser:
        browser = self.client(f"{city}.localhost")
        answer = browser.post("/sign-in/demo", "/sign-in", subject=subject)
        assert answer.status_code == 302, answer.text
        return browser


@dataclass
class Stripe:
    """The sandbox as one city sees it: what happened there, and levers to make it happen."""

    world: World
    slug: str
    account: Account
    secret: str

    @property
    def sandbox(self) -> Sandbox:
        return self.world.sandboxes.stripe

    def session(self) -> dict[str, Any]:
        """The newest Checkout session."""
        sessions = [o for o in self.account.objects.values() if o["object"] == "checkout.session"]
        return sessions[-1]

    def pay(self, session: dict[str, Any] | None = None, method: str = "card", **how: Any) -> None:
        """The payer pays."""
        money.pay(self.sandbox, self.account, session or self.session(), method, **how)

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened, oldest first."""
        return [o for o in self.account.objects.values() if o["object"] == "event"]

    def send(self, event: dict[str, Any], secret: str | None = None, **options: Any) -> Any:
        """Send one event to the city's webhook, signed."""
        body = json.dumps(event).encode()
        signed = signature(secret or self.secret, body, int(time.time()))
        client = self.world.app.test_client()
        return fresh(
            client.post,
            "/webhooks/stripe",
            base_url=f"http://{options.get('host', self.slug)}.localhost",
            data=options.get("body", body),
            headers={"Stripe-Signature": signed, "Content-Type": "application/json"},
        )

    def send_all(self) -> None:
        """Send everything that happened, in order, and let the worker follow it."""
        for event in self.events():
            assert self.send(event).status_code == 200
        self.world.work()


def fresh(call: Callable[..., TestResponse], *arguments: Any, **options: Any) -> TestResponse:
    """Call outside the test's own application context, which a request would share."""
    return contextvars.Context().run(lambda: call(*arguments, **options))


class Browser:
    """A client on one host that reads the CSRF token of a page before it posts."""

    def __init__(self, client: FlaskClient, host: str, language: str) -> None:
        self.client = client
        self.host = host
        self.language = language

    def get(self, path: str, **options: Any) -> TestResponse:
        headers = {"Accept-Language": self.language, **options.pop("headers", {})}
        return fresh(
            self.client.get, path, base_url=f"http://{self.host}", headers=headers, **options
        )

    def post(self, path: str, page: str | None = None, /, **fields: Any) -> TestResponse:
        token = self.token(page or path)
        return fresh(
            self.client.post,
            path,
            base_url=f"http://{self.host}",
            headers={"Accept-Language": self.language},
            data={"csrf_token": token, **fields},
        )

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        return unescape(found[1]) if found else ""


@contextlib.contextmanager
def serving(make: Callable[[str], Any]) -> Iterator[str]:
    """Serve what ``make`` makes of its own address, over a real connection on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    server = make_server("127.0.0.1", port, make(base), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield base
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session", autouse=True)
def product_hasher() -> Iterator[PasswordHasher]:
    """Hashes of the tests cost little; a test looks at what the product's own cost."""
    own = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    yield own
    passwords._hasher = own


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    """The stand-ins for Stripe, which sends no event itself, and for the apps."""
    stripe, apps = Sandbox(), ChannelSandbox()
    with (
        serving(lambda base: create_sandbox(stripe, base)) as stripe_base,
        serving(lambda base: create_channel_sandbox(apps)) as channel_base,
    ):
        yield Sandboxes(stripe, stripe_base, apps, channel_base)


@pytest.fixture(scope="session")
def databases(
    tmp_path_factory: pytest.TempPathFactory, sandboxes: Sandboxes
) -> Iterator[Callable[[str], tuple[SiteFlask, States]]]:
    """Applications by database, each made once a worker on a migrated database."""
    stack = contextlib.ExitStack()
    made: dict[str, tuple[SiteFlask, States]] = {}

    def application(engine: str) -> tuple[SiteFlask, States]:
        if engine not in made:
            if engine == "sqlite":
                path = tmp_path_factory.mktemp("sqlite") / "test.sqlite3"
                installation = _settings(f"sqlite:///{path}", f"sqlite:///{path}", sandboxes)
            else:
                superuser = os.environ.get(postgres.VARIABLE)
                if not superuser:
                    pytest.skip("PostgreSQL is not installed and SMARTCITY_TEST_POSTGRES not set")
                database = stack.enter_context(postgres.test_database(superuser))
                installation = _settings(database.application, database.owner, sandboxes)
            app = create_app(installation, serving=False)
            with app.app_context():
                upgrade_database(installation)
            states: States
            if engine == "sqlite":
                states = SqliteStates(path)
            else:
                states = stack.enter_context(contextlib.closing(PostgresStates(database.superuser)))
            made[engine] = app, states
        return made[engine]

    yield application
    for app, _states in made.values():
        with app.app_context():
            db.engine.dispose()
    stack.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest,
    databases: Callable[[str], tuple[SiteFlask, States]],
    sandboxes: Sandboxes,
) -> Iterator[World]:
    """A migrated database without a document, on each of the two engines."""
    app, states = databases(request.param)
    sandboxes.stripe.accounts.clear()
    sandboxes.apps.fault = ""
    http_client.breakers.forget()
    published.forget()
    forget_uses()
    clock = MovableClock()
    with other_parts(app, clock=clock, home_pages=PageCache()), app.app_context():
        states.bring("empty")
        app.registry.snapshot, app.registry._looked_at = Snapshot(), float("-inf")
        app.registry.sleep = lambda seconds: None  # no other process serves this database
        yield World(app, clock, request.param, states, sandboxes)
        db.session.rollback()


@pytest.fixture
def world(empty: World) -> World:
    """Two provinces and three cities, live."""
    if not empty.states.bring("world"):
        candidates = [Candidate(parse(yaml, "test")) for yaml in WORLD]
        empty.documents().save_all(candidates, {}, "the tests' world", "file")
        empty.states.keep("world")
    empty.app.registry.refresh()
    return empty


def _settings(application: str, owner: str, sandboxes: Sandboxes) -> Settings:
    return Settings(
        demo=True,
        secret_key=KEY,
        master_key=KEY,
        database_url=application,
        owner_url=owner,
        config_root=ROOT,
        testing=True,
        stripe_api_base=sandboxes.stripe_base,
        channel_base=sandboxes.channel_base,
        allowed_networks=(ipaddress.ip_network("127.0.0.0/8"),),
    )


@pytest.fixture
def copy_of_config(tmp_path: Path) -> Path:
    """The shipped documents, to change."""
    for name in ("config", "tenants"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path
