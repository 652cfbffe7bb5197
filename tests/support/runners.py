"""Runners of the outbox at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from smartcity_saas.outbox.runner import Runner
from tests.support.browser import fresh


@contextmanager
def running(runner: Runner) -> Iterator[None]:
    """A runner at work in a thread of its own, as the worker's."""
    stop = threading.Event()
    thread = threading.Thread(target=fresh, args=(lambda: runner.run_until(stop),))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
