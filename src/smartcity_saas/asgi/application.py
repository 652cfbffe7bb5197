"""The product as an ASGI application: bodies are collected on the loop, views run in threads.

Whoever sends a body slowly holds a place on the loop, and no thread. ``/healthz`` and what is kept of
strangers' pages are answered before that, so that they wait for no thread either. What a city
asks beyond its quota is refused there, and of what is within, no city ever holds more than its share
of the threads.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from smartcity_saas.app import LARGEST_REQUEST, create_app
from smartcity_saas.asgi.answer_cache import Headers
from smartcity_saas.asgi.bodies import Bodies, Body, BodyGone, BodyTooSlow, Limits, Message, Receive
from smartcity_saas.asgi.early_start import begin_early, on_the_loop
from smartcity_saas.asgi.environ import environ_of
from smartcity_saas.asgi.fair_share import Crowded, FairShare
from smartcity_saas.asgi.kept_answers import KeptAnswers
from smartcity_saas.asgi.request_quotas import CROWDED_SECONDS, Answer, RequestQuotas
from smartcity_saas.configuration.hosts import requested_host
from smartcity_saas.connectors.outbound_calls import working
from smartcity_saas.logs import get_logger
from smartcity_saas.tenancy.background_compiling import compile_in_background
from smartcity_saas.tenancy.change_watch import join_the_serving
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import UNKNOWN_HOST, Site

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

log = get_logger(__name__)


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
        self.places = FairShare(threads)
        self.quotas = RequestQuotas(app) if isinstance(app, SiteFlask) else None
        self.kept: KeptAnswers | None = None
        if isinstance(app, SiteFlask) and self.quotas is not None:
            self.kept = KeptAnswers(app, self._work, self._call_in_turn, self.quotas)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        if _asks_for_health(scope):
            await _answer(send, 200, [(b"content-type", b"application/json")], HEALTHY)
            return
        if self.kept is None:
            await on_the_loop()
        elif (kept := await self.kept.answer(scope)) is not None:
            await _send(send, *kept)
            return
        site = self.quotas.site(scope) if self.quotas else Site(UNKNOWN_HOST)
        if self.quotas and (refusal := self.quotas.refusal(scope, site)) is not None:
            await _answer(send, *refusal)
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
            answer = await self._in_turn(scope, site, body)
        await _answer(send, *answer)

    async def _in_turn(self, scope: dict[str, Any], site: Site, body: Body) -> Answer:
        try:
            served: Answer = await self._call_in_turn(site, self._work, environ_of(scope, body))
            return served
        except Crowded:
            if self.quotas is None:
                return 503, REFUSED, b""
            return self.quotas.answer(scope, site, CROWDED_SECONDS)

    async def _call_in_turn(self, site: Site, act: Callable[[Any], Any], argument: Any) -> Any:
        # A fresh context: whatever a request leaves in its variables ends with it.
        run = contextvars.Context().run
        async with self.places.place(site.key):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.pool, run, act, argument)

    def _work(self, environ: dict[str, Any]) -> Answer:
        working.set(self.turn)
        with self.turn:
            return _served(self.app, environ)


def _served(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
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
    await _send(send, status, headers, content)


async def _send(send: Send, status: int, headers: Headers, content: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def create_asgi() -> BufferedApplication:
    """The product, as a server of ASGI loads it: ``granian --interface asginl --factory
    smartcity_saas.asgi:create_asgi``."""
    app = create_app()
    join_the_serving(app)
    compile_in_background(app.registry)
    with suppress(RuntimeError):  # no loop yet: of a server that makes it later
        begin_early(asyncio.get_event_loop())
    return BufferedApplication(app)
