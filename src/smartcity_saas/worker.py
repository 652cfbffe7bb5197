"""The runner of the outbox, put together with what the product registers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from smartcity_saas.credentials import write_uses
from smartcity_saas.database import db
from smartcity_saas.errors import SmartCityError
from smartcity_saas.identity.rate_limits import forget_old_attempts
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.measures import FoldMeasures, count_offered
from smartcity_saas.outbox.queue import forget_done
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.scorecard.summaries import summarise
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.worker_heartbeat import say_alive

log = structlog.get_logger(__name__)


class DayUnfinished(Exception):
    """Parts of a city's day failed; all of it is done again after a while."""


def make_runner(app: SiteFlask) -> Runner:
    """The runner of an application: its tasks, its cities, and what a day brings in each."""

    def cities() -> dict[int, str]:
        with app.app_context(), suppress(SmartCityError):
            app.registry.refresh_if_due()
            say_alive(app.product.clock())
        served = app.registry.snapshot.cities.values()
        return {city.id: city.timezone for city in served if city.is_live}

    def daily(now: datetime) -> None:
        parts: dict[str, Callable[[datetime], None]] = {
            "outbox": forget_done,
            "secrets": write_uses,
            "attempts": lambda now: forget_old_attempts(ResidentAttempt, now),
            "measures": count_offered,
            "scorecard": summarise,
        }
        services = app.product.services.values()
        parts |= {one.name: one.daily for one in services if one.daily is not None}
        failed = [name for name, part in parts.items() if not _done(name, part, now)]
        if failed:
            raise DayUnfinished(", ".join(failed))

    with app.app_context():
        app.registry.refresh()
    return Runner(
        app,
        app.product.tasks,
        tenant_context,
        app.product.clock,
        daily=daily,
        platform=FoldMeasures(),
        cities=cities,
    )


def _done(name: str, part: Callable[[datetime], None], now: datetime) -> bool:
    """Do one part of a city's day; what fails in it does not cost the others theirs."""
    try:
        part(now)
    except Exception as error:
        db.session.rollback()
        log.error("daily_failed", part=name, exc_info=error)
        return False
    return True
