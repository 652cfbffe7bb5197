"""Names of hosts, normalised once: case, a trailing dot, IDNA (RFC 5891)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

import idna

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?!-)){0,38}[a-z0-9]")
_LONGEST_HEADER = 300
"""A name has 253 characters at most, and a port six with its colon."""

RESERVED_SLUGS = frozenset(
    [
        "admin",
        "api",
        "app",
        "assets",
        "auth",
        "console",
        "dev",
        "help",
        "localhost",
        "login",
        "mail",
        "me",
        "metrics",
        "ns",
        "oauth",
        "platform",
        "province",
        "sandbox",
        "staff",
        "static",
        "status",
        "support",
        "test",
        "www",
    ]
)
"""Names that would read as a part of the platform beside it."""

CHALLENGE = "_smartcity-challenge"
"""The label in front of a host at which a record proves whose it is."""
LONGEST_OWN_HOST = 253 - len(CHALLENGE) - 1
_NOBODYS = frozenset(["example", "invalid", "localhost", "test"])


def needs_proof(host: str) -> bool:
    """Whether DNS has to prove whose a normalised host is: all but those of the domains that are
    reserved and delegated to nobody (RFC 2606, section 2)."""
    return host.rpartition(".")[2] not in _NOBODYS


def is_slug(text: str) -> bool:
    """Whether a text may name a city: 2 to 40 of a-z, 0-9 and single hyphens; not reserved."""
    return bool(_SLUG.fullmatch(text)) and text not in RESERVED_SLUGS


def canonical_host(text: str) -> str:
    """A host as a document writes it, as the city registry keys it: lower-case ASCII, no final dot.

    Raises:
        ValueError: It is no name of a host: an address, a port, a character that IDNA folds.
    """
    name = text.strip().removesuffix(".").lower()
    if not name.isascii():
        name = idna.encode(name).decode("ascii")  # strict: UTS 46 would fold what is not equal
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("no name of a host")
    if "." not in name or name.rsplit(".", 1)[1].isdecimal():
        raise ValueError("no name of a host")
    return name


def requested_host(header: str | None) -> str:
    """The host of a request, without its port, lower-case, without one trailing dot.

    Raises:
        ValueError: The header is missing, doubled or malformed (RFC 9110, section 7.2).
    """
    if len(header or "") > _LONGEST_HEADER:  # what is remembered of a header is bounded so
        raise ValueError("malformed host")
    return _requested_host(header)


@lru_cache(maxsize=4096)
def _requested_host(header: str | None) -> str:
    name, _, port = (header or "").rpartition(":")
    if not name or "]" in port:
        name, port = header or "", ""
    if port and not port.isdecimal():
        raise ValueError("malformed host")
    name = name.lower().removesuffix(".")
    if name.startswith("["):
        ipaddress.IPv6Address(name.removeprefix("[").removesuffix("]"))
        return name
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("malformed host")
    return name
