"""The runner of the outbox, put together with what the product registers."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import structlog

from smartcity_saas.credentials import write_uses
from smartcity_saas.errors import SmartCityError
from smartcity_saas.identity.throttle import forget_old_attempts
from smartcity_saas.outbox.queue import forget_done
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.tenancy.application import SiteFlask
from smartcity_saas.tenancy.entering import city_scope

log = structlog.get_logger(__name__)


def make_runner(app: SiteFlask) -> Runner:
    """The runner of an application: its tasks, its cities, and what a day brings in each."""

    def cities() -> dict[int, str]:
        with app.app_context(), suppress(SmartCityError):
            app.fleet.refresh_if_due()
        served = app.fleet.snapshot.cities.values()
        return {city.id: city.timezone for city in served if city.state == "live"}

    def daily(now: datetime) -> None:
        forget_done(now)
        write_uses(now)
        forget_old_attempts(now)
        for service in app.extensions["services"].values():
            if service.daily is not None:
                try:
                    service.daily(now)
                except Exception as error:  # one service's day does not cost the others theirs
                    log.error("daily_failed", service=service.name, exc_info=error)

    with app.app_context():
        app.fleet.refresh()
    return Runner(
        app,
        app.extensions["tasks"],
        city_scope,
        app.config["CLOCK"],
        daily=daily,
        cities=cities,
    )
