"""Network addresses, read in one place: for limits, trusted proxies, loopback and the audit log."""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_BRACKETS = re.compile(r"\[([^\[\]]*)\](?::[0-9]+)?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+")


def read_address(text: str | None) -> Address | None:
    """An address as sockets and proxies write it: with a port, in brackets, with a zone; an IPv4
    address that is mapped into IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address.

    Returns:
        The address, None where there is none.
    """
    text = (text or "").strip()
    found = _BRACKETS.fullmatch(text) or _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found[1] if found else text).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def read_network(text: str) -> Network:
    """A network, or a single address; one of mapped IPv4 addresses is the network of IPv4.

    Raises:
        ValueError: It is none.
    """
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        plain = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network((int(plain or 0), network.prefixlen - 96))
    return network


def network_of(address: str | None) -> str:
    """What one person has: an IPv4 address, or the /64 of an IPv6 address (empty for none). Visitors
    of IPv4 whom a network translates for us (RFC 7755) are their IPv4 addresses, not one of IPv6."""
    return _wider(address, 32, 64)


def wide_network_of(address: str | None) -> str:
    """What is nobody's alone: 256 addresses of IPv4, a site's /48 of IPv6 (empty for none)."""
    return _wider(address, 24, 48)


def is_loopback(address: str | None) -> bool:
    """Whether a peer is on this machine."""
    found = read_address(address)
    return found is not None and found.is_loopback


def _wider(text: str | None, bits4: int, bits6: int) -> str:
    address = read_address(text)
    if address is None:
        return ""
    if address in _TRANSLATED:
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    bits = bits6 if address.version == 6 else bits4
    return str(ipaddress.ip_network((address, bits), strict=False))
