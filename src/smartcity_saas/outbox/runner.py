"""The runner: looks at what is due, enters each city in turn, does its tasks."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice, takewhile
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.clock import Clock, today_in
from smartcity_saas.database import db
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox.heartbeats import Heartbeat
from smartcity_saas.outbox.models import CityDue, RunnerKind
from smartcity_saas.outbox.queue import (
    LEASE,
    Ask,
    Asked,
    Outcome,
    Tasks,
    ask_together,
    run_task,
    write_together,
)

THREADS = 8
MOST_AT_ONCE = 200
PAUSE_SECONDS = 0.5
TOGETHER = 8
"""Tasks of one city that are done together where their kind lets them: as many as may call one host."""
MOST_LOTS = 3
"""Lots of one city that are being written."""
ASKING_THREADS, WRITING_THREADS = 12, 4
"""Those that ask are, with the threads of cities, no more than may call other systems."""

FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=10)

log = get_logger(__name__)


class Rests:
    """Cities in which something failed, left alone for longer each time."""

    def __init__(self) -> None:
        self._until: dict[int, tuple[datetime, timedelta]] = {}

    def failed(self, city_id: int, now: datetime) -> None:
        """Leave a city alone."""
        _until, before = self._until.get(city_id, (now, FIRST_REST / 2))
        rest = min(before * 2, LONGEST_REST)
        self._until[city_id] = now + rest, rest

    def succeeded(self, city_id: int) -> None:
        """All is well again."""
        self._until.pop(city_id, None)

    def leave(self, city_id: int, until: datetime) -> None:
        """Leave a city alone until a moment."""
        self._until[city_id] = until, FIRST_REST / 2

    def at(self, now: datetime) -> set[int]:
        """The cities that rest."""
        return {city for city, (until, _rest) in list(self._until.items()) if now < until}


def by_city(tasks: Iterable[tuple[int, uuid.UUID]]) -> dict[int, list[uuid.UUID]]:
    """Tasks of several cities, each city's in their order."""
    found: dict[int, list[uuid.UUID]] = defaultdict(list)
    for city_id, task_id in tasks:
        found[city_id].append(task_id)
    return found


class Runner:
    """Does the tasks of all cities: several cities at once, each city's own one by one, but for those
    whose kind lets them ask another system side by side (``AskingTask``), so that
    a city whose back office is slow holds up nobody else. A city in which something fails, in its
    database or wherever, is left alone for a while, and the others go on.

    Args:
        app: The application.
        tasks: What is registered, by kind.
        enter: Enters a city's tenant context.
        clock: The time.
        daily: Called in each city once a day and process start; writes the day's tasks.
        cities: The keys of the cities that are served, each with its zone (IANA).
        platform: Called between two looks, outside any city: work of the platform's own.
        admit: Asked before each task of a city, by its key: 0 if it may begin, else in how many
            seconds it may. Until then the city's tasks stay due, and are nobody's try.
        heartbeat: Says that the process lives.
    """

    def __init__(
        self,
        app: Flask,
        tasks: Tasks,
        enter: Callable[[int], AbstractContextManager[None]],
        clock: Clock,
        *,
        daily: Callable[[datetime], None] = lambda now: None,
        cities: Callable[[], Mapping[int, str]] = dict,
        platform: Callable[[datetime], None] = lambda now: None,
        admit: Callable[[int], float] = lambda city_id: 0.0,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self.app = app
        self.tasks = tasks
        self.enter = enter
        self.clock = clock
        self.daily = daily
        self.cities = cities
        self.platform = platform
        self.admit = admit
        self.heartbeat = heartbeat or Heartbeat(RunnerKind.WORKER)
        self._asking = ThreadPoolExecutor(ASKING_THREADS, "outbox-asking")
        self._writing = ThreadPoolExecutor(WRITING_THREADS, "outbox-writing")
        self._busy: set[int] = set()
        self._stop = threading.Event()
        self._seeded: dict[int, date] = {}
        self._rests, self._days_rest, self._over_quota = Rests(), Rests(), Rests()

    def run_due(self) -> int:
        """Do everything that is due now, city by city; returns how many tasks were done."""
        with self.app.app_context():
            self.platform(self.clock())
            found = self._due()
        return sum(self._run_city(city_id, tasks) for city_id, tasks in found.items())

    def run_until(self, stop: threading.Event) -> None:
        """Go on until told to stop; then finish the tasks under way, and no others."""
        self._stop = stop
        with ThreadPoolExecutor(THREADS, "outbox") as pool:
            while not stop.is_set():
                try:
                    self._dispatch(pool)
                except Exception as error:  # whatever it is, the next look may find it over
                    log.warning("outbox_cannot_look", error=type(error).__name__)
                    stop.wait(PAUSE_SECONDS * 10)
                    continue
                stop.wait(PAUSE_SECONDS)
            pool.shutdown(wait=True, cancel_futures=True)
        with self.app.app_context(), suppress(SQLAlchemyError):
            self.heartbeat.end()

    def _dispatch(self, pool: ThreadPoolExecutor) -> None:
        """Let the threads do what is due: the day of some cities, then tasks, of cities that have
        none under way."""
        for city_id, day in self._waiting_days().items():
            self._submit(pool, city_id, self._run_day, city_id, day)
        with self.app.app_context():
            self.heartbeat.beat(self.clock())
            self.platform(self.clock())
        self._take_due(pool)

    def _take_due(self, pool: ThreadPoolExecutor) -> None:
        with self.app.app_context():
            found = self._due()
        for city_id, tasks in found.items():
            self._submit(pool, city_id, self._run_city, city_id, tasks)

    def _submit(
        self, pool: ThreadPoolExecutor, city_id: int, work: Callable[..., int], *arguments: Any
    ) -> None:
        if city_id not in self._busy:
            self._busy.add(city_id)
            future = pool.submit(work, *arguments)
            future.add_done_callback(lambda _future: self._busy.discard(city_id))

    def _due(self) -> dict[int, list[uuid.UUID]]:
        now = self.clock()
        busy = sorted(self._busy | self._rests.at(now) | self._over_quota.at(now))
        query = select(CityDue.city_id, CityDue.task_id).where(CityDue.due_at <= now)
        if busy:
            query = query.where(CityDue.city_id.not_in(busy))
        rows = db.session.execute(query.order_by(CityDue.due_at).limit(MOST_AT_ONCE))
        return by_city((city_id, task_id) for city_id, task_id in rows)

    def _run_city(self, city_id: int, tasks: list[uuid.UUID]) -> int:
        """Do a city's tasks; returns how many were done. Whatever happens stays the city's own."""
        done = 0
        begun = self.clock()

        def goes_on() -> bool:
            """If not, the rest stays due for the next look."""
            return not self._stop.is_set() and self.clock() - begun <= LEASE

        def work() -> None:
            nonlocal done
            for outcome in self._outcomes(city_id, tasks, goes_on):
                self.heartbeat.note(outcome)
                done += bool(outcome)

        self._inside(city_id, self._rests, work)
        return done

    def _outcomes(
        self, city_id: int, tasks: Sequence[uuid.UUID], goes_on: Callable[[], bool]
    ) -> Iterator[Outcome]:
        """Do a city's tasks: what can be together, in lots of which one asks while those before are written,
        and the rest one by one."""
        lots: deque[Future[list[Outcome]]] = deque()
        for start in range(0, len(tasks), TOGETHER):
            several = tasks[start : start + TOGETHER]
            admitted = list(takewhile(lambda _task: goes_on() and self._admits(city_id), several))
            asked = ask_together(self.tasks, admitted, self.clock(), partial(self._begin, city_id))
            if asked:
                lots.append(self._writing.submit(self._write, city_id, asked))
            if len(lots) > MOST_LOTS:
                yield from lots.popleft().result()
            together = {one.task.id for one in asked}
            for task_id in admitted:
                if task_id not in together and goes_on():
                    yield run_task(self.tasks, task_id, self.clock())
            if len(admitted) < len(several):
                break
        for lot in lots:
            yield from lot.result()

    def _begin(self, city_id: int, ask: Ask) -> Ask:
        """Let another thread ask something of a city's. What none has begun by the time that it is waited
        for is asked here: systems of other cities that are slow hold up nobody."""

        def inside() -> Any:
            with self.app.app_context(), self.enter(city_id):
                return ask()

        answer = self._asking.submit(inside)
        return lambda: ask() if answer.cancel() else answer.result()

    def _write(self, city_id: int, asked: Sequence[Asked]) -> list[Outcome]:
        with self.app.app_context(), self.enter(city_id):
            return write_together(asked, self.clock())

    def _admits(self, city_id: int) -> bool:
        """Whether a city's quota lets a task begin now; if not, it is left alone until it does."""
        wait = self.admit(city_id)
        if wait:
            self._over_quota.leave(city_id, self.clock() + timedelta(seconds=wait))
        return not wait

    def _waiting_days(self, most: int = 50) -> dict[int, date]:
        """Some cities whose day has not been looked at, each with that day."""
        now = self.clock()
        passed_over = self._busy | self._days_rest.at(now)
        days = {city: today_in(zone, now) for city, zone in self.cities().items()}
        waiting = {
            city: day
            for city, day in days.items()
            if city not in passed_over and self._seeded.get(city) != day
        }
        return dict(islice(waiting.items(), most))

    def _run_day(self, city_id: int, day: date) -> int:
        """Let a city write what the day brings."""

        def work() -> None:
            self.daily(self.clock())
            self._seeded[city_id] = day

        self._inside(city_id, self._days_rest, work)
        return 0

    def _inside(self, city_id: int, rests: Rests, work: Callable[[], None]) -> None:
        """Work in a city; if anything fails there, leave it alone for a while."""
        try:
            with self.app.app_context(), self.enter(city_id):
                work()
        except BaseException as error:
            rests.failed(city_id, self.clock())
            log.error("outbox_city_failed", city=city_id, exc_info=error)
            if isinstance(error, KeyboardInterrupt):
                raise
        else:
            rests.succeeded(city_id)
