"""Collecting request bodies outside the worker threads, under a deadline and a least rate.

The rule is that of Apache's mod_reqtimeout (``RequestReadTimeout body=20-…,MinRate=500``): some
seconds at first, then one more for each so many bytes that have come, up to a longest time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

IN_MEMORY = 64 * 1024
"""Bytes of a body that are held in memory; what is longer waits in a temporary file."""


class BodyGone(Exception):
    """The other side left before its body was whole, or sent none that can be read."""


class BodyTooSlow(Exception):
    """The body did not come by its deadline, or had to make room for others."""


@dataclass(frozen=True)
class Limits:
    """What a body may take.

    Attributes:
        first_seconds: How long the first bytes may take.
        least_rate: Bytes that buy a further second.
        most_seconds: How long a body may take in all.
        most_bytes: The largest body.
        most_open: Unfinished bodies at one time; one more ends the oldest.
        most_open_bytes: Bytes of unfinished bodies at one time; alike.
    """

    first_seconds: float = 20.0
    least_rate: int = 8 * 1024
    most_seconds: float = 120.0
    most_bytes: int = 8 * 1024 * 1024
    most_open: int = 512
    most_open_bytes: int = 256 * 1024 * 1024


@dataclass(eq=False)
class Body:
    """A body under way, and whole afterwards: ``file`` stands at its beginning, ``size`` long.

    Of one that is larger than any page takes nothing is kept but its size: the application refuses
    it by that, with a page of its own.
    """

    file: SpooledTemporaryFile[bytes]
    size: int = 0
    timeout: asyncio.Timeout | None = None


class Bodies:
    """The unfinished bodies of one process."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: dict[Body, None] = {}

    async def collect(self, headers: Mapping[bytes, bytes], receive: Receive) -> Body:
        """Read a body whole.

        Args:
            headers: The request's, names in lower case.
            receive: ASGI's.

        Raises:
            BodyGone: It ended too early.
            BodyTooSlow: It did not come in time.
        """
        body = Body(SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 -- the caller closes
        if not has_body(headers):
            return body
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self.limits.most_bytes:
            body.size = int(declared)
            return body
        self._open[body] = None
        try:
            await self._within_time(body, receive)
            if declared.isdigit() and int(declared) != body.size:
                raise BodyGone
        except BaseException as error:
            body.file.close()
            if isinstance(error, TimeoutError):
                raise BodyTooSlow from None
            raise
        finally:
            del self._open[body]
        body.file.seek(0)
        return body

    async def _within_time(self, body: Body, receive: Receive) -> None:
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(begun + self.limits.first_seconds) as body.timeout:
            self._make_room()
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise BodyGone
                self._take(body, message.get("body", b""))
                more = message.get("more_body", False) and body.size <= self.limits.most_bytes
                body.timeout.reschedule(begun + self._seconds(body.size))

    def _take(self, body: Body, chunk: bytes) -> None:
        body.size += len(chunk)
        body.file.write(chunk)
        self._make_room()

    def _seconds(self, size: int) -> float:
        bought = self.limits.first_seconds + size / self.limits.least_rate
        return min(bought, self.limits.most_seconds)

    def _make_room(self) -> None:
        """End the oldest where there are too many: a crowd of slow ones shuts nobody out."""
        held = sum(body.size for body in self._open)
        if len(self._open) <= self.limits.most_open and held <= self.limits.most_open_bytes:
            return
        oldest = next(iter(self._open))
        if oldest.timeout is not None:
            oldest.timeout.reschedule(0.0)


def has_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request says that a body follows (RFC 9112, section 6.3)."""
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
