"""Celery's way in: ``celery -A smartcity_saas.celery_app worker``. Reads the environment."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from celery.signals import (
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.app import create_app
from smartcity_saas.errors import SettingsError
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox import Heartbeat, RunnerKind
from smartcity_saas.settings import Settings
from smartcity_saas.task_queue import make_celery
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.quota_use import RecordUse

BEAT_SECONDS = 5

_making = threading.Lock()

log = get_logger(__name__)


def _site() -> SiteFlask:
    """The product of this process: made once, by whichever thread comes first, and after Celery has
    forked, so that no connection is shared."""
    with _making:
        return _made()


@cache
def _made() -> SiteFlask:
    return create_app(Settings.from_environment())


@cache
def _heartbeat() -> Heartbeat:
    """That of this process, which does tasks."""
    return Heartbeat(RunnerKind.CELERY)


def _broker() -> str:
    """The broker's address, where a start is fit for production.

    Raises:
        SettingsError: A key is missing, or there is no broker.
    """
    settings = Settings.from_environment()
    settings.refuse_unsafe_keys()
    if not settings.broker:
        raise SettingsError("SMARTCITY_BROKER is not set: workers of Celery need one.")
    return settings.broker


app = make_celery(_broker(), _site, note=lambda outcome: _heartbeat().note(outcome))

_stopped = threading.Event()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _begin_in_child(**_options: Any) -> None:
    """A forked process does tasks."""
    threading.Thread(target=_say_alive, daemon=True).start()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _begin(sender: Any, **_options: Any) -> None:
    """The worker itself does tasks where it forks none: with a pool of threads."""
    if not type(sender.pool).__module__.endswith("prefork"):
        threading.Thread(target=_say_alive, daemon=True).start()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _end(**_options: Any) -> None:
    """Ended as told: the process is missed by nobody."""
    _stopped.set()
    if _heartbeat.cache_info().currsize:
        with _site().app_context():
            _tried(_heartbeat().end)


def _say_alive() -> None:
    site, heartbeat = _site(), _heartbeat()
    record_use = RecordUse(site.product.quotas, site.registry)
    while not _stopped.wait(BEAT_SECONDS):
        with site.app_context():
            _tried(lambda: heartbeat.beat(site.product.clock()))
            _tried(lambda: record_use(site.product.clock()))


def _tried(word: Any) -> None:
    """A database that is away costs a word, and no worker."""
    try:
        word()
    except SQLAlchemyError as error:
        log.warning("heartbeat_failed", error=type(error).__name__)
