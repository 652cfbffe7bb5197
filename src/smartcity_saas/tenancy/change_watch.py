"""Beside the requests of a process that serves: hear of changes, tell the others what it serves, and
write what cities took of their quotas."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.database import change_notices, db
from smartcity_saas.logs import get_logger
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.quota_use import RecordUse
from smartcity_saas.tenancy.registry import CityRegistry
from smartcity_saas.tenancy.serving_processes import Presence

BEAT_SECONDS = 20.0
"""How often a process says that it lives."""
RETRY_SECONDS = 1.0

log = get_logger(__name__)


def join_the_serving(app: SiteFlask) -> None:
    """Begin to serve among others: be waited for by whoever changes something, and hear of it at
    once, as long as the process lives.

    Nothing depends on hearing: whatever is lost is found by the looks before requests.
    """
    app.registry.presence = Presence(app.product.clock)
    arguments = [app, app.registry, threading.Event(), BEAT_SECONDS]
    threading.Thread(target=watch_on, args=arguments, name="changes", daemon=True).start()


def watch_on(app: SiteFlask, registry: CityRegistry, stop: threading.Event, beat: float) -> None:
    """Look whenever a change is heard of, and say every ``beat`` seconds that the process lives,
    until told to stop. Where the connection ends, begin anew."""
    record_use = RecordUse(app.product.quotas, registry)
    while not stop.is_set():
        try:
            _watch(app, registry, stop, beat, record_use)
        except Exception as error:  # whatever it is, the looks before requests go on meanwhile
            log.warning("city_registry.notices_lost", error=type(error).__name__)
        stop.wait(RETRY_SECONDS)


def _watch(
    app: SiteFlask,
    registry: CityRegistry,
    stop: threading.Event,
    beat: float,
    record_use: RecordUse,
) -> None:
    with app.app_context():
        engine = db.engine
    said_at = time.monotonic()
    for _notice in change_notices(engine, beat):
        if stop.is_set():
            return
        with app.app_context():
            registry.refresh()
            if registry.presence is not None and time.monotonic() - said_at >= beat:
                registry.presence.say(registry.version)
                said_at = time.monotonic()
            _tried(record_use, app.product.clock())


def _tried(record_use: RecordUse, now: datetime) -> None:
    """What could not be written is written in a minute, and nothing else waits for it."""
    try:
        record_use(now)
    except SQLAlchemyError as error:
        log.warning("quota_use.not_written", error=type(error).__name__)
