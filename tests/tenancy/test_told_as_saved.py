"""Nobody who was told "saved" finds the old page, on any process; and it is told as soon as that holds."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError

from smartcity_saas.configuration.models import ServingProcess
from smartcity_saas.database import db
from smartcity_saas.tenancy import change_watch
from smartcity_saas.tenancy.change_watch import watch_on
from smartcity_saas.tenancy.registry import CHECK_SECONDS, CityRegistry
from smartcity_saas.tenancy.serving_processes import SILENT, Presence
from tests.support.browser import fresh
from tests.support.served import until
from tests.support.world import World

COLOR = ("branding", "color")
COLORS = ("#1f5f99", "#7a1f3d", "#0b6e4f", "#5b3a8c", "#8a4b00", "#1f5f99", "#7a1f3d", "#0b6e4f")


class Teller:
    """The world's process, which stores a change, and the time that it waits."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.now, self.waits = world, 100.0, 0
        self.meanwhile: Any = lambda: None
        monkeypatch.setattr(world.app.registry, "monotonic", lambda: self.now)
        monkeypatch.setattr(world.app.registry, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits += 1
        fresh(self.meanwhile)

    def change(self, color: str) -> None:
        """Store a colour, and wait until that may be told."""
        change(self.world, color)


def change(world: World, color: str) -> None:
    documents, registry = world.documents(), world.app.registry
    documents.change("hangzhou", documents.live("hangzhou").number, "", {COLOR: color})
    registry.refresh()
    registry.wait_for_others()


@pytest.fixture
def teller(world: World, monkeypatch: pytest.MonkeyPatch) -> Teller:
    return Teller(world, monkeypatch)


def serving(world: World, teller: Teller | None = None) -> CityRegistry:
    """Another process that serves."""
    monotonic = (lambda: teller.now) if teller else time.monotonic
    registry = CityRegistry(world.app.registry.extensions, "localhost", monotonic, demo=True)
    registry.presence = Presence(world.clock)
    registry.refresh_if_due()
    return registry


def color(registry: CityRegistry) -> str:
    """What a request to that process finds now."""
    registry.refresh_if_due()
    return registry.snapshot.cities["hangzhou"].color


def test_whoever_serves_alone_waits_for_nobody(teller: Teller) -> None:
    """The answer comes with the commit."""
    teller.change("#1f5f99")
    assert teller.waits == 0


def test_it_is_told_as_soon_as_all_have_come_to_it(world: World, teller: Teller) -> None:
    """And not before: the slower of two is waited for."""
    quick, slow = serving(world, teller), serving(world, teller)

    def look() -> None:
        with world.app.app_context():
            quick.refresh()
            if teller.waits == 3:
                slow.refresh()

    teller.meanwhile = look
    teller.change("#1f5f99")
    assert teller.waits == 3
    assert [color(quick), color(slow)] == ["#1f5f99"] * 2


def test_a_silent_process_is_waited_for_until_it_must_look(world: World, teller: Teller) -> None:
    """Hung, dead or deaf: as long as it could serve what it has, and no longer."""
    silent = serving(world, teller)
    before = teller.now
    teller.change("#1f5f99")
    assert teller.now - before == pytest.approx(CHECK_SECONDS, abs=0.01)
    assert color(silent) == "#1f5f99"


def test_a_process_that_has_ended_is_forgotten(world: World, teller: Teller) -> None:
    """The next one that says that it lives forgets what has been silent for long."""
    serving(world, teller)
    world.clock.move(seconds=SILENT.total_seconds() + 1)
    here = serving(world, teller)
    assert here.presence is not None
    assert set(db.session.scalars(select(ServingProcess.id))) == {here.presence.id}


def test_it_is_known_before_it_reads_what_it_will_serve(
    world: World, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that is stored while a process starts waits for it or is found by it: no gap."""
    stored: list[float] = []
    live_version = CityRegistry._live_version

    def changed_meanwhile(self: CityRegistry) -> int:
        version = live_version(self)
        if self is not world.app.registry and not stored:
            stored.append(teller.now)
            fresh(in_world)
            stored.append(teller.now)
        return version

    def in_world() -> Any:
        with world.app.app_context():
            teller.change("#1f5f99")

    monkeypatch.setattr(CityRegistry, "_live_version", changed_meanwhile)
    started = serving(world, teller)
    assert stored[1] - stored[0] == pytest.approx(CHECK_SECONDS, abs=0.01)
    assert color(started) == "#1f5f99"


def test_a_process_that_nobody_knows_looks_before_each_request(
    world: World, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot say that it is there, nobody waits for it, so it asks each time."""
    registry = CityRegistry(
        world.app.registry.extensions, "localhost", lambda: teller.now, demo=True
    )
    registry.refresh_if_due()

    def away(*arguments: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(Presence, "say", away)
        registry.presence = Presence(world.clock)
        registry.refresh_if_due()
        assert registry.due
    registry.refresh_if_due()
    assert not registry.due


@contextlib.contextmanager
def listening(world: World, registry: CityRegistry) -> Iterator[None]:
    """While that process hears of changes."""
    stop = threading.Event()
    other = threading.Thread(target=watch_on, args=[world.app, registry, stop, 0.05])
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join(30)


def test_a_process_without_requests_hears_of_a_change(world: World) -> None:
    """By a notice of PostgreSQL's, or by SQLite's file: nobody has to come before it looks."""
    registry = serving(world)
    with listening(world, registry):
        change(world, "#1f5f99")
        until(lambda: registry.version == world.app.registry.version)
    assert registry.snapshot.cities["hangzhou"].color == "#1f5f99"


def test_hearing_begins_anew_when_the_connection_is_cut(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is no process's end; what was said meanwhile is found on the way back."""
    if world.engine != "postgresql":
        pytest.skip("SQLite has no connection that could be cut")
    monkeypatch.setattr(change_watch, "RETRY_SECONDS", 0.05)
    registry = serving(world)
    # Within one transaction PostgreSQL tells whose sessions there were at its first look.
    engine = create_engine(world.app.product.settings.database_url, isolation_level="AUTOCOMMIT")
    with listening(world, registry), engine.connect() as connection:
        listeners = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        for one in COLORS[:4]:
            until(lambda: connection.execute(listeners).all())
            change(world, one)
            until(lambda: registry.version == world.app.registry.version)
    engine.dispose()


def _serve(world: World, hears: bool, line: Connection) -> None:
    """A process that answers each question as it would a request."""
    app = world.app
    with app.app_context():
        db.engine.dispose(close=False)  # the parent's connections are the parent's
        registry = serving(world)
        if hears:
            stop = threading.Event()
            threading.Thread(target=watch_on, args=[app, registry, stop, 1], daemon=True).start()
        line.send("ready")
        while line.recv() != "end":
            db.session.rollback()
            line.send(color(registry))


def test_nobody_who_was_told_finds_the_old_page(world: World) -> None:
    """Four processes, one of which hears nothing: after each change all of them have it."""
    context = multiprocessing.get_context("fork")
    lines = []
    for hears in (True, True, True, False):
        here, there = context.Pipe()
        db.session.rollback()
        process = context.Process(target=fresh, args=[_serve, world, hears, there], daemon=True)
        process.start()
        lines.append((here, process))
    try:
        for line, _process in lines:
            assert line.poll(60)
            assert line.recv() == "ready"
        for wanted in COLORS:
            change(world, wanted)
            for line, _process in lines:
                line.send("?")
            assert [line.recv() for line, _process in lines] == [wanted] * len(lines)
    finally:
        for line, process in lines:
            with contextlib.suppress(OSError):
                line.send("end")
            process.join(10)
            process.kill()
