"""Compiling cities that nobody has asked for yet, beside the requests of a process that serves."""

from __future__ import annotations

import gc
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.logs import get_logger
from smartcity_saas.tenancy.registry import CHECK_SECONDS, CityRegistry
from smartcity_saas.tenancy.snapshot import IndexedCity

PAUSE = 2
"""Between two cities, how many times as long as the last took is left to requests."""

log = get_logger(__name__)


def compile_in_background(registry: CityRegistry) -> None:
    """Begin a thread that compiles what is waiting, now and after every change, as long as the
    process lives."""
    threading.Thread(target=_compile_on, args=[registry], name="compile", daemon=True).start()


def compile_waiting(registry: CityRegistry) -> int:
    """Compile the cities of the present snapshot that nobody has asked for yet; returns how many.
    Once the registry has moved on, the rest is left for the next turn."""
    snapshot, compiled = registry.snapshot, 0
    for one in snapshot.waiting():
        if registry.snapshot is not snapshot:
            break
        begun = time.monotonic()
        compiled += _compiled(one)
        time.sleep(PAUSE * (time.monotonic() - begun))
    return compiled


def _compile_on(registry: CityRegistry) -> None:
    while True:
        if compile_waiting(registry):
            leave_out_of_collections()
        time.sleep(CHECK_SECONDS)


def leave_out_of_collections() -> None:
    """A registry of thousands of cities is millions of objects that live as long as the process:
    without this the garbage collector would walk through them again and again during requests.
    Only what is young is collected before: a whole collection would hold requests up."""
    gc.collect(1)
    gc.freeze()


def _compiled(one: IndexedCity) -> bool:
    try:
        one.city()
    except SQLAlchemyError as error:  # earlier revisions cannot be read now: on the next turn
        log.warning("city_registry.compile_failed", city=one.own.name, error=type(error).__name__)
    return one.compiled
