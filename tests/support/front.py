"""The product behind its front, on a loop of its own, as a server of ASGI runs it."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from smartcity_saas.asgi.application import BufferedApplication
from smartcity_saas.asgi.kept_answers import KeptAnswers
from smartcity_saas.tenancy.flask_app import SiteFlask


@dataclass(frozen=True)
class Answer:
    """What came back: ``text`` is the body, unpacked."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


@dataclass(frozen=True)
class Asked:
    """A request. ``headers`` are by their names in lower case."""

    path: str = "/"
    host: str = "hangzhou.localhost"
    method: str = "GET"
    query: str = ""
    body: bytes = b""
    scheme: str = "http"
    peer: str = "127.0.0.1"
    headers: Mapping[str, str] | None = None

    def scope(self) -> dict[str, Any]:
        sent = {"host": self.host, "accept-language": "en", **(self.headers or {})}
        if self.body:
            sent |= {"content-length": str(len(self.body))}
        return {
            "type": "http",
            "http_version": "1.1",
            "method": self.method,
            "scheme": self.scheme,
            "path": self.path,
            "query_string": self.query.encode(),
            "headers": [(n.encode(), v.encode("latin-1")) for n, v in sent.items()],
            "client": (self.peer, 1234),
            "server": ("127.0.0.1", 8000),
        }


class Front:
    """Asks, and counts how often the application behind was asked."""

    def __init__(self, app: SiteFlask) -> None:
        self.app = BufferedApplication(app, 4)
        self.behind = 0
        assert self.app.kept is not None
        self.kept: KeptAnswers = self.app.kept
        served = self.kept.work

        def counted(environ: dict[str, Any]) -> Any:
            self.behind += 1
            return served(environ)

        self.kept.work = self.app._work = counted  # type: ignore[method-assign]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def ask(self, *asked: Asked) -> list[Answer]:
        """Requests that come at the same moment; their answers in the same order."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self._one(one) for one in asked))

        return asyncio.run_coroutine_threadsafe(all_of_them(), self.loop).result(60)

    def get(self, path: str = "/", **options: Any) -> Answer:
        (answer,) = self.ask(Asked(path, **options))
        return answer

    async def _one(self, asked: Asked) -> Answer:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(asked.scope(), receive, send)
        headers = {n.decode(): v.decode("latin-1") for n, v in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, sent[1]["body"])

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
        self.app.pool.shutdown()
        self.kept._looker.shutdown()


@contextmanager
def fronted(app: SiteFlask) -> Iterator[Front]:
    """An application with its front, which keeps nothing yet."""
    front = Front(app)
    try:
        yield front
    finally:
        front.close()
