"""Workers of Celery over a real RabbitMQ and a real Redis: killed, and with the broker away."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import func, select

from smartcity_saas.database import db, insert_once
from smartcity_saas.outbox import CityDue, OutboxTask, enqueue
from smartcity_saas.outbox.dispatcher import SENT, Dispatcher
from smartcity_saas.outbox.queue import LEASE, MOST_ATTEMPTS
from smartcity_saas.task_queue import CeleryQueue, make_celery
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import current_city_id
from tests.support.brokers import RabbitServer, RedisServer, rabbit_server, redis_server
from tests.support.browser import fresh
from tests.support.served import two_cities, until
from tests.support.shell import Shell
from tests.support.world import World

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def rabbit() -> Iterator[RabbitServer]:
    with rabbit_server() as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(params=["rabbit", "redis"])
def broker(request: pytest.FixtureRequest) -> RabbitServer | RedisServer:
    """A broker of the tests' own."""
    return request.getfixturevalue(request.param)


class Workers:
    """A queue of the test's own, its dispatcher, and workers in processes of their own."""

    def __init__(self, world: World, broker: RabbitServer | RedisServer, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.url = broker.url
        self.queue = CeleryQueue(make_celery(self.url, lambda: world.app, self.name))
        self.children: list[int] = []

    def start(self) -> int:
        """Fork a worker that does the tasks of this module; returns its process."""
        db.session.rollback()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # forking beside threads: the child runs none of them
            child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                self._work()
            os._exit(0)
        self.children.append(child)
        return child

    def _work(self) -> None:
        warnings.simplefilter("ignore")
        app = self.world.app
        with app.app_context():
            db.engine.dispose(close=False)  # the parent's connections are the parent's
        tasks = {"note": self._note, "hangs": self._hangs}
        app.product = replace(app.product, tasks=tasks)
        celery = make_celery(self.url, lambda: app, self.name)
        fresh(
            lambda: celery.Worker(
                pool="threads", concurrency=2, without_gossip=True, without_mingle=True
            ).start()
        )

    def _note(self, payload: Mapping[str, Any], now: datetime) -> None:
        """An effect that is idempotent in the database, as every task's is."""
        self.count("begun")
        insert_once(
            OutboxTask,
            ("kind", "key"),
            kind="effect",
            key=f"{current_city_id()}:{payload['number']}",
            payload={},
            created_at=now,
        )

    def _hangs(self, payload: Mapping[str, Any], now: datetime) -> None:
        """The same, and then never an end, the first time."""
        self._note(payload, now)
        if not (self.folder / "killed").exists():
            threading.Event().wait()

    def count(self, what: str) -> None:
        """Note something outside of the database."""
        (self.folder / f"{what}-{uuid.uuid4().hex}").touch()

    def counted(self, what: str) -> int:
        """How often that was noted."""
        return len(list(self.folder.glob(f"{what}-*")))

    def dispatch(self) -> int:
        """One look of a dispatcher."""
        db.session.rollback()
        one = Dispatcher(self.world.app, {}, tenant_context, self.world.clock, queue=self.queue)
        return int(fresh(one.send_due))  # type: ignore[arg-type, call-overload]

    def end(self) -> None:
        """Kill what is left."""
        for child in self.children:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


@pytest.fixture
def workers(world: World, broker: RabbitServer | RedisServer, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(world, broker, tmp_path)
    yield made
    made.end()


def add(world: World, kind: str, number: int) -> None:
    for city in ("hangzhou", "ningbo"):
        db.session.rollback()
        with world.inside(city):
            for one in range(number):
                enqueue(kind, {"number": one}, world.clock())


def due() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(CityDue)) or 0


def effects(world: World) -> dict[str, int]:
    """What was done in each city."""
    found = {}
    for city in ("hangzhou", "ningbo"):
        db.session.rollback()
        with world.inside(city):
            query = select(func.count()).where(OutboxTask.kind == "effect")
            found[city] = db.session.scalar(query) or 0
    return found


def test_workers_do_what_is_due(world: World, workers: Workers) -> None:
    """Promise: each task is done once, in its own city, by any number of dispatchers and workers."""
    add(world, "note", 5)
    workers.start()
    workers.start()
    assert workers.dispatch() + workers.dispatch() == 10
    until(lambda: due() == 0)
    assert effects(world) == {"hangzhou": 5, "ningbo": 5}
    assert workers.counted("begun") == 10


def test_a_worker_that_is_killed_midway(world: World, workers: Workers) -> None:
    """Promise: killed (SIGKILL) after its effect and before its end, a task is done again by another
    worker, with one effect; the broker's own second delivery does nothing while the claim lasts."""
    add(world, "hangs", 1)
    first = workers.start()
    workers.dispatch()
    until(lambda: workers.counted("begun") == 2)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    (workers.folder / "killed").touch()
    assert due() == 2
    world.clock.now += max(LEASE, SENT) * 2
    workers.start()
    assert workers.dispatch() == 2
    until(lambda: due() == 0)
    assert effects(world) == {"hangzhou": 1, "ningbo": 1}
    assert workers.counted("begun") == 4
    for city in ("hangzhou", "ningbo"):
        db.session.rollback()
        with world.inside(city):
            tries = db.session.scalar(select(OutboxTask.attempts).where(OutboxTask.kind == "hangs"))
            assert tries is not None
            assert 2 <= tries < MOST_ATTEMPTS


def test_a_broker_away_and_back(
    world: World, workers: Workers, broker: RabbitServer | RedisServer
) -> None:
    """Promise: while the broker is away the backlog grows in the database, and then it drains, whole;
    what was in the queue and is lost with it is sent again."""
    add(world, "note", 3)
    assert workers.dispatch() == 6  # nobody takes them: they wait in the queue
    broker.stop()
    add(world, "note", 3)
    with pytest.raises((OperationalError, OSError)):
        workers.dispatch()
    assert due() == 12
    broker.start()
    workers.start()
    until(lambda: _answers(workers.dispatch))
    world.clock.now += SENT
    until(lambda: _answers(workers.dispatch) and due() == 0)
    assert effects(world) == {"hangzhou": 3, "ningbo": 3}


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_the_commands(tmp_path: Path, pool: str) -> None:
    """Promise: the dispatcher and Celery's own command work together as docs/operations.md starts
    them, in threads or forked processes, say that they live, and end in order when they are told to;
    without a broker each says what to set."""
    shell = two_cities(tmp_path)
    said = shell.run("dispatcher", code=1)
    assert "SMARTCITY_BROKER" in said
    with redis_server() as server, contextlib.ExitStack() as stack:
        shell.env["SMARTCITY_BROKER"] = server.url
        database = stack.enter_context(
            contextlib.closing(sqlite3.connect(tmp_path / "test.sqlite3"))
        )

        def asked(query: str) -> list[str]:
            return [row[0] for row in database.execute(query)]

        _insert_task(database)
        worker = ("celery", "-A", "smartcity_saas.celery_app", "worker", "--concurrency", "1")
        commands = (("smartcity_saas.cli", "dispatcher"), (*worker, "--pool", pool))
        processes = [stack.enter_context(_running(shell, *words)) for words in commands]
        until(lambda: asked("SELECT error FROM outbox_task") == ["KeyError"])
        kinds = "SELECT kind FROM runner_process ORDER BY kind"
        until(lambda: asked(kinds) == ["celery", "dispatcher"])
        for process in processes:
            process.terminate()
        assert [process.wait(60) for process in processes] == [0, 0]
        assert asked(kinds) == []


def _insert_task(database: sqlite3.Connection) -> None:
    """A task that nobody knows: its first try leaves an error."""
    task = uuid.uuid4().hex
    (city,) = database.execute("SELECT id FROM document WHERE name = 'ningbo'").fetchone()
    at = "2026-01-01 08:00:00.000000+00:00"
    database.execute(
        "INSERT INTO outbox_task (city_id, id, kind, payload, created_at, attempts)"
        " VALUES (?, ?, 'unknown', '{}', ?, 0)",
        (city, task, at),
    )
    database.execute(
        "INSERT INTO city_due (city_id, task_id, due_at) VALUES (?, ?, ?)", (city, task, at)
    )
    database.commit()


@contextlib.contextmanager
def _running(shell: Shell, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=shell.folder, env=shell.env)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def _answers(look: Callable[[], int]) -> bool:
    with contextlib.suppress(Exception):
        look()
        return True
    return False
