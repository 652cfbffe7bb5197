"""Where outbound calls may go, decided on the very address that is connected to.

A name is resolved once, here, and the connection goes to the address that was checked, so that
neither a redirect nor a second DNS answer leads anywhere else (CWE-918).
"""

from __future__ import annotations

import ipaddress
import math
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeVar

import httpcore

from smartcity_saas.addresses import Network

Found = TypeVar("Found")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2002::/16", "3fff::/20")
)
"""Registered, and no place where a back office would be (IANA special-purpose registries)."""

deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
"""Until when, on the monotonic clock, the present call may read: headers and body alike."""


def seconds_left() -> float:
    """How much of the present call's time is left; infinite outside any."""
    return deadline.get() - time.monotonic()


class ForbiddenAddress(OSError):
    """The address is this machine's, a private network's, or no public one."""


def is_forbidden(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an address may not be connected to: none but public ones, and those in networks
    that the operator's allow-list names. Of IPv6, only global unicast (RFC 4291) is public, so
    that no IPv4 address is reached through a mapped or translated one."""
    if any(address in network for network in allowed):
        return False
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return True
    if any(address in network for network in _NOT_PUBLIC):
        return True
    return not address.is_global or address.is_multicast


def resolve(host: str, port: int, allowed: Sequence[Network], *, plain: bool = False) -> list[str]:
    """The addresses of a host that may be connected to.

    Args:
        host: A name or an address.
        port: The port.
        allowed: The operator's allow-list.
        plain: Nothing is encrypted, so only the operator's networks will do.

    Raises:
        ForbiddenAddress: One of its addresses is forbidden: such a name is not to be trusted.
        OSError: The name does not resolve, or not by the present call's deadline.
    """
    addresses = _looked_up(host, port)
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if is_forbidden(address, allowed):
            raise ForbiddenAddress(f"{host} leads to an address that is not allowed")
        if plain and not any(address in network for network in allowed):
            raise ForbiddenAddress(f"{host}: nothing goes unencrypted beyond the allowed networks")
    return addresses


def _looked_up(host: str, port: int) -> list[str]:
    """The addresses of a name. A resolver cannot be told to hurry, so another thread waits for it,
    and goes on waiting where the call's time is over."""
    found: Future[Any] = Future()

    def look() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as error:  # told to whoever asked
            found.set_exception(error)

    threading.Thread(target=look, name="resolver", daemon=True).start()
    left = seconds_left()
    try:
        answers = found.result(None if math.isinf(left) else max(0.0, left))
    except FutureTimeout:
        raise TimeoutError(f"the name {host} takes too long") from None
    return list(dict.fromkeys(str(info[4][0]) for info in answers))


def first_that_answers(
    addresses: Sequence[str], seconds: float, try_one: Callable[[str, float | None], Found]
) -> Found:
    """What the first of some checked addresses gives that answers.

    Args:
        addresses: Each is tried in turn; none may take the time of those after it.
        seconds: For how long each is tried at the most.
        try_one: Connects to an address within some seconds.

    Raises:
        OSError, httpcore.NetworkError, httpcore.TimeoutException: What the last one raised.
    """
    *others, last = addresses
    for place, address in enumerate(others):
        share = seconds_left() / (len(addresses) - place)
        with suppress(OSError, httpcore.NetworkError, httpcore.TimeoutException):
            return try_one(address, _timeout(min(seconds, share)))
    return try_one(last, _timeout(min(seconds, seconds_left())))


def _timeout(seconds: float) -> float | None:
    """Seconds as sockets take them: None is for ever, and zero would mean not to wait at all."""
    return None if math.isinf(seconds) else max(0.01, seconds)


def connect(
    host: str, port: int, seconds: float, allowed: Sequence[Network], *, plain: bool = False
) -> socket.socket:
    """A connection to the very address that was checked.

    Args:
        host: A name or an address.
        port: The port.
        seconds: How long to try each of its addresses.
        allowed: The operator's allow-list.
        plain: Nothing is encrypted, so only the operator's networks will do.

    Raises:
        ForbiddenAddress: One of its addresses is forbidden.
        OSError: The name does not resolve, or nothing answers.
    """
    addresses = resolve(host, port, allowed, plain=plain)
    return first_that_answers(
        addresses, seconds, lambda one, left: socket.create_connection((one, port), left)
    )


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every read ends by the deadline of the present call, so that an office that
    sends a byte now and then holds nobody longer than the call may take."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, or give up by the deadline."""
        return self.stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, or give up by the deadline."""
        self.stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Encrypt; what comes out is timed as well."""
        inner = self.stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _TimedStream(inner)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self.stream.get_extra_info(info)

    def _left(self, timeout: float | None) -> float:
        left = seconds_left()
        if left <= 0:
            raise httpcore.ReadTimeout("the call has taken too long")
        return min(left, timeout if timeout is not None else left)


class GuardedBackend(httpcore.SyncBackend):
    """Opens connections to addresses that are allowed, and to no others."""

    def __init__(self, allowed: Sequence[Network], *, plain: bool = False) -> None:
        super().__init__()
        self.allowed = allowed
        self.plain = plain

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, and connect to what was checked. TLS still verifies the name."""
        try:
            addresses = resolve(host, port, self.allowed, plain=self.plain)
        except ForbiddenAddress:
            raise
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        inner = first_that_answers(
            addresses,
            math.inf if timeout is None else timeout,
            lambda one, left: self._open(one, port, left, local_address, socket_options),
        )
        return _TimedStream(inner)

    def _open(self, address: str, port: int, seconds: float | None, *options: Any) -> Any:
        return super().connect_tcp(address, port, seconds, *options)

    def connect_unix_socket(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        """Never."""
        raise ForbiddenAddress("no local sockets")
