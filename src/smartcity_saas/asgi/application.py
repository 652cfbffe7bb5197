"""The product as an ASGI application: bodies are collected on the loop, views run in threads.

Whoever sends a body slowly holds a place on the loop, and no thread. ``/healthz`` is answered on
the loop as well, so that it waits for no thread either.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import structlog

from smartcity_saas.app import LARGEST_REQUEST, create_app
from smartcity_saas.asgi.bodies import Bodies, Body, BodyGone, BodyTooSlow, Limits, Message, Receive
from smartcity_saas.asgi.environ import environ_of
from smartcity_saas.configuration.hosts import requested_host
from smartcity_saas.connectors.outbound_calls import working
from smartcity_saas.tenancy.background_compiling import compile_in_background
from smartcity_saas.tenancy.change_watch import join_the_serving

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 32
AT_WORK = 8
"""How many requests work at one time; the other threads wait for their turn, or for the answers of
other systems."""
HEALTHY = b'{"status":"ok"}\n'
TOO_SLOW = (
    "请求传得太慢，没有收完。请再试一次。\nThis took too long to arrive. Try again.\n".encode()
)
REFUSED = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
]

Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

log = structlog.get_logger(__name__)


class BufferedApplication:
    """A WSGI application behind a buffer of whole requests.

    Args:
        app: What serves a request, in a thread, in a context of its own.
        threads: How many do.
        limits: What a body may take.
    """

    def __init__(
        self, app: WSGIApplication, threads: int = THREADS, limits: Limits | None = None
    ) -> None:
        self.app = app
        self.turn = threading.Semaphore(AT_WORK)
        self.bodies = Bodies(limits or Limits(most_bytes=LARGEST_REQUEST))
        self.pool = ThreadPoolExecutor(threads, "request")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        if _asks_for_health(scope):
            await _answer(send, 200, [(b"content-type", b"application/json")], HEALTHY)
            return
        try:
            body = await self.bodies.collect(dict(scope["headers"]), receive)
        except BodyGone:
            await _answer(send, 400, REFUSED, b"")
            return
        except BodyTooSlow:
            await _answer(send, 408, REFUSED, TOO_SLOW)
            return
        with body.file:
            status, headers, content = await self._in_thread(scope, body)
        await _answer(send, status, headers, content)

    async def _in_thread(self, scope: dict[str, Any], body: Body) -> tuple[int, Headers, bytes]:
        # A fresh context: whatever a request leaves in its variables ends with it.
        run = contextvars.Context().run
        environ = environ_of(scope, body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, run, self._work, environ)

    def _work(self, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
        working.set(self.turn)
        with self.turn:
            return _served(self.app, environ)


def _served(app: WSGIApplication, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """A whole answer; the application has closed everything by then."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        begun[:] = [(status, headers)]
        return written.append

    answer: Iterable[bytes] = app(environ, start_response)
    try:
        written.extend(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    status, headers = begun[0]
    encoded = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers]
    return int(status.split(" ", 1)[0]), encoded, b"".join(written)


def _asks_for_health(scope: dict[str, Any]) -> bool:
    """Whether a request is for ``/healthz`` on a well-formed host; any other goes on as usual."""
    if scope["path"] != "/healthz" or scope["method"] not in ("GET", "HEAD"):
        return False
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    try:
        requested_host(b",".join(hosts).decode("latin-1"))
    except ValueError:
        return False
    return True


async def _answer(send: Send, status: int, headers: Headers, content: bytes) -> None:
    if not any(name == b"content-length" for name, _value in headers) and status not in (204, 304):
        headers = [*headers, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def create_asgi() -> BufferedApplication:
    """The product, as a server of ASGI loads it: ``granian --interface asginl --factory
    smartcity_saas.asgi:create_asgi``."""
    app = create_app()
    join_the_serving(app)
    compile_in_background(app.registry)
    return BufferedApplication(app)
