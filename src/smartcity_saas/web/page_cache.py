"""Whole answers for the anonymous, kept by everything that they are made of and by nothing of
anyone."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

CACHED_PAGES = 2_000
CACHED_SECONDS = 60


@dataclass(frozen=True)
class CachedPage:
    """A page's bytes; ``until`` bounds how long a change that nobody announced stays unseen."""

    body: bytes
    etag: str
    until: float


class PageCache:
    """Anonymous pages by what they are made of: never by who asks."""

    def __init__(self, most: int = CACHED_PAGES) -> None:
        self._pages: OrderedDict[tuple[Any, ...], CachedPage] = OrderedDict()
        self._lock = Lock()
        self._most = most

    def get(self, key: tuple[Any, ...]) -> CachedPage | None:
        """A page that is still good."""
        page = self._pages.get(key)
        return page if page is not None and page.until > time.monotonic() else None

    def put(self, key: tuple[Any, ...], body: bytes) -> CachedPage:
        """Keep a page; the oldest goes when there are too many."""
        etag = hashlib.sha256(body).hexdigest()
        page = CachedPage(body, etag, time.monotonic() + CACHED_SECONDS)
        with self._lock:
            self._pages[key] = page
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)
        return page
