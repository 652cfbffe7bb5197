"""The runner of the outbox, or its dispatcher, put together with what the product registers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any

from smartcity_saas.clock import Clock
from smartcity_saas.credentials import write_uses
from smartcity_saas.database import db
from smartcity_saas.errors import SmartCityError
from smartcity_saas.identity.rate_limits import forget_old_attempts
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.logs import get_logger
from smartcity_saas.measures import FoldMeasures, count_offered
from smartcity_saas.outbox.dispatcher import Dispatcher, TaskQueue
from smartcity_saas.outbox.queue import Tasks, forget_done
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.scorecard.summaries import summarise
from smartcity_saas.tenancy.city_quotas import JOBS
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.host_checks import HostChecks
from smartcity_saas.tenancy.quota_use import RecordUse, keep_use

COMPILE_SECONDS = 0.2
"""How long one look may compile cities; tasks that are due wait for no others' day."""

log = get_logger(__name__)


Enter = Callable[[int], AbstractContextManager[None]]


class DayUnfinished(Exception):
    """Parts of a city's day failed; all of it is done again after a while."""


def make_runner(app: SiteFlask) -> Runner:
    """The runner of an application, which does its tasks itself."""
    return Runner(*_parts(app), **_work(app))


def make_dispatcher(app: SiteFlask, queue: TaskQueue) -> Dispatcher:
    """The dispatcher of an application, which leaves its tasks to the workers of a queue."""
    return Dispatcher(*_parts(app), **_work(app), queue=queue)


def _parts(app: SiteFlask) -> tuple[SiteFlask, Tasks, Enter, Clock]:
    return app, app.product.tasks, tenant_context, app.product.clock


def _work(app: SiteFlask) -> dict[str, Any]:
    """Which cities there are, what a day brings in each, when their tasks may begin, and the platform's
    own work."""

    def cities() -> dict[int, str]:
        with app.app_context(), suppress(SmartCityError):
            app.registry.refresh_if_due()
        served = app.registry.snapshot.compiled_within(COMPILE_SECONDS)
        return {city.id: city.timezone for city in served if city.is_live}

    def daily(now: datetime) -> None:
        parts: dict[str, Callable[[datetime], None]] = {
            "outbox": forget_done,
            "secrets": write_uses,
            "attempts": lambda now: forget_old_attempts(ResidentAttempt, now),
            "measures": count_offered,
            "scorecard": summarise,
            "quotas": keep_use,
        }
        services = app.product.parts
        parts |= {one.name: one.daily for one in services if one.daily is not None}
        failed = [name for name, part in parts.items() if not _done(name, part, now)]
        if failed:
            raise DayUnfinished(", ".join(failed))

    def admit(city_id: int) -> float:
        city = app.registry.snapshot.by_id.get(city_id)
        return app.product.quotas.take(city, JOBS) if city is not None else 0.0

    fold_measures, record_use = FoldMeasures(), RecordUse(app.product.quotas, app.registry)
    check_hosts = HostChecks(app)

    def platform(now: datetime) -> None:
        fold_measures(now)
        record_use(now)
        check_hosts(now)

    with app.app_context():
        app.registry.refresh()
    return {"daily": daily, "platform": platform, "cities": cities, "admit": admit}


def _done(name: str, part: Callable[[datetime], None], now: datetime) -> bool:
    """Do one part of a city's day; what fails in it does not cost the others theirs."""
    try:
        part(now)
    except Exception as error:
        db.session.rollback()
        log.error("daily_failed", part=name, exc_info=error)
        return False
    return True
