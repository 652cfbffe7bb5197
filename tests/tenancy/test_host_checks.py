"""Whose a host is: waiting for its record, proved by it, missing it, lost, or another city's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from smartcity_saas.audit import system
from smartcity_saas.configuration.host_ownership import GRACE, OwnHost, own_hosts
from smartcity_saas.configuration.models import HostClaim, HostOwnership
from smartcity_saas.configuration.states import Finding, HostState
from smartcity_saas.database import transaction
from smartcity_saas.database.transactions import db
from smartcity_saas.tenancy.host_checks import HostChecks, check_host, check_hosts, take_due
from tests.support.browser import fresh
from tests.support.dns_server import DnsServer, dns_server
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.product import other_parts
from tests.support.world import World

HOST = "www.city.cn"
HANGZHOU_TOO = HANGZHOU.replace("hosts: [", f"hosts: [{HOST}, ")
NINGBO_TOO = NINGBO + f"hosts: [{HOST}]\n"
BY = system("test")


@pytest.fixture
def dns(world: World) -> Iterator[DnsServer]:
    """A DNS server that the product asks."""
    with dns_server() as server, other_parts(world.app, find_txt=server.lookup(0.5)):
        yield server


def host_of(world: World, city: str, host: str = HOST) -> OwnHost:
    db.session.rollback()
    found = own_hosts([world.city_id(city)])
    return next(one for one in found if one.host == host)


def check(world: World, city: str = "hangzhou", host: str = HOST) -> OwnHost:
    """Look for the record of a city's host, and see what is known of it then."""
    check_host((world.city_id(city), host), BY, world.clock())
    world.app.registry.refresh()
    return host_of(world, city, host)


def prove(world: World, dns: DnsServer, city: str = "hangzhou", host: str = HOST) -> OwnHost:
    """Write a city's record, and look for it."""
    wanted = host_of(world, city, host)
    dns.say(wanted.record_name, wanted.record_value)
    return check(world, city, host)


def claim_as_before(world: World) -> None:
    """Claim the host for a city as the release before does, without a word of its proof."""
    city_id = world.city_id("hangzhou")
    with transaction() as session:
        session.add(HostClaim(host=HOST, document_id=city_id))


def status(world: World, host: str = HOST) -> int:
    return int(world.client(host).get("/").status_code)


def test_only_a_proved_host_leads_to_the_city(world: World, dns: DnsServer) -> None:
    """One that a document names is like a stranger's until its record is there."""
    world.save(HANGZHOU_TOO)
    waiting = host_of(world, "hangzhou")
    assert (waiting.state, waiting.is_served) == (HostState.WAITING, False)
    assert status(world) == status(world, "www.nowhere.cn") == 404
    assert check(world).finding is Finding.ABSENT
    proved = prove(world, dns)
    assert (proved.state, proved.finding) == (HostState.PROVED, Finding.FOUND)
    assert (proved.proved_at, proved.found_at) == (world.clock(), proved.record_name)
    assert "杭州市" in world.client(HOST, "zh").get("/").text


def test_what_nobody_can_have_needs_no_proof(world: World, dns: DnsServer) -> None:
    """Names of the reserved domains lead to the city at once, as the demo's and the tests' do."""
    assert host_of(world, "hangzhou", "city.hangzhou.example").state is HostState.EXEMPT
    assert status(world, "city.hangzhou.example") == 200
    assert dns.asked == []


def test_a_record_is_good_for_one_city_and_one_host(world: World, dns: DnsServer) -> None:
    """Another city's record, and that of another host of one's own, prove nothing."""
    world.save(HANGZHOU_TOO.replace(HOST, f"{HOST}, m.city.cn"))
    world.save(NINGBO_TOO)
    values = {
        host_of(world, "hangzhou").record_value,
        host_of(world, "hangzhou", "m.city.cn").record_value,
        host_of(world, "ningbo").record_value,
    }
    assert len(values) == 3
    wanted = host_of(world, "hangzhou")
    dns.say(
        wanted.record_name, *(values - {wanted.record_value, host_of(world, "ningbo").record_value})
    )
    found = check(world)
    assert (found.state, found.finding) == (HostState.WAITING, Finding.OTHER)
    assert found.seen == host_of(world, "hangzhou", "m.city.cn").record_value


def test_quotes_that_a_panel_keeps_are_no_part_of_a_record(world: World, dns: DnsServer) -> None:
    """Whoever pastes the line with its quotes has written the record; so has whoever's panel cuts
    it in two strings."""
    world.save(HANGZHOU_TOO)
    wanted = host_of(world, "hangzhou")
    dns.texts[wanted.record_name] = [
        ('\\"' + wanted.record_value[:15], wanted.record_value[15:] + '\\"')
    ]
    assert check(world).state is HostState.PROVED


@pytest.mark.parametrize(
    "fault,finding",
    [("broken", Finding.SERVFAIL), ("silent", Finding.TIMEOUT), ("nowhere", Finding.UNREACHABLE)],
)
def test_while_dns_is_away_nothing_is_lost(
    world: World, dns: DnsServer, fault: str, finding: Finding
) -> None:
    """A proved host stays proved however long no answer comes, and is looked up again soon; so does
    one whose record is missing."""
    world.save(HANGZHOU_TOO)
    proved = prove(world, dns)
    if fault == "nowhere":
        dns.port = 1
        world.app.product.find_txt.servers = [("255.255.255.255", 53)]  # type: ignore[attr-defined]
    else:
        getattr(dns, fault).add(proved.record_name)
    world.clock.move(days=GRACE.days + 3)
    found = check(world)
    assert (found.state, found.finding, found.missing_since) == (HostState.PROVED, finding, None)
    assert status(world) == 200
    db.session.rollback()
    again = db.session.scalar(select(HostOwnership.check_at))
    assert again is not None
    assert again - world.clock() < timedelta(hours=1)


def test_a_record_that_is_gone_costs_the_host_after_some_days(world: World, dns: DnsServer) -> None:
    """It is told at once, the host is served for a week, then it is a stranger's; the record brings
    it back at any time."""
    world.save(HANGZHOU_TOO)
    record = prove(world, dns).record_name
    texts = dns.texts.pop(record)
    missing = check(world)
    assert (missing.state, missing.missing_since) == (HostState.MISSING, world.clock())
    world.clock.move(days=GRACE.days - 1)
    assert check(world).state is HostState.MISSING
    assert status(world) == 200
    dns.texts[record] = texts
    assert check(world).state is HostState.PROVED
    del dns.texts[record]
    check(world)
    world.clock.move(days=GRACE.days)
    assert check(world).state is HostState.LOST
    assert status(world) == 404
    dns.texts[record] = texts
    assert check(world).state is HostState.PROVED
    assert status(world) == 200
    acts = [one.action for one in world.documents().audit_events("hangzhou", 20)[0]]
    assert [act for act in acts if act.startswith("host.")][::-1] == [
        *("host.prove", "host.miss", "host.prove", "host.miss", "host.lose", "host.prove"),
    ]


def test_of_two_cities_the_prover_has_the_host(world: World, dns: DnsServer) -> None:
    """Both may name it. While both records stand it stays where it is; whoever's is alone has it."""
    world.save(HANGZHOU_TOO)
    world.save(NINGBO_TOO)
    assert prove(world, dns, "ningbo").state is HostState.PROVED
    assert check(world, "hangzhou").holder == "ningbo"
    assert "宁波市" in world.client(HOST, "zh").get("/").text
    theirs, ours = host_of(world, "ningbo"), host_of(world, "hangzhou")
    dns.say(ours.record_name, theirs.record_value, ours.record_value)
    held = check(world, "hangzhou")
    assert (held.state, held.finding, held.holder) == (HostState.WAITING, Finding.HELD, "ningbo")
    dns.say(ours.record_name, ours.record_value)
    assert check(world, "hangzhou").state is HostState.PROVED
    assert host_of(world, "ningbo").state is HostState.LOST
    assert "杭州市" in world.client(HOST, "zh").get("/").text
    assert check(world, "ningbo").finding is Finding.OTHER


def test_a_host_that_led_to_a_city_before_stays_until_another_proves_it(
    world: World, dns: DnsServer
) -> None:
    """What an earlier release has claimed is served without a record, however often it is looked
    for; a city that proves the host gets it all the same."""
    claim_as_before(world)
    world.save(HANGZHOU_TOO)
    take_due(world.clock())
    assert host_of(world, "hangzhou").state is HostState.EARLIER
    check(world)
    world.clock.move(days=GRACE.days + 1)
    assert check(world).state is HostState.EARLIER
    assert status(world) == 200
    world.save(NINGBO_TOO)
    assert prove(world, dns, "ningbo").state is HostState.PROVED
    assert host_of(world, "hangzhou").state is HostState.LOST
    assert "宁波市" in world.client(HOST, "zh").get("/").text


def test_one_that_led_here_before_is_proved_as_soon_as_its_record_is_there(
    world: World, dns: DnsServer
) -> None:
    """From then on it is held to its record like any other."""
    claim_as_before(world)
    world.save(HANGZHOU_TOO)
    take_due(world.clock())
    assert prove(world, dns).state is HostState.PROVED


def test_a_host_that_is_named_no_more_is_given_up(world: World, dns: DnsServer) -> None:
    """Its record proves nothing then; named again it waits for the same record."""
    world.save(HANGZHOU_TOO)
    before = prove(world, dns)
    world.save(HANGZHOU)
    assert status(world) == 404
    assert check_host((world.city_id("hangzhou"), HOST), BY, world.clock()) is None
    world.save(HANGZHOU_TOO)
    again = host_of(world, "hangzhou")
    assert (again.state, again.record_value) == (HostState.WAITING, before.record_value)
    assert check(world).state is HostState.PROVED


def test_what_an_earlier_release_stores_without_a_host_is_forgotten(
    world: World, dns: DnsServer
) -> None:
    """A process of the release before gives up the claim alone: no look brings the host back."""
    world.save(HANGZHOU_TOO)
    prove(world, dns)
    key = (world.city_id("hangzhou"), HOST)
    world.save(HANGZHOU)
    with transaction() as session:
        session.add(
            HostOwnership(
                document_id=key[0],
                host=HOST,
                state=HostState.PROVED,
                claimed_at=world.clock(),
                check_at=world.clock(),
            )
        )
    assert check_host(key, BY, world.clock()) is None
    assert db.session.scalar(select(func.count()).select_from(HostOwnership)) == 0
    assert status(world) == 404


def test_a_name_in_chinese_is_looked_up_as_dns_knows_it(world: World, dns: DnsServer) -> None:
    """Its record is that of the ASCII name (RFC 5891); the page has both."""
    world.save(HANGZHOU.replace("hosts: [", "hosts: [杭州.中国, "))
    host = "xn--6rtr6s.xn--fiqs8s"
    found = host_of(world, "hangzhou", host)
    assert (found.unicode, found.record_name) == ("杭州.中国", f"_smartcity-challenge.{host}")
    assert prove(world, dns, "hangzhou", host).state is HostState.PROVED
    assert status(world, host) == 200


def test_the_worker_looks_up_what_is_due(world: World, dns: DnsServer) -> None:
    """A new host within a minute, again and again and ever less often; a proved one every day. What
    one process looks up, another leaves alone."""
    world.save(HANGZHOU_TOO)
    checks = HostChecks(world.app)

    def pass_by(**parts: float) -> int:
        world.clock.move(**parts)
        before = len(dns.asked)

        def work() -> None:
            with world.app.app_context():
                checks(world.clock())
            checks.wait()

        fresh(work)
        return len(dns.asked) - before

    assert pass_by() == 1
    assert pass_by(minutes=2) == 0
    assert pass_by(minutes=4) == 1
    wanted = host_of(world, "hangzhou")
    dns.say(wanted.record_name, wanted.record_value)
    assert pass_by(hours=5) == 1
    assert host_of(world, "hangzhou").state is HostState.PROVED
    assert pass_by(hours=20) == 0
    assert pass_by(hours=5) == 1
    world.clock.move(days=2)
    assert [host for _city, host in take_due(world.clock())] == [HOST]
    assert take_due(world.clock()) == []


def test_several_are_looked_up_at_once(world: World, dns: DnsServer) -> None:
    """A domain whose servers are silent holds up no other city's."""
    world.save(HANGZHOU_TOO)
    world.save(NINGBO + "hosts: [www.ningbo.cn]\n")
    dns.silent.add(host_of(world, "hangzhou").record_name)
    wanted = host_of(world, "ningbo", "www.ningbo.cn")
    dns.say(wanted.record_name, wanted.record_value)
    check_hosts(take_due(world.clock()), BY, world.clock())
    assert host_of(world, "hangzhou").finding is Finding.TIMEOUT
    assert host_of(world, "ningbo", "www.ningbo.cn").state is HostState.PROVED
