"""Requests are collected whole before a thread sees them, each within its time and size."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from smartcity_saas.asgi.application import BufferedApplication
from smartcity_saas.asgi.bodies import Limits
from tests.support.connection import Line

LIMITS = Limits(most_bytes=1000, most_open=3)


@Request.application
def echo(request: Request) -> Response:
    """What came, and that it came whole."""
    request.max_content_length = LIMITS.most_bytes
    return Response(request.get_data())


def run(act: Callable[[BufferedApplication], Awaitable[None]], **limits: Any) -> None:
    """Act on a loop in a thread of its own: Playwright keeps one running in the tests' thread."""
    app = BufferedApplication(echo, 1, Limits(**{**LIMITS.__dict__, **limits}))
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, act(app)).result()  # type: ignore[arg-type]
    finally:
        app.pool.shutdown()


@given(st.lists(st.binary(max_size=300), max_size=4), st.booleans())
def test_a_body_arrives_as_it_was_sent(parts: list[bytes], declared: bool) -> None:
    """However it is cut, with a length or in chunks; larger than any page takes is refused."""
    whole = b"".join(parts)
    told = {"content_length": str(len(whole))} if declared else {"transfer_encoding": "chunked"}

    async def act(app: BufferedApplication) -> None:
        line = Line(**told)
        for part in parts:
            line.comes(part)
        line.comes(b"", more=False)
        await line.served_by(app)
        if len(whole) > LIMITS.most_bytes:
            assert line.status == 413
        else:
            assert (line.status, line.content) == (200, whole)

    run(act)


def test_what_hangs_holds_no_thread() -> None:
    """With one thread and more unfinished bodies than threads, others are answered."""

    async def act(app: BufferedApplication) -> None:
        hanging = [Line(content_length="500") for _line in range(LIMITS.most_open - 1)]
        tasks = [asyncio.create_task(line.served_by(app)) for line in hanging]
        for line in hanging:
            line.comes(b"{")
        await asyncio.sleep(0)
        for _turn in range(20):
            other = Line(content_length="2")
            other.comes(b"ok", more=False)
            await other.served_by(app)
            assert (other.status, other.content) == (200, b"ok")
        assert [line.status for line in hanging] == [None] * len(hanging)
        for task in tasks:
            task.cancel()

    run(act)


@pytest.mark.parametrize(
    "limits", [{"first_seconds": 0.02}, {"first_seconds": 0.01, "most_seconds": 0.02}]
)
def test_a_body_that_does_not_come_is_refused(limits: dict[str, float]) -> None:
    """A deadline in all, whatever drips meanwhile; the connection ends."""

    async def act(app: BufferedApplication) -> None:
        line = Line(content_length="900")
        served = asyncio.create_task(line.served_by(app))
        while not served.done():
            line.comes(b"x")
            await asyncio.sleep(0.005)
        assert line.status == 408
        assert (b"connection", b"close") in line.sent[0]["headers"]
        assert "请再试一次" in line.content.decode()

    run(act, least_rate=1_000_000, **limits)


def test_bytes_buy_time() -> None:
    """Whoever sends at the least rate or faster is waited for beyond the first seconds."""

    async def act(app: BufferedApplication) -> None:
        line = Line(content_length="900")
        served = asyncio.create_task(line.served_by(app))
        line.comes(b"x" * 899)
        await asyncio.sleep(0.1)
        assert not served.done()
        line.comes(b"x", more=False)
        await served
        assert line.status == 200

    run(act, first_seconds=0.05, least_rate=1)


@pytest.mark.parametrize("limits", [{"most_open": 3}, {"most_open": 99, "most_open_bytes": 35}])
def test_a_crowd_ends_its_own_oldest(limits: dict[str, int]) -> None:
    """Too many, or too much held: the oldest makes room, and whoever comes is served."""

    async def act(app: BufferedApplication) -> None:
        lines = [Line(content_length="500") for _line in range(4)]
        tasks = []
        for line in lines:
            tasks.append(asyncio.create_task(line.served_by(app)))
            line.comes(b"x" * 10)
            await asyncio.sleep(0)
        await asyncio.wait_for(lines[0].answered.wait(), 30)
        assert [line.status for line in lines] == [408, None, None, None]
        for task in tasks:
            task.cancel()

    run(act, **limits)


def test_a_body_cut_short_reaches_no_view() -> None:
    """Whoever leaves in the middle has sent nothing, with or without a length."""
    seen: list[bytes] = []

    @Request.application
    def note(request: Request) -> Response:
        seen.append(request.get_data())
        return Response()

    async def act(_app: BufferedApplication) -> None:
        app = BufferedApplication(note, 1, LIMITS)
        for line in (Line(content_length="500"), Line(transfer_encoding="chunked")):
            line.comes(b"x")
            line.leaves()
            await line.served_by(app)
        short = Line(content_length="500")
        short.comes(b"x", more=False)
        await short.served_by(app)
        assert short.status == 400
        app.pool.shutdown()

    run(act)
    assert seen == []


def test_health_waits_for_no_thread() -> None:
    """The process says that it lives while every thread is busy; a malformed host says nothing."""
    busy, end = threading.Event(), threading.Event()

    @Request.application
    def wait(_request: Request) -> Response:
        busy.set()
        assert end.wait(30)
        return Response(status=400)

    async def act(_app: BufferedApplication) -> None:
        app = BufferedApplication(wait, 1, LIMITS)
        first = asyncio.create_task(Line(method="GET").served_by(app))
        await asyncio.to_thread(busy.wait, 30)
        for host in ("hangzhou.localhost", "nobody.example:8000"):
            line = Line("/healthz", "GET", host=host)
            await line.served_by(app)
            assert (line.status, line.content) == (200, b'{"status":"ok"}\n')
        odd = Line("/healthz", "GET", host="a b")
        served = asyncio.create_task(odd.served_by(app))
        end.set()
        await asyncio.gather(first, served)
        assert odd.status == 400
        app.pool.shutdown()

    run(act)


def test_headers_come_as_they_were_sent() -> None:
    """Doubled ones are joined, so that a doubled host is malformed; one with an underscore cannot
    pass for another."""
    seen: list[dict[str, Any]] = []

    @Request.application
    def note(request: Request) -> Response:
        seen.append(request.environ)
        return Response()

    async def act(_app: BufferedApplication) -> None:
        app = BufferedApplication(note, 1, LIMITS)
        line = Line("/你", "GET")
        line.scope["headers"] = [
            (b"host", b"a.localhost"),
            (b"host", b"b.localhost"),
            (b"x_forwarded_for", b"10.0.0.1"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"stripe-signature", b"v1=\xe9"),
        ]
        await line.served_by(app)
        app.pool.shutdown()

    run(act)
    (environ,) = seen
    assert environ["HTTP_HOST"] == "a.localhost,b.localhost"
    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_STRIPE_SIGNATURE"] == "v1=é"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/你"
    assert environ["REMOTE_ADDR"] == "192.0.2.1"
