"""Addresses: one reader for limits, trusted proxies, loopback and the audit log."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import smartcity_saas
from smartcity_saas.addresses import (
    is_loopback,
    network_of,
    read_address,
    read_network,
    wide_network_of,
)
from smartcity_saas.errors import SettingsError
from smartcity_saas.settings import Settings
from smartcity_saas.web.security import TrustedProxies
from tests.support.browser import fresh
from tests.support.product import other_settings
from tests.support.world import World

FORMS = ("{}", " {} ", "{}:1000", "::ffff:{}", "[::ffff:{}]:443", "[::FFFF:{}]", "::ffff:{}%eth0")


@given(st.ip_addresses(v=4), st.sampled_from(FORMS))
def test_an_ipv4_address_is_itself_however_it_is_written(address: Any, form: str) -> None:
    """With a port, mapped into IPv6, in brackets: the same person, network and peer."""
    written = form.format(address)
    assert read_address(written) == address
    assert network_of(written) == f"{address}/32"
    assert wide_network_of(written).endswith(".0/24")
    assert is_loopback(written) == address.is_loopback


@given(st.ip_addresses(v=6), st.sampled_from(["{}", "[{}]", "[{}]:8443", "{}%eth0"]))
def test_an_ipv6_address_is_its_network(address: Any, form: str) -> None:
    """A person has a /64; what is mapped is IPv4, and never one bucket for all of it."""
    assume(address not in ipaddress.IPv6Network("64:ff9b::/96"))  # IPv4 that is translated: below
    expected = address.ipv4_mapped or address
    assert read_address(form.format(address)) == expected
    bits = 64 if expected.version == 6 else 32
    assert network_of(form.format(address)) == str(
        ipaddress.ip_network((expected, bits), strict=False)
    )


@given(st.ip_addresses(v=4))
def test_a_translated_address_is_a_person_s_of_ipv4(address: Any) -> None:
    """Promise: where the network brings IPv4 to a server of IPv6 alone (RFC 7755), strangers do not
    share one bucket; nobody comes from this machine by it."""
    written = str(ipaddress.IPv6Address("64:ff9b::") + int(address))
    assert network_of(written) == f"{address}/32"
    assert wide_network_of(written) == wide_network_of(str(address))
    assert not is_loopback(written)


@given(st.text(max_size=60))
def test_anything_else_is_no_address(text: str) -> None:
    """Whatever is written: an address or none, never an exception, and no bucket of its own."""
    found = read_address(text)
    assert found is not None or network_of(text) == ""


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "1.2.3.4, 5.6.7.8", "[1.2.3.4", "::1]:80"]
)
def test_none(text: str) -> None:
    """What proxies write who do not know, and what is broken."""
    assert read_address(text) is None
    assert not is_loopback(text)


def test_networks_of_mapped_addresses_are_networks_of_ipv4() -> None:
    """An operator may write either."""
    assert str(read_network("::ffff:10.0.0.0/104")) == "10.0.0.0/8"
    assert str(read_network("::ffff:10.1.2.3")) == "10.1.2.3/32"
    assert str(read_network("2001:db8::/32")) == "2001:db8::/32"
    with pytest.raises(SettingsError):
        Settings.from_environment({"SMARTCITY_TRUSTED_PROXIES": "10.0.0.0/99"})


PEERS = ("10.1.2.3", "::ffff:10.1.2.3", "10.1.2.3:50000", "[::ffff:10.1.2.3]:50000")
CLIENTS = ("192.0.2.1", "192.0.2.1:1000", "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:7")


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("client", CLIENTS)
def test_whoever_comes_by_a_trusted_proxy_is_one_address(peer: str, client: str) -> None:
    """However the proxy is seen and whatever it writes, the application sees one plain address,
    and the host that the request itself names."""
    seen: dict[str, Any] = {}
    app = TrustedProxies(lambda environ, start: seen.update(environ), (read_network("10.0.0.0/8"),))
    environ = {
        "REMOTE_ADDR": peer,
        "HTTP_HOST": "hangzhou.localhost",
        "HTTP_X_FORWARDED_FOR": client,
        "HTTP_X_FORWARDED_HOST": "shanghai.localhost",
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.url_scheme": "http",
    }
    app({**environ}, None)
    assert (seen["REMOTE_ADDR"], seen["HTTP_HOST"]) == ("192.0.2.1", "hangzhou.localhost")
    assert seen["wsgi.url_scheme"] == "https"
    app({**environ, "REMOTE_ADDR": "203.0.113.9"}, None)
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("203.0.113.9", "http")


def test_a_port_makes_no_new_stranger(world: World) -> None:
    """Guesses from one address are counted together behind a proxy that writes ports, and on a
    socket of both families."""
    forms = [f"192.0.2.1:{port}" for port in range(1000, 1020)] + ["::ffff:192.0.2.1"] * 12
    direct = world.app.wsgi_app
    world.app.wsgi_app = TrustedProxies(direct.direct, (read_network("127.0.0.1"),))
    try:
        with other_settings(world.app, demo=False):
            statuses = [
                fresh(
                    world.app.test_client().post,
                    "/oauth/token",
                    base_url="http://hangzhou.localhost",
                    environ_overrides={"REMOTE_ADDR": "::ffff:127.0.0.1"},
                    headers={"X-Forwarded-For": form, "X-Forwarded-Proto": "https"},
                ).status_code
                for form in forms * 2
            ]
    finally:
        world.app.wsgi_app = direct
    assert statuses[-1] == 429


READERS = {"addresses.py", "address_guard.py"}


def test_addresses_are_read_in_one_place() -> None:
    """No other module parses one (what a name resolves to is the connectors' guard's)."""
    source = Path(smartcity_saas.__file__).parent
    found = {
        p.name
        for p in source.rglob("*.py")
        if re.search(r"\bip_(address|network)\(", p.read_text())
    }
    assert found <= READERS
