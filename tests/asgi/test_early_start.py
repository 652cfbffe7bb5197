"""Requests begin before the loop is woken, and go on on it."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from smartcity_saas.asgi.early_start import begin_early, on_the_loop
from tests.support.paths import ROOT
from tests.support.served import free_port


@contextmanager
def a_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_a_coroutine_begins_where_it_is_handed_over() -> None:
    """Promise: what needs no loop is done when it has been handed over, without the loop; what goes on
    on the loop does so as a task, once; other callbacks come to the loop as ever."""
    told: list[tuple[str, int]] = []
    ended = threading.Event()

    async def short() -> None:
        told.append(("short", threading.get_ident()))

    async def long() -> None:
        told.append(("begun", threading.get_ident()))
        await on_the_loop()
        await asyncio.sleep(0.01)
        assert asyncio.current_task() is not None
        told.append(("ended", threading.get_ident()))
        ended.set()

    with a_loop() as loop:
        begin_early(loop)

        def as_granian_does(coroutine: Coroutine[Any, Any, None]) -> None:
            loop.call_soon_threadsafe(loop.create_task, coroutine)

        as_granian_does(short())
        assert told == [("short", threading.get_ident())]
        as_granian_does(long())
        assert ended.wait(10)
        loop.call_soon_threadsafe(told.append, ("called", 0))
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(10)
    here = threading.get_ident()
    assert [name for name, _thread in told] == ["short", "begun", "ended", "called"]
    assert told[1][1] == here
    assert told[2][1] != here


def test_granian_hands_requests_over_so() -> None:
    """Promise: the server that we ship with begins requests in its own thread; were it to hand them over
    in another way, every kept answer would cost a switch of threads again."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--factory"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1", "tests.support.early:create"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert told(port, "/stay") == "server server"
        assert told(port, "/go-on") == "server loop"
    finally:
        server.terminate()
        server.wait(30)


def told(port: int, path: str) -> str:
    for _try in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError("the server did not start")
