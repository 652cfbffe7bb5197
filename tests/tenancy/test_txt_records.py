"""Questions to DNS over UDP, to a real server on this machine, whatever it answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from smartcity_saas.configuration.states import Finding
from smartcity_saas.errors import SettingsError
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.txt_records import DnsTxtLookup, TxtAnswer
from tests.support.dns_server import DnsServer, dns_server

NAME = "_smartcity-challenge.www.city.cn"


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """A DNS server without a record."""
    with dns_server() as found:
        yield found


def test_records_are_read_whole(server: DnsServer) -> None:
    """All of several records, in one order whatever the server's; one of several strings is the strings joined, as DNS splits long ones."""
    server.texts[NAME] = [("smartcity=", "abc"), ("v=spf1 -all",)]
    assert server.lookup()(NAME) == TxtAnswer(Finding.OTHER, NAME, ("smartcity=abc", "v=spf1 -all"))


def test_a_name_that_is_not_there_is_a_definite_answer(server: DnsServer) -> None:
    """NXDOMAIN, and a name with other records alone."""
    assert server.lookup()(NAME) == TxtAnswer(Finding.ABSENT, NAME)
    server.empty.add(NAME)
    assert server.lookup()(NAME) == TxtAnswer(Finding.ABSENT, NAME)


@pytest.mark.parametrize("lazy", [False, True])
def test_an_alias_is_followed(server: DnsServer, lazy: bool) -> None:
    """Whoever delegates the name by CNAME is found there, whether the server follows it or leaves
    that to us; one that leads to nothing says where to."""
    server.lazy = lazy
    server.aliases = {NAME: "one.example.net", "one.example.net": "two.example.net"}
    assert server.lookup()(NAME) == TxtAnswer(Finding.ABSENT, "two.example.net")
    server.say("two.example.net", "smartcity=abc")
    assert server.lookup()(NAME) == TxtAnswer(Finding.OTHER, "two.example.net", ("smartcity=abc",))


@pytest.mark.parametrize("lazy", [False, True])
def test_aliases_in_a_circle_are_a_fault_of_the_domain(server: DnsServer, lazy: bool) -> None:
    """They are told as one, and end."""
    server.lazy = lazy
    server.aliases = {NAME: "one.example.net", "one.example.net": NAME}
    assert server.lookup()(NAME).finding is Finding.SERVFAIL
    assert len(server.asked) < 20


def test_what_is_no_answer_is_told_apart(server: DnsServer) -> None:
    """A server that cannot, one that says nothing, and none at all: none of them is "not there"."""
    server.broken.add(NAME)
    assert server.lookup()(NAME) == TxtAnswer(Finding.SERVFAIL, NAME)
    server.broken.clear()
    server.silent.add(NAME)
    assert server.lookup(seconds=0.2)(NAME) == TxtAnswer(Finding.TIMEOUT, NAME)
    no_way_there = DnsTxtLookup([("255.255.255.255", 53)], 2)
    assert no_way_there(NAME) == TxtAnswer(Finding.UNREACHABLE, NAME)


def test_the_second_server_is_asked_where_the_first_one_is_away(server: DnsServer) -> None:
    """Of several servers one is enough."""
    server.say(NAME, "smartcity=abc")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    lookup = DnsTxtLookup([("127.0.0.1", port), ("127.0.0.1", server.port)])
    assert lookup(NAME).values == ("smartcity=abc",)


def test_servers_are_read_from_the_environment() -> None:
    """With and without a port, of IPv4 and IPv6; what is none is quoted."""
    text = "10.0.0.53, 127.0.0.1:5353 [::1]:5353 [fd00::1] 2001:db8::53"
    found = Settings.from_environment({"SMARTCITY_DNS_SERVERS": text}).dns_servers
    assert found == (
        ("10.0.0.53", 53),
        ("127.0.0.1", 5353),
        ("::1", 5353),
        ("fd00::1", 53),
        ("2001:db8::53", 53),
    )
    for wrong in ("dns.example", "10.0.0.53:0", "10.0.0.53:99999", "[::1", "10.0.0"):
        with pytest.raises(SettingsError, match="SMARTCITY_DNS_SERVERS"):
            Settings.from_environment({"SMARTCITY_DNS_SERVERS": wrong})
