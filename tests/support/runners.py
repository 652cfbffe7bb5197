"""Runners of the outbox at work, and what is killed at it."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from smartcity_saas.database import db
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


def at_once(*acts: Any) -> None:
    """Do several things in threads of their own, as processes of their own would."""
    db.session.rollback()
    threads = [threading.Thread(target=fresh, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)


def killed(*_arguments: Any, **_options: Any) -> NoReturn:  # type: ignore[misc]
    """Kill the process that comes here (SIGKILL)."""
    os.kill(os.getpid(), signal.SIGKILL)


def is_killed_by(work: Callable[[], object]) -> bool:
    """Do something in a process of its own, with connections of its own; whether that was killed."""
    db.session.rollback()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # forking beside threads: the child runs none of them
        child = os.fork()
    if child == 0:
        db.engine.dispose(close=False)  # the parent's connections are the parent's
        try:
            work()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
