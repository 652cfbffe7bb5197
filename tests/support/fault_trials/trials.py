"""A trial: people book and pay, something is disturbed again and again, then what was told must hold."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from smartcity_saas.audit import system
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from tests.support import postgres
from tests.support.api_client import Office
from tests.support.back_office import TOKEN, BackOffice, open_office
from tests.support.brokers import rabbit_server, redis_server
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU, NINGBO, PLATFORM, ZHEJIANG
from tests.support.fault_trials.databases import databases
from tests.support.fault_trials.disturbances import DISTURBANCES, Scene, unavailable
from tests.support.fault_trials.people import (
    CITY,
    OTHER_CITY,
    Crowd,
    Told,
    make_askers,
    make_people,
)
from tests.support.fault_trials.processes import Installation
from tests.support.fault_trials.promises import (
    broken_chains,
    broken_promises,
    is_at_work,
    wait_until_done,
)
from tests.support.served_world import environment_of, served_world
from tests.support.world import World

CLIENTS = 8
SECONDS_EACH = 4
"""What a disturbance takes, about: for as long there are people who come."""


@dataclass
class Trial:
    """What was done, what the people were told, and which promises were broken.

    ``ready`` are the seconds until a web node that was killed or told to stop was ready again, by
    disturbance; ``skipped`` the disturbances that this machine does not allow, each with the reason.
    """

    done: Mapping[str, int]
    told: Told
    broken: list[str]
    drained: bool
    seconds: float
    ready: Mapping[str, list[float]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every promise was kept, and something was promised at all."""
        told = self.told
        return self.drained and not self.broken and bool(told.booked and told.paid and told.stored)

    def line(self) -> str:
        """The trial in one line."""
        return (
            f"{sum(self.done.values())} disturbances in {self.seconds:,.0f} s: {len(self.told.booked)} booked, "
            f"{len(self.told.paid)} paid, {len(self.told.stored)} stored, {self.told.broken} without an answer, "
            f"{self.told.faults} faults told, "
            f"{len(self.broken)} promises broken, {'drained' if self.drained else 'NOT drained'}"
        )


def run_trial(
    plan: Mapping[str, int],
    people: int,
    folder: Path,
    pause: float = 0.5,
    *,
    loud: bool = False,
    minutes: float | None = None,
) -> Trial:
    """Disturb as often as planned, in turn, while so many people book and pay.

    Args:
        plan: How often, by the name of a disturbance.
        people: How many have a bill and want one of half as many places.
        folder: For logs.
        pause: Between two disturbances, in seconds.
        loud: Say what is done.
        minutes: Begin nothing after so many; the rest of the plan is left out.
    """
    with _scene(plan, folder, people) as (scene, superuser, env):
        crowd = scene.crowd
        skipped = {name: why for name, why in unavailable(scene).items() if plan.get(name)}
        begun = time.monotonic()
        until = begun + minutes * 60 if minutes is not None else float("inf")
        crowd.start(CLIENTS)
        ready: dict[str, list[float]] = {}
        done: Counter[str] = Counter()
        for turn, name in _in_turn({one: n for one, n in plan.items() if one not in skipped}):
            if time.monotonic() > until:
                break
            done[name] += 1
            if loud:
                sys.stdout.write(f"{time.monotonic() - begun:7.0f} s  {done.total():4}  {name}\n")
                sys.stdout.flush()
            try:
                found = DISTURBANCES[name](scene, turn)
            except (AssertionError, OSError, psycopg.Error, subprocess.SubprocessError) as error:
                scene.seen.append(f"{name}: it did not come to its end: {error!r}")
                continue
            if found is not None:
                ready.setdefault(name, []).append(found)
            time.sleep(pause)
        crowd.finish()
        drained = wait_until_done(superuser)
        broken = [
            *scene.seen,
            *crowd.told.unclear,
            *broken_promises(superuser, crowd.told),
            *broken_chains(env),
        ]
        seconds = time.monotonic() - begun
        return Trial(done, crowd.told, broken, drained, seconds, ready, skipped)


def _in_turn(plan: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Each in its turn, with how often it was done before, until all are done as often as planned."""
    for turn in range(max(plan.values(), default=0)):
        for name, times in plan.items():
            if turn < times:
                yield turn, name


@contextmanager
def _scene(
    plan: Mapping[str, int], folder: Path, people: int
) -> Iterator[tuple[Scene, str, dict[str, str]]]:
    assert postgres.is_installed(), "PostgreSQL is not installed"
    with ExitStack() as stack:
        servers = stack.enter_context(databases())
        broker = stack.enter_context(rabbit_server())
        redis = stack.enter_context(redis_server())
        office = stack.enter_context(open_office(BackOffice()))
        database = stack.enter_context(postgres.test_database(servers.url))
        world = stack.enter_context(served_world(database))
        _fill(world, office)
        stripe = world.open_payments(CITY)
        bearer = Office(world, CITY, "bills:write").token
        made = list(make_people(world, people))
        askers = iter(list(make_askers(world, sum(plan.values()))))
        clinic = str(Clinic(world, CITY).session())
        db.session.remove()  # what is cut are the installation's connections
        db.engine.dispose()
        env = environment_of(world.app.product.settings)
        env |= {"SMARTCITY_BROKER": broker.url, "SMARTCITY_REDIS": redis.url}
        installation = Installation(env, folder, lambda name: is_at_work(database.superuser, name))
        stack.enter_context(closing(_Ending(installation)))
        installation.start()
        pause = SECONDS_EACH * sum(plan.values()) * CLIENTS / people
        crowd = Crowd(installation, stripe, clinic, made, bearer, pause)
        yield (
            Scene(installation, crowd, servers, broker, redis, office, askers),
            database.superuser,
            env,
        )


def _fill(world: World, office: BackOffice) -> None:
    linked = (
        f"{NINGBO}services:\n  utility_bills:\n    connector: "
        f"{{kind: http, base_url: '{office.base}', token: {{credential: office}}}}\n"
    )
    for text in (PLATFORM, ZHEJIANG, HANGZHOU, linked):
        world.save(text)
    with world.inside(OTHER_CITY):
        ring = world.app.product.keyring
        store_credential(ring, system("test"), "office", TOKEN, world.clock())


class _Ending:
    """Closes an installation."""

    def __init__(self, installation: Installation) -> None:
        self.close = installation.end
