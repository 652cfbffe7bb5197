"""The runner: looks at what is due, enters each city in turn, does its tasks."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import date, datetime

import structlog
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.clock import Clock, today_in
from smartcity_saas.database import db
from smartcity_saas.outbox.models import CityDue
from smartcity_saas.outbox.queue import LEASE, Task, run_task

THREADS = 4
MOST_AT_ONCE = 200
PAUSE_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Runner:
    """Does the tasks of all cities: several cities at once, each city's own one by one, so that
    a city whose back office is slow holds up nobody else.

    Args:
        app: The application.
        tasks: What is registered, by kind.
        enter: Enters a city's scope.
        clock: The time.
        daily: Called in each city once a day and process start; writes the day's tasks.
        cities: The keys of the cities that are served, each with its zone (IANA).
    """

    def __init__(
        self,
        app: Flask,
        tasks: Mapping[str, Task],
        enter: Callable[[int], AbstractContextManager[None]],
        clock: Clock,
        *,
        daily: Callable[[datetime], None] = lambda now: None,
        cities: Callable[[], Mapping[int, str]] = dict,
    ) -> None:
        self.app = app
        self.tasks = tasks
        self.enter = enter
        self.clock = clock
        self.daily = daily
        self.cities = cities
        self._busy: set[int] = set()
        self._stop = threading.Event()
        self._seeded: dict[int, date] = {}

    def run_due(self) -> int:
        """Do everything that is due now, in this thread; returns how many tasks were done."""
        with self.app.app_context():
            found = self._due()
        return sum(self._run_city(city_id, tasks) for city_id, tasks in found.items())

    def run_until(self, stop: threading.Event) -> None:
        """Go on until told to stop; then finish the tasks under way, and no others."""
        self._stop = stop
        with ThreadPoolExecutor(THREADS, "outbox") as pool:
            while not stop.is_set():
                try:
                    self._seed_days()
                    with self.app.app_context():
                        found = self._due()
                except SQLAlchemyError as error:
                    log.warning("outbox_cannot_look", error=type(error).__name__)
                    stop.wait(PAUSE_SECONDS * 10)
                    continue
                for city_id, tasks in found.items():
                    if city_id not in self._busy:
                        self._busy.add(city_id)
                        pool.submit(self._run_city, city_id, tasks).add_done_callback(
                            self._release(city_id)
                        )
                stop.wait(PAUSE_SECONDS)
            pool.shutdown(wait=True, cancel_futures=True)

    def _release(self, city_id: int) -> Callable[[Future[int]], None]:
        def done(future: Future[int]) -> None:
            self._busy.discard(city_id)
            if not future.cancelled() and (error := future.exception()) is not None:
                log.error("outbox_city_failed", city=city_id, exc_info=error)

        return done

    def _due(self) -> dict[int, list[uuid.UUID]]:
        now = self.clock()
        busy = list(self._busy)
        query = select(CityDue.city_id, CityDue.task_id).where(CityDue.due_at <= now)
        if busy:
            query = query.where(CityDue.city_id.not_in(busy))
        rows = db.session.execute(query.order_by(CityDue.due_at).limit(MOST_AT_ONCE))
        found: dict[int, list[uuid.UUID]] = defaultdict(list)
        for city_id, task_id in rows:
            found[city_id].append(task_id)
        return found

    def _run_city(self, city_id: int, tasks: list[uuid.UUID]) -> int:
        done = 0
        begun = self.clock()
        with self.app.app_context(), self.enter(city_id):
            for task_id in tasks:
                if self._stop.is_set() or self.clock() - begun > LEASE:
                    break  # let the dispatcher look again; the rest stays due
                done += run_task(self.tasks, task_id, self.clock())
        return done

    def _seed_days(self, most: int = 50) -> None:
        """Let some cities whose day has not been looked at write what the day brings."""
        now = self.clock()
        days = {city: today_in(zone, now) for city, zone in self.cities().items()}
        waiting = [city for city, today in days.items() if self._seeded.get(city) != today]
        for city_id in waiting[:most]:
            with self.app.app_context(), self.enter(city_id):
                self.daily(now)
            self._seeded[city_id] = days[city_id]
