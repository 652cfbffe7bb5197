"""What the other side answers to what is sent: a delivery, a refusal for good, or not now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.connectors import BackOfficeDown, BackOfficeRefused, http_client
from smartcity_saas.connectors.http_client import LONGEST_WAIT_SECONDS
from smartcity_saas.database import db
from smartcity_saas.notifications.senders.http_gateway import HttpGatewaySender
from smartcity_saas.outbox import CityDue, OutboxTask, enqueue, failed_tasks
from smartcity_saas.outbox.queue import run_task
from tests.support.world import World


class Gateway:
    """Another system that answers as told."""

    def __init__(self) -> None:
        self.status, self.headers, self.body, self.calls = 200, {}, b"", 0  # type: ignore[var-annotated]
        self.base = ""


@contextmanager
def serving(gateway: Gateway) -> Iterator[Gateway]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            gateway.calls += 1
            self.send_response(gateway.status)
            for name, value in gateway.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(gateway.body)))
            self.end_headers()
            self.wfile.write(gateway.body)

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gateway.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def gateway(world: World) -> Iterator[Gateway]:
    del world
    with serving(Gateway()) as found:
        yield found


def sms(gateway: Gateway) -> None:
    """A message or a code, as both are sent."""
    sender = HttpGatewaySender(
        {"url": gateway.base, "token": {"credential": "x"}}, lambda _use: "token"
    )
    sender.send("13800000000", "杭州", "t", "b", "id")


def report(gateway: Gateway) -> None:
    """An event for a back office."""
    http_client.BackOffice("test", gateway.base, "token").send("/x", {}, "key")


WAYS = [sms, report]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    "headers, body",
    [
        ({"Content-Type": "text/plain"}, b"200 OK"),
        ({"Content-Type": "text/html"}, b"<p>fine"),
        ({"Content-Encoding": "gzip"}, b"\x1f\x8b"),
        ({}, b""),
        ({}, b"x" * (3 * 1024 * 1024)),
    ],
)
def test_a_success_is_a_delivery_whatever_its_body(
    world: World, gateway: Gateway, way: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Nothing of the answer is read, so nothing in it repeats the message."""
    gateway.status, gateway.headers = status, headers
    gateway.body = b"" if status == 204 else body
    with world.inside("hangzhou"):
        way(gateway)
    assert gateway.calls == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 451])
def test_a_refusal_ends_the_task_at_once(
    world: World, gateway: Gateway, way: Any, status: int
) -> None:
    """One try, and staff read what was said."""
    gateway.status = status
    with world.inside("hangzhou"):
        with pytest.raises(BackOfficeRefused):
            way(gateway)
        task = enqueue("way", {}, world.clock())
        assert task is not None
        run_task({"way": lambda _payload, _now: way(gateway)}, task, world.clock())
        (row,) = failed_tasks()
        assert (row.attempts, row.error) == (1, f"BackOfficeRefused: HTTP {status}")
    assert gateway.calls == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_another_time_may_end_otherwise_is_tried_again(
    world: World, gateway: Gateway, way: Any, status: int
) -> None:
    """The task stays."""
    gateway.status = status
    with world.inside("hangzhou"):
        task = enqueue("way", {}, world.clock())
        assert task is not None
        run_task({"way": lambda _payload, _now: way(gateway)}, task, world.clock())
        assert db.session.scalars(select(OutboxTask.failed_at)).all() == [None]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "asked, waits",
    [("120", 120), ("in two minutes", 0), ("-5", 0), ("999999999", LONGEST_WAIT_SECONDS), ("date", 120)],
)  # fmt: skip
def test_who_asks_to_wait_is_left_alone(
    world: World, gateway: Gateway, way: Any, status: int, asked: str, waits: float
) -> None:
    """``Retry-After`` as seconds and as a date, an hour at the most: the task waits, and nothing
    else of this city knocks there meanwhile."""
    at = (world.clock() + timedelta(seconds=120)).replace(microsecond=0)
    gateway.status = status
    gateway.headers = {
        "Retry-After": format_datetime(at, usegmt=True) if asked == "date" else asked
    }
    with world.inside("hangzhou"):
        task = enqueue("way", {}, world.clock())
        assert task is not None
        run_task({"way": lambda _payload, _now: way(gateway)}, task, world.clock())
        calls = gateway.calls
        with pytest.raises(BackOfficeDown) as down:
            way(gateway)
    if waits:
        assert (calls, gateway.calls) == (1, 1)
        assert down.value.seconds == pytest.approx(waits, abs=5)
    db.session.rollback()
    (due,) = db.session.scalars(select(CityDue.due_at))
    assert due >= world.clock() + timedelta(seconds=max(0, waits - 1))
