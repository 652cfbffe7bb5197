"""Whole answers to strangers, as they are sent: with their head, compressed, with what a 304 says."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from werkzeug.http import parse_etags, unquote_etag

Headers = list[tuple[bytes, bytes]]

MOST_BYTES = 16 * 1024 * 1024
LARGEST = 512 * 1024
"""A larger answer would drive out too many others."""
WORTH_COMPRESSING = 256
"""Bytes; what is smaller hardly gets shorter."""
TRY_AGAIN = timedelta(seconds=5)
"""How long it is remembered that an answer could not be kept."""
_OVERHEAD = 2_000
"""What an entry costs beside its body, roughly: its key and two heads, in bytes."""
_COMPRESSIBLE = (b"text/", b"application/json", b"application/ld+json", b"image/svg")
_OF_THE_BODY = frozenset([b"content-type", b"content-length", b"content-encoding"])


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer; ``tag`` is its ``ETag`` as it is sent, ``etag`` what stands in it, both empty where it
    has none. It is good from ``made`` on, so that a clock that is put back makes nothing last, and until
    ``until``."""

    head: Headers
    body: bytes
    unchanged: Headers
    tag: str
    etag: str
    made: datetime
    until: datetime
    status: int = 200

    def is_known(self, if_none_match: str) -> bool:
        """Whether a reader has it already: a condition counts for what would be 200 (RFC 9110, sections
        13.1.2 and 13.2.1)."""
        if self.status != 200:
            return False
        return if_none_match == self.tag or parse_etags(if_none_match).contains_weak(self.etag)


@dataclass(frozen=True, slots=True)
class NotKept:
    """An answer that could not be kept, so that nobody waits for the same attempt again."""

    made: datetime
    until: datetime
    body: bytes = b""


def kept_answer(
    headers: Headers,
    body: bytes,
    now: datetime,
    until: datetime,
    *,
    compressed: bool,
    status: int = 200,
) -> KeptAnswer | None:
    """An answer as it will be sent; None where it must not, or need not, be kept.

    Args:
        headers: As the application gave them, names in lower case.
        body: All of it.
        now: When it was made.
        until: Until when it is true.
        compressed: Whether the readers take gzip.
        status: Of the answer; one of 200 has an ETag.
    """
    named = dict(headers)
    etag = named.get(b"etag", b"")
    if b"set-cookie" in named or (status == 200 and not etag):
        return None
    if len(body) > LARGEST or until <= now:
        return None
    head = [(name, value) for name, value in headers if name not in (b"content-length", b"date")]
    if _is_compressible(named, body):
        head = _with(head, b"vary", _joined(named.get(b"vary", b""), b"Accept-Encoding"))
        if compressed:
            if etag:
                # Another encoding is another representation, so the tag can only be a weak one.
                head = _with(head, b"etag", b"W/" + etag.removeprefix(b"W/"))
            head.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, mtime=0)
    inner, _weak = unquote_etag(etag.decode("latin-1"))
    unchanged = [(name, value) for name, value in head if name not in _OF_THE_BODY]
    head.append((b"content-length", str(len(body)).encode()))
    tag = dict(head).get(b"etag", b"").decode("latin-1")
    return KeptAnswer(head, body, unchanged, tag, inner or "", now, until, status)


class AnswerCache:
    """The answers that one process keeps, the least used of which go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._found: OrderedDict[Hashable, KeptAnswer | NotKept] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable, now: datetime) -> KeptAnswer | NotKept | None:
        """What is kept and still good."""
        with self._lock:
            found = self._found.get(key)
            if found is None:
                return None
            if not found.made <= now < found.until:
                self._drop(key)
                return None
            self._found.move_to_end(key)
            return found

    def put(self, key: Hashable, answer: KeptAnswer | NotKept) -> None:
        """Keep an answer."""
        with self._lock:
            self._drop(key)
            self._found[key] = answer
            self.bytes += len(answer.body) + _OVERHEAD
            while self.bytes > self.most_bytes:
                self._drop(next(iter(self._found)))

    def _drop(self, key: Hashable) -> None:
        gone = self._found.pop(key, None)
        if gone is not None:
            self.bytes -= len(gone.body) + _OVERHEAD


def _is_compressible(named: dict[bytes, bytes], body: bytes) -> bool:
    kind = named.get(b"content-type", b"")
    known = kind.startswith(_COMPRESSIBLE) or b"javascript" in kind
    return known and len(body) >= WORTH_COMPRESSING and b"content-encoding" not in named


def _with(head: Headers, name: bytes, value: bytes) -> Headers:
    return [*((n, v) for n, v in head if n != name), (name, value)]


def _joined(before: bytes, more: bytes) -> bytes:
    return b", ".join(part for part in (before, more) if part)
