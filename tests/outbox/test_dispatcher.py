"""Dispatchers hand each task to the workers once, whatever becomes of messages and brokers."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.outbox import CityDue, OutboxTask, dispatcher, enqueue
from smartcity_saas.outbox.dispatcher import (
    MOST_OF_CITY,
    MOST_QUEUED,
    SENT,
    Dispatcher,
    Due,
    lease_due,
)
from smartcity_saas.outbox.queue import LEASE, _claim, run_task
from smartcity_saas.task_queue import RUN, CityTask, make_celery
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenant_context import current_city_id
from tests.support.browser import fresh
from tests.support.world import World


class Messages:
    """A queue that remembers what it was sent, and may fail at a message."""

    def __init__(self, fails_at: int | None = None, waiting: int = 0) -> None:
        self.sent: list[Due] = []
        self.fails_at = fails_at
        self.there = waiting

    def send(self, city_id: int, task_id: uuid.UUID) -> None:
        if len(self.sent) == self.fails_at:
            raise ConnectionError("the broker is away")
        self.sent.append((city_id, task_id))

    def waiting(self) -> int:
        return self.there


def add(world: World, city: str, number: int = 1) -> list[Due]:
    db.session.rollback()
    city_id = world.city_id(city)
    with world.inside(city):
        made = [enqueue("note", {}, world.clock()) for _one in range(number)]
    return [(city_id, one) for one in made if one is not None]


def dispatcher_of(world: World, queue: Messages) -> Dispatcher:
    return Dispatcher(world.app, {}, tenant_context, world.clock, queue=queue)


def look(one: Dispatcher) -> int:
    db.session.rollback()
    return int(fresh(one.send_due))  # type: ignore[arg-type, call-overload]


def test_a_task_is_sent_once_and_again_if_its_message_is_lost(world: World) -> None:
    """Promise: nothing is lost by a broker: what no worker claimed for a while is sent again."""
    due = add(world, "hangzhou") + add(world, "ningbo")
    queue = Messages()
    one = dispatcher_of(world, queue)
    assert (look(one), look(one)) == (2, 0)
    assert sorted(queue.sent) == sorted(due)
    world.clock.now += SENT
    assert look(one) == 2


def test_a_claimed_task_is_not_sent_while_its_lease_lasts(world: World) -> None:
    """Promise: a task under way is left alone, and a worker that died lets it go by its lease."""
    ((_city, task),) = add(world, "hangzhou")
    queue = Messages()
    one = dispatcher_of(world, queue)
    look(one)
    with world.inside("hangzhou"):
        assert _claim(task, world.clock()) is not None
    world.clock.now += LEASE / 2
    assert look(one) == 0
    world.clock.now += LEASE
    assert look(one) == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_two_dispatchers_send_each_task_once(
    world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Promise: several dispatchers may run at once. Without the condition of the lease, the control,
    both send what both have seen."""
    due = add(world, "hangzhou", 5) + add(world, "ningbo", 5)
    both_have_seen = threading.Barrier(2)
    free = dispatcher._free

    def seen(*arguments: Any) -> list[Due]:
        found = free(*arguments)
        db.session.rollback()
        if not guarded:
            monkeypatch.setattr(dispatcher, "_may_be_sent", lambda _now: ())
        both_have_seen.wait(30)
        return found

    monkeypatch.setattr(dispatcher, "_free", seen)
    queues = [Messages(), Messages()]
    lookers = [
        threading.Thread(target=fresh, args=(dispatcher_of(world, queue).send_due,))
        for queue in queues
    ]
    db.session.rollback()
    for one in lookers:
        one.start()
    for one in lookers:
        one.join(60)
    sent = [task for queue in queues for task in queue.sent]
    assert set(sent) == set(due)
    assert (len(sent) == len(due)) == guarded


def test_a_crowd_in_one_city_delays_no_other(world: World) -> None:
    """Promise: each city has its share: behind a hundred older tasks of one, another's is sent in the
    same look, and no more of one are under way than that."""
    add(world, "hangzhou", 100)
    (other,) = add(world, "ningbo")
    db.session.rollback()
    leased = fresh(lambda: _leased(world, 20))
    assert other in leased
    assert len(leased) == MOST_OF_CITY + 1
    assert fresh(lambda: _leased(world, 20)) == []


def _leased(world: World, most: int) -> list[Due]:
    with world.app.app_context():
        return lease_due(world.clock(), most)


def test_a_full_queue_is_sent_nothing(world: World) -> None:
    """Promise: what is due waits in the database, in the order of its cities, and not in a queue that
    nobody empties."""
    add(world, "hangzhou")
    assert look(dispatcher_of(world, Messages(waiting=MOST_QUEUED))) == 0
    assert look(dispatcher_of(world, Messages())) == 1


def test_what_could_not_be_sent_is_sent_at_the_next_look(world: World) -> None:
    """Promise: a broker that goes away midway costs nothing but time."""
    due = add(world, "hangzhou", 3) + add(world, "ningbo", 3)
    broken, mended = Messages(fails_at=2), Messages()
    with pytest.raises(ConnectionError):
        look(dispatcher_of(world, broken))
    assert look(dispatcher_of(world, mended)) == 4
    assert sorted(broken.sent + mended.sent) == sorted(due)


@pytest.mark.parametrize("message", [(), ("1",), (True,), (None,), (1.0,)])
def test_a_message_that_names_no_city_fails(world: World, message: tuple[Any, ...]) -> None:
    """Promise: a task enters its tenant context or fails; nothing it might do is done."""
    done: list[int] = []
    celery = make_celery("memory://", lambda: world.app)

    @celery.task(name="any", shared=False)
    def task(_app: SiteFlask) -> None:
        done.append(current_city_id())

    with pytest.raises((TenantIsolationError, TypeError)):
        task(*message)
    assert done == []
    db.session.rollback()
    city = world.city_id("ningbo")
    fresh(lambda: task(city))
    assert done == [city]


def test_every_task_of_celery_enters_a_city(world: World) -> None:
    """Promise: isolation is default-deny: whoever adds a task cannot forget its city."""
    celery = make_celery("memory://", lambda: world.app)

    @celery.task(name="added.later", shared=False)
    def added_later(_app: SiteFlask) -> None:
        """Whatever somebody adds."""

    celery.finalize()
    own = {name: task for name, task in celery.tasks.items() if not name.startswith("celery.")}
    assert set(own) == {RUN, "added.later"}
    assert all(isinstance(task, CityTask) for task in own.values())


def test_a_task_of_one_city_is_not_found_in_another(world: World) -> None:
    """Promise: a message that names a task and the wrong city does nothing."""
    ((_city, task),) = add(world, "hangzhou")
    db.session.rollback()
    celery = make_celery("memory://", lambda: world.app)
    other = world.city_id("ningbo")
    fresh(lambda: celery.tasks[RUN](other, str(task)))
    with world.inside("hangzhou"):
        assert db.session.scalars(select(OutboxTask.attempts)).all() == [0]


def test_whoever_comes_too_late_with_a_failure_notes_nothing(world: World) -> None:
    """Promise: a task taken over after its lease belongs to whoever took it over: the failure of the
    first lets no third one in."""
    ((_city, task),) = add(world, "hangzhou")

    def late(_payload: Any, _now: Any) -> None:
        world.clock.now += LEASE * 2
        assert _claim(task, world.clock()) is not None
        raise RuntimeError("told to")

    with world.inside("hangzhou"):
        assert not run_task({"note": late}, task, world.clock())
        row = db.session.scalars(select(OutboxTask)).one()
        assert (row.attempts, row.error) == (2, None)
        assert row.leased_until is not None
    db.session.rollback()
    (due,) = db.session.scalars(select(CityDue.due_at)).all()
    assert due is not None
    assert due > world.clock()


def test_dispatchers_go_on_with_the_days(world: World) -> None:
    """Promise: with a broker away the days of cities and the platform's own work go on."""
    days: list[int] = []
    stop = threading.Event()

    class Away(Messages):
        def waiting(self) -> int:
            if days:
                stop.set()
            raise ConnectionError("the broker is away")

    zones = {world.city_id("hangzhou"): "Asia/Shanghai"}
    db.session.rollback()
    one = Dispatcher(
        world.app,
        {},
        tenant_context,
        world.clock,
        queue=Away(),
        daily=lambda _now: days.append(current_city_id()),
        cities=lambda: zones,
    )
    thread = threading.Thread(target=fresh, args=(lambda: one.run_until(stop),))
    thread.start()
    thread.join(60)
    assert days == list(zones)


def test_tasks_beyond_a_citys_quota_are_not_sent(world: World) -> None:
    """They are let go and stay due; another city's are sent, and theirs when the quota lets them."""
    here, there = add(world, "hangzhou", 5), add(world, "ningbo", 2)
    left = {here[0][0]: 3}

    def admit(city_id: int) -> float:
        left[city_id] = left.get(city_id, 9) - 1
        return 0.0 if left[city_id] >= 0 else 30.0

    queue = Messages()
    one = Dispatcher(world.app, {}, tenant_context, world.clock, admit=admit, queue=queue)
    assert [look(one), look(one)] == [5, 0]
    assert len(set(queue.sent) & set(here)) == 3  # all are equally old
    assert set(there) <= set(queue.sent)
    left[here[0][0]] = 9
    world.clock.move(seconds=31)
    assert look(one) == 2
    assert set(queue.sent) == {*here, *there}
