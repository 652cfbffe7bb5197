"""One connection to the product as an ASGI application, without a server between."""

from __future__ import annotations

import asyncio
from typing import Any

from smartcity_saas.asgi.application import BufferedApplication

Sent = list[dict[str, Any]]


class Line:
    """One connection: the messages that come on it, and what is answered."""

    def __init__(self, path: str = "/", method: str = "POST", **headers: str) -> None:
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: Sent = []
        self.answered = asyncio.Event()
        names = {"host": "hangzhou.localhost", **{n.replace("_", "-"): v for n, v in headers.items()}}  # fmt: skip
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(n.encode(), v.encode()) for n, v in names.items()],
            "client": ("192.0.2.1", 1234),
            "server": ("127.0.0.1", 8000),
        }

    def comes(self, content: bytes, *, more: bool = True) -> None:
        self.coming.put_nowait({"type": "http.request", "body": content, "more_body": more})

    def leaves(self) -> None:
        self.coming.put_nowait({"type": "http.disconnect"})

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))
        if message["type"] == "http.response.body":
            self.answered.set()

    async def served_by(self, app: BufferedApplication) -> None:
        await app(self.scope, self.coming.get, self.send)

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)
