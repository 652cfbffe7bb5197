"""The one client for calls to back offices: limited in time and size, retried where that is
safe, stopped by a breaker, guarded by address. It keeps no cookies and follows no redirect.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import httpcore
from flask_babel import lazy_gettext as _

from smartcity_saas.addresses import Network
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors import address_guard
from smartcity_saas.connectors.address_guard import ForbiddenAddress, GuardedBackend
from smartcity_saas.connectors.circuit_breaker import OPEN_SECONDS
from smartcity_saas.connectors.outbound_calls import CallRefused, breakers, outbound
from smartcity_saas.credentials import read_credential
from smartcity_saas.errors import SmartCityError
from smartcity_saas.lazy_imports import LazyLibrary
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox import PermanentFailure, Postponed
from smartcity_saas.product import product
from smartcity_saas.web.json_input import strict_json

if TYPE_CHECKING:
    import httpx
else:
    httpx = LazyLibrary("httpx", without="rich")

CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
COMMON_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "smartcity-saas",
}
MOST_BYTES = 2 * 1024 * 1024
RETRIES = 2
LONGEST_WAIT_SECONDS = 3600.0
_AGAIN = frozenset({502, 503, 504})
_NOT_NOW = frozenset({408, 425, 429})
"""Of the refusals, those that another time may end otherwise."""

__all__ = [
    "BackOffice",
    "BackOfficeDown",
    "BackOfficeRefused",
    "breakers",
    "call_once",
    "office_of",
]

log = get_logger(__name__)


class BackOfficeDown(SmartCityError, Postponed):
    """The back office does not answer, or not as it should. ``seconds`` says for how long it asked
    to be left alone."""

    status = 503
    title = _("The city's back-office system is not responding at the moment")

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(_("Nothing was lost. Try again later, or go to the counter."))
        self.reason = reason
        self.seconds = seconds
        self.retry_after = math.ceil(seconds or OPEN_SECONDS)


class BackOfficeRefused(SmartCityError, PermanentFailure):
    """The back office answered that it will not; ``code`` is its HTTP status."""

    def __init__(self, code: int, body: Any) -> None:
        super().__init__("")
        self.code = code
        self.body = body
        self.reason = f"HTTP {code}"


class AskedToWait(OSError):
    """The other side asks to be left alone for some ``seconds`` (429 or 503 with ``Retry-After``)."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Retry-After")
        self.seconds = seconds


class TooLarge(ValueError):
    """The answer has more than ``MOST_BYTES``."""


@dataclass(frozen=True)
class BackOffice:
    """A back office of the current city.

    ``name`` stands in the log. Every call raises ``BackOfficeDown`` or
    ``BackOfficeRefused`` (a status of 4xx).
    """

    name: str
    base_url: str
    token: str

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Read; tried again where it may help. Returns the parsed JSON."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._call("GET", f"{path}{query}", None, {})

    def send(self, path: str, body: Mapping[str, Any], key: str) -> None:
        """Write; safe to repeat by ``key``, which is sent as ``Idempotency-Key``. Nothing is read back:
        2xx is taken for a delivery, whatever else comes."""
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        self._call("POST", path, content, headers, read=False)

    def exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        again: bool = True,
    ) -> Any:
        """One call of a protocol that has its own headers; without ``again`` it is made once, because
        made twice it would be two acts. Returns the parsed JSON."""
        return self._call(method, path, content, headers, tries=RETRIES + 1 if again else 1)

    def _call(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        *,
        read: bool = True,
        tries: int = RETRIES + 1,
    ) -> Any:
        try:
            with outbound(self.base_url):
                status, answer = self._tried(method, path, content, headers, read=read, tries=tries)
        except CallRefused as error:
            raise BackOfficeDown(error.reason, error.seconds) from None
        except AskedToWait as error:
            log.warning("back_office_asks_to_wait", office=self.name, seconds=error.seconds)
            raise BackOfficeDown("asked to wait", error.seconds) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            log.warning("back_office_down", office=self.name, error=type(error).__name__)
            raise BackOfficeDown(type(error).__name__) from None
        if status in _NOT_NOW:
            raise BackOfficeDown(f"status {status}")
        if 400 <= status < 500:
            raise BackOfficeRefused(status, answer)
        return answer

    def _tried(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        *,
        read: bool,
        tries: int,
    ) -> tuple[int, Any]:
        for attempt in range(tries):
            try:
                status, body = self._once(method, path, content, headers, read=read)
                if status not in _AGAIN:
                    return status, _parsed(status, body)
                error: Exception = httpx.HTTPError(f"status {status}")
            except ForbiddenAddress:
                raise
            except httpx.TransportError as failure:
                error = failure
            pause = random.uniform(0.05, 0.2) * 2**attempt  # noqa: S311 -- jitter, no secret
            if attempt == tries - 1 or pause > address_guard.seconds_left():
                break
            time.sleep(pause)
        raise error

    def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        *,
        read: bool,
    ) -> tuple[int, bytes]:
        bearer = {"Authorization": f"Bearer {self.token}", **headers}
        return call_once(method, self.base_url + path, content, bearer, read=read)


def call_once(
    method: str,
    url: str,
    content: bytes | None,
    headers: Mapping[str, str],
    *,
    read: bool = True,
) -> tuple[int, bytes]:
    """One exchange inside an ``outbound`` block, through the address guard, by the block's deadline
    and limited in size; no redirect is followed.

    Args:
        method: The HTTP method.
        url: The whole address. Unencrypted ones lead to networks that the operator allows only.
        content: The body.
        headers: Headers beside those that every call has.
        read: Whether the body of a success is wanted.

    Returns:
        Status and body.

    Raises:
        AskedToWait: The other side says when to come again.
        httpx.HTTPError, httpx.InvalidURL, OSError, ValueError: It did not work out.
        RuntimeError: It stands in no ``outbound`` block.
    """
    allowed = product().settings.allowed_networks
    left = max(0.1, address_guard.seconds_left())
    if math.isinf(left):
        raise RuntimeError("a call to another system stands inside an outbound() block")
    sent = {**COMMON_HEADERS, **headers}
    request = httpx.Request(
        method, url, content=content, headers=sent, extensions={"timeout": _timeouts(left)}
    )
    plain = urlsplit(url).scheme != "https"
    response = guarded_transport(allowed, plain).handle_request(request)
    try:
        status = response.status_code
        if status in (429, 503) and (seconds := _asked_seconds(response.headers)):
            raise AskedToWait(seconds)
        return status, _read(response) if read or not 200 <= status < 300 else b""
    finally:
        response.close()


def _timeouts(left: float) -> dict[str, float]:
    """How long each part of an exchange may take (seconds), of what is left of its block."""
    connect, read = min(CONNECT_SECONDS, left), min(READ_SECONDS, left)
    return {"connect": connect, "read": read, "write": read, "pool": connect}


def office_of(entry: CatalogEntry) -> BackOffice:
    """The back office that a service's ``http`` connector names, with the city's own token."""
    values = entry.connector
    token = read_credential(product().keyring, values["token"])
    return BackOffice(entry.name, values["base_url"], token)


def _asked_seconds(headers: httpx.Headers) -> float:
    """How long ``Retry-After`` asks to wait (RFC 9110, section 10.2.3): seconds or a date, an hour at
    the most; 0 where it says nothing that can be read."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    left = (at - product().clock()).total_seconds()
    return min(max(0.0, left), LONGEST_WAIT_SECONDS)


def _read(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("a compressed answer")
    chunks, size = [], 0
    for chunk in response.stream:  # type: ignore[union-attr]
        size += len(chunk)
        if size > MOST_BYTES:
            raise TooLarge("the answer is too large")
        if address_guard.seconds_left() <= 0:
            raise httpx.ReadTimeout("the answer takes too long")
        chunks.append(chunk)
    return b"".join(chunks)


def _parsed(status: int, body: bytes) -> Any:
    if 300 <= status < 400:
        raise ValueError("a redirect")
    if status >= 500:
        raise httpx.HTTPError(f"status {status}")
    try:
        return strict_json(body) if body else None
    except (ValueError, RecursionError):
        if status >= 400:
            return None
        raise ValueError("not JSON") from None


@lru_cache(maxsize=8)
def guarded_transport(allowed: tuple[Network, ...], plain: bool) -> httpx.HTTPTransport:
    """Connections of this process. A transport keeps no cookies, so cities cannot meet in it.
    Unencrypted ones go to networks that the operator names, and nowhere else."""
    transport = httpx.HTTPTransport()
    # httpx passes no network backend through; its pool is httpcore's, made here with ours.
    transport._pool = guarded_connections(allowed, plain)
    return transport


@lru_cache(maxsize=8)
def guarded_connections(allowed: tuple[Network, ...], plain: bool) -> httpcore.ConnectionPool:
    """The same without what httpx makes of each request and answer."""
    return httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(),
        max_connections=100,
        max_keepalive_connections=20,
        keepalive_expiry=30,
        network_backend=GuardedBackend(allowed, plain=plain),
    )
