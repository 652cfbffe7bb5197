"""The tests' world, ready to use on both databases; what it is made of stands in tests.support."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.connectors import http_client
from smartcity_saas.credentials import store_credential
from smartcity_saas.credentials.usage import forget_uses
from smartcity_saas.database.transactions import db
from smartcity_saas.identity.federation.provider_metadata import published
from smartcity_saas.identity.staff import passwords
from smartcity_saas.sandboxes.channels.server import create_channel_sandbox
from smartcity_saas.sandboxes.channels.state import ChannelSandbox
from smartcity_saas.sandboxes.stripe.server import create_sandbox
from smartcity_saas.sandboxes.stripe.state import Sandbox
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.snapshot import Snapshot
from smartcity_saas.web.page_cache import PageCache
from tests.support import postgres
from tests.support.back_office import TOKEN, BackOffice, open_office
from tests.support.citus_routing import Routing
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU, KEY, NINGBO, WORLD
from tests.support.linked_office import ACCOUNT, NUMBER, VEHICLE
from tests.support.loopback import serving
from tests.support.page_text import PageClient
from tests.support.paths import ROOT
from tests.support.product import other_parts
from tests.support.sandboxes import Sandboxes
from tests.support.states import PostgresStates, SqliteStates, States
from tests.support.world import MovableClock, World

SiteFlask.test_client_class = PageClient


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a database, so that a quick check can do without."""
    for item in items:
        if "databases" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly when half of the suite did not run."""
    if any(
        "PostgreSQL is not installed" in str(found.longrepr)
        for found in terminalreporter.stats.get("skipped", [])
    ):
        terminalreporter.section("POSTGRESQL IS NOT INSTALLED: HALF OF THE TESTS DID NOT RUN")


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
def routing() -> Routing:
    """Looks at every statement of the product's own applications on PostgreSQL."""
    return Routing()


@pytest.fixture(autouse=True)
def routed_statements(routing: Routing) -> Iterator[None]:
    """Promise: whatever runs in a city's transaction, Citus could route to one shard (docs/scale.md)."""
    yield
    faults = list(routing.faults)
    routing.faults.clear()
    assert faults == []


@pytest.fixture(scope="session")
def databases(
    tmp_path_factory: pytest.TempPathFactory, sandboxes: Sandboxes, routing: Routing
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
                # the suite has more statements than one process of the product: none is compiled twice
                db.engine.update_execution_options(compiled_cache={})
                if engine == "postgresql":
                    routing.watch(db.engine)
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
    app.product.quotas.buckets.forget()
    clock = MovableClock()
    with other_parts(app, clock=clock, file_cache=PageCache()), app.app_context():
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


@pytest.fixture
def clinic(world: World) -> Iterator[Clinic]:
    """Three places in Hangzhou; the same hospital with its own three in Ningbo."""
    made = Clinic(world)
    world.once("clinic", lambda: (Clinic(world, "ningbo").bring(), made.bring()))
    yield made
    made.check()


@pytest.fixture
def office(world: World) -> Iterator[BackOffice]:
    """Hangzhou's three services, each linked to a back office on loopback."""
    with open_office(BackOffice()) as found:
        found.accounts["water", NUMBER] = ACCOUNT
        found.vehicles["浙A12345"] = VEHICLE
        entry = (
            f"connector: {{kind: http, base_url: '{found.base}', token: {{credential: office}}}}"
        )
        names = ("utility_bills", "traffic_tickets", "hospital_appointments")
        lines = "".join(f"  {name}:\n    {entry}\n" for name in names)
        world.save(f"{HANGZHOU}services:\n{lines}")
        with world.inside("hangzhou"):
            ring = world.app.product.keyring
            store_credential(ring, system("test"), "office", TOKEN, world.clock())
        yield found


@pytest.fixture
def phones(world: World) -> World:
    """Two cities where one comes in by number."""
    opened = [yaml + "channels: {phone: {state: open}}\n" for yaml in (HANGZHOU, NINGBO)]
    world.once("phones", lambda: [world.save(yaml) for yaml in opened])
    return world
