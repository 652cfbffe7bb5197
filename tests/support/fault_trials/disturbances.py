"""What is done to an installation under way, each as often as a trial asks."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import psycopg

from tests.support.back_office import BackOffice
from tests.support.brokers import RabbitServer, RedisServer
from tests.support.fault_trials.databases import Databases
from tests.support.fault_trials.people import OTHER_HOST, Asker, Crowd, form_headers
from tests.support.fault_trials.processes import HOST, Installation, Node, Process
from tests.support.linked_office import ACCOUNT
from tests.support.served import until

HOURS = 3600
A_WHILE = 2.0
"""Seconds for which what is away, full or taken stays so."""


@dataclass
class Scene:
    """What can be disturbed, and what was seen of it beside what the people were told."""

    installation: Installation
    crowd: Crowd
    databases: Databases
    broker: RabbitServer
    redis: RedisServer
    office: BackOffice
    askers: Iterator[Asker]
    seen: list[str] = field(default_factory=list)
    """Promises that were broken while something was disturbed."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(4_100_300_001))
    """Accounts that nobody has looked up yet."""


Disturb = Callable[[Scene, int], float | None]
"""Disturb once; returns the seconds until the process was ready again, where one was started."""


def _kill(role: str) -> Disturb:
    def kill(scene: Scene, turn: int) -> float | None:
        found = scene.installation.of_role(role)
        one = found[turn % len(found)]
        one.wait_until_ready()  # what is killed is at work, and not still starting
        one.kill()
        if isinstance(one, Node):
            return one.again()
        one.start()
        return None

    return kill


def _kill_scheduler(scene: Scene, turn: int) -> None:
    """The runner and the dispatcher, which look after the days of cities and the platform's own
    work, while one of them is in the middle of it: adding up what was counted, or a city's day."""
    table = ("city_measure", "city_score")[turn % 2]
    both = [*scene.installation.of_role("worker"), *scene.installation.of_role("dispatcher")]
    with psycopg.connect(scene.databases.primary.url + "&dbname=" + _name(scene)) as holder:
        holder.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[arg-type]
        for one in both:  # a day is looked at by each process that starts
            one.kill()
            one.start()
        waits = (
            f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass LIMIT 1"
        )
        until(lambda: holder.execute(waits).fetchall(), 240)  # type: ignore[arg-type]
        for one in both:
            one.kill()
    for one in both:
        one.start()


def _stop_web(scene: Scene, turn: int) -> float:
    """Whoever asks meanwhile is answered: by the process that ends, or by the one that comes."""
    before = scene.crowd.told.broken
    node = scene.installation.nodes[turn % len(scene.installation.nodes)]
    node.stop()
    took = node.again()
    if lost := scene.crowd.told.broken - before:
        scene.seen.append(f"{lost} requests without an answer while {node.role} was restarted")
    return took


def _restart_database(scene: Scene, _turn: int) -> None:
    scene.databases.primary.die()
    scene.databases.restart()


def _cut_connections(scene: Scene, _turn: int) -> None:
    scene.databases.cut()


def _take_connections(scene: Scene, _turn: int) -> None:
    """Nobody else gets one for a while; then the site is there again."""
    with scene.databases.taken():
        time.sleep(A_WHILE)
        _somebody_asks(scene)
    _comes_back(scene)


def _promote(scene: Scene, _turn: int) -> None:
    """The primary dies under load, and its standby takes its place."""
    scene.databases.follow()
    time.sleep(A_WHILE)
    scene.databases.fail_over()
    _comes_back(scene)


def _fill_disk(scene: Scene, _turn: int) -> None:
    """First for data, then for the log as well, at which the server dies; then there is room again."""
    ballast = scene.databases.fill()
    try:
        time.sleep(A_WHILE)
        scene.databases.write_log_until_it_fails()
        _somebody_asks(scene)
    finally:
        ballast.unlink()
    scene.databases.restart()
    _comes_back(scene)


def _lose_broker(scene: Scene, _turn: int) -> None:
    scene.broker.stop()
    scene.broker.start()


def _lose_redis(scene: Scene, _turn: int) -> None:
    scene.redis.flush()
    time.sleep(A_WHILE / 2)
    scene.redis.stop()
    time.sleep(A_WHILE)
    scene.redis.start()


def _step_clock(roles: tuple[str, ...]) -> Disturb:
    def step(scene: Scene, turn: int) -> None:
        one = _one_of(scene, roles, turn)
        assert one.clock is not None
        try:
            for hours in (3, -3):
                one.clock.set_off(hours * HOURS)
                time.sleep(A_WHILE)
        finally:
            one.clock.set_off(0)

    return step


def _one_of(scene: Scene, roles: tuple[str, ...], turn: int) -> Process:
    found = [one for role in roles for one in scene.installation.of_role(role)]
    return found[turn % len(found)]


def _misbehave(trouble: str) -> Disturb:
    """Two residents ask what only the back office knows, one at each node, while others read pages."""

    def misbehave(scene: Scene, _turn: int) -> None:
        scene.office.trouble = trouble
        asker = next(scene.askers)
        try:
            with _readers(scene), ThreadPoolExecutor(2) as pool:
                list(
                    pool.map(
                        lambda node: _ask(scene, asker, node, good=False), scene.installation.nodes
                    )
                )
        finally:
            scene.office.let_go()
        for node in scene.installation.nodes:
            _ask(scene, asker, node, good=True)

    return misbehave


def _ask(scene: Scene, asker: Asker, node: Node, *, good: bool) -> None:
    """Link an account: the back office is asked for it."""
    number = str(next(scene.numbers))
    scene.office.accounts["water", number] = ACCOUNT
    fields = {"csrf_token": asker.csrf, "kind": "water", "number": number, "holder": "王某", "nickname": "家"}  # fmt: skip
    answer = scene.crowd.ask(
        "POST",
        "/services/utility-bills/link",
        urlencode(fields),
        form_headers(asker.cookie),
        host=OTHER_HOST,
        node=node,
    )
    wanted = 302 if good else 503
    if answer is None or answer.status != wanted:
        told = answer.status if answer is not None else "nothing"
        scene.seen.append(
            f"{told} instead of {wanted} where a back office {scene.office.trouble or 'answers again'}"
        )


@contextmanager
def _readers(scene: Scene) -> Iterator[None]:
    """Until the block ends, pages of both cities are read that need no back office: each answers."""
    stop = threading.Event()

    def read(host: str) -> None:
        while not stop.wait(0.1):
            answer = scene.crowd.ask("GET", "/services", host=host)
            if answer is None or answer.status != 200:
                told = answer.status if answer is not None else "nothing"
                scene.seen.append(f"{told} instead of a page of {host}: {scene.office.trouble}")

    threads = [threading.Thread(target=read, args=(host,)) for host in (HOST, OTHER_HOST)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        stop.set()
        for one in threads:
            one.join(60)


def _somebody_asks(scene: Scene) -> None:
    """At each node, what only the database knows."""
    for node in scene.installation.nodes:
        scene.crowd.ask("GET", "/search?q=a", node=node)


def _comes_back(scene: Scene) -> None:
    """Each node is ready again by itself."""
    for node in scene.installation.nodes:
        until(node.is_ready)


def _name(scene: Scene) -> str:
    found = scene.databases.ask("SELECT datname FROM pg_database WHERE datname LIKE 'smartcity_%'")
    return str(found[0][0])


DISTURBANCES: Mapping[str, Disturb] = {
    "a web node is killed": _kill("web"),
    "the runner is killed": _kill("worker"),
    "a worker of Celery is killed": _kill("celery"),
    "the dispatcher is killed": _kill("dispatcher"),
    "the scheduler is killed in the middle of its work": _kill_scheduler,
    "a web node is told to stop": _stop_web,
    "connections to the database are cut": _cut_connections,
    "the database has no connection left": _take_connections,
    "the database dies, then recovers": _restart_database,
    "the primary dies, its standby is promoted": _promote,
    "the database's disk is full": _fill_disk,
    "the broker dies, then comes back": _lose_broker,
    "Redis is flushed, then gone": _lose_redis,
    "the clock of a web node is set ahead, then back": _step_clock(("web",)),
    "the clock of a background process is set ahead, then back": _step_clock(
        ("worker", "dispatcher", "celery")
    ),
    "a back office hangs": _misbehave("hangs"),
    "a back office drips": _misbehave("slow"),
    "a back office floods": _misbehave("floods"),
    "a back office lies": _misbehave("lies"),
}


def unavailable(scene: Scene) -> dict[str, str]:
    """What cannot be done on this machine, each with the reason."""
    found = {}
    if scene.databases.disk is None:
        found["the database's disk is full"] = "only root can mount a disk that is small enough"
    if scene.installation.nodes[0].clock is None:
        for name in DISTURBANCES:
            if name.startswith("the clock"):
                found[name] = "there is no C compiler (cc)"
    return found
