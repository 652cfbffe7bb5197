"""``smartcity hosts``, and what other commands say of hosts that wait for a record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.dns_server import DnsServer, dns_server
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.shell import Shell

pytestmark = pytest.mark.processes

HOST = "www.city.cn"


@pytest.fixture
def dns(shell: Shell) -> Iterator[DnsServer]:
    """A DNS server that the command asks, and two cities with hosts of their own, not applied."""
    for city, text in (("hangzhou", HANGZHOU), ("ningbo", NINGBO + "hosts: [www.ningbo.cn]\n")):
        path = shell.folder / f"tenants/{city}.yaml"
        path.write_text(text.replace("hosts: [city", f"hosts: [{HOST}, city"), "utf-8")
    with dns_server() as server:
        shell.env["SMARTCITY_DNS_SERVERS"] = f"127.0.0.1:{server.port}"
        yield server


def test_hosts_are_listed_and_looked_for(shell: Shell, dns: DnsServer) -> None:
    """``apply`` says which records to create, ``hosts list`` has them with their states, ``hosts
    check`` looks and fails while one is not found, ``doctor`` tells each."""
    said = shell.run("apply", "-m", "first")
    found = {row["host"]: row for row in shell.json("hosts", "list")}
    assert set(found) == {HOST, "www.ningbo.cn", "city.hangzhou.example"}
    for host in (HOST, "www.ningbo.cn"):
        assert found[host]["state"] == "waiting"
        record = f'{found[host]["record_name"]}. TXT "{found[host]["record_value"]}"'
        assert record in said
        assert record in shell.run("hosts", "list")
    assert found["city.hangzhou.example"]["state"] == "exempt"
    dns.say(found[HOST]["record_name"], found[HOST]["record_value"])
    assert [row["state"] for row in shell.json("hosts", "check", "--city", "hangzhou")] == [
        "proved"
    ]
    assert dns.asked == [found[HOST]["record_name"]]
    after = {row["host"]: row for row in shell.json("hosts", "check", code=1)}
    assert after["www.ningbo.cn"]["finding"] == "absent"
    checks = {row["check"]: row["detail"] for row in shell.json("doctor", code=1)}
    assert found["www.ningbo.cn"]["record_value"] in checks["host www.ningbo.cn"]
    assert f"host {HOST}" not in checks


def test_a_city_that_is_not_there_is_said(shell: Shell, dns: DnsServer) -> None:
    """By its name, and nothing is looked for."""
    shell.run("apply", "-m", "first")
    assert "There is no city “nowhere”." in shell.run("hosts", "check", "--city", "nowhere", code=1)
    assert dns.asked == []
