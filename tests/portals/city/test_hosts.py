"""The pages on which a city, a province and the operator see hosts, their records and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from smartcity_saas.audit import system
from smartcity_saas.configuration.host_ownership import GRACE, OwnHost, own_hosts
from smartcity_saas.tenancy.host_checks import check_host
from tests.support.dns_server import DnsServer, dns_server
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.product import other_parts
from tests.support.world import World

HOST = "www.city.cn"
PAGE = "/cities/hangzhou/hosts"
CHECK = f"{PAGE}/check"
HANGZHOU_TOO = HANGZHOU.replace("hosts: [", f"hosts: [{HOST}, ")


@pytest.fixture
def dns(world: World) -> Iterator[DnsServer]:
    """A DNS server that the product asks, and a host of Hangzhou's that waits for its record."""
    world.save(HANGZHOU_TOO)
    with dns_server() as server, other_parts(world.app, find_txt=server.lookup(0.5)):
        yield server


def host_of(world: World, city: str = "hangzhou") -> OwnHost:
    return next(one for one in own_hosts([world.city_id(city)]) if one.host == HOST)


def look(world: World, city: str = "hangzhou") -> None:
    """Look for the record of a city's host, as the worker does."""
    check_host((world.city_id(city), HOST), system("worker"), world.clock())
    world.app.registry.refresh()


def test_a_city_reads_its_record_and_has_it_looked_for(world: World, dns: DnsServer) -> None:
    """Name, type and value stand there as they are to be written; a press says what was found, and
    the host is served on the next page."""
    staff = world.city_staff()
    host = host_of(world)
    page = staff.get(PAGE).text
    for shown in ("Waiting for its record", host.record_name, "TXT", host.record_value):
        assert shown in page
    answer = staff.post(CHECK, PAGE, host=HOST)
    assert answer.status_code == 302
    assert "We did not find the record." in staff.get(answer.location).text
    dns.say(host.record_name, host.record_value)
    answer = staff.post(CHECK, PAGE, host=HOST)
    assert "We found the record of www.city.cn." in staff.get(answer.location).text
    assert world.client(HOST).get("/").status_code == 200


@pytest.mark.parametrize(
    "fault,said",
    [
        ("broken", "The domain&#39;s DNS servers answer with an error."),
        ("silent", "DNS did not answer in time."),
    ],
)
def test_a_press_while_dns_is_away_says_so(
    world: World, dns: DnsServer, fault: str, said: str
) -> None:
    """Not that the record is not there."""
    getattr(dns, fault).add(host_of(world).record_name)
    staff = world.city_staff()
    page = staff.get(staff.post(CHECK, PAGE, host=HOST).location).text
    assert said in page
    assert "We did not find the record" not in page


def test_what_stands_there_instead_is_shown(world: World, dns: DnsServer) -> None:
    """Another record as it is, escaped; or where a CNAME leads to."""
    record = host_of(world).record_name
    dns.say(record, "<b>smartcity=old</b>")
    staff = world.city_staff()
    page = staff.get(staff.post(CHECK, PAGE, host=HOST).location).text
    assert "We found another record there: &lt;b&gt;smartcity=old&lt;/b&gt;" in page
    dns.texts.clear()
    dns.aliases[record] = "proofs.city.cn"
    page = staff.get(staff.post(CHECK, PAGE, host=HOST).location).text
    assert "The name leads to proofs.city.cn, and there is no record there." in page


def test_another_city_and_another_host_are_not_there(world: World, dns: DnsServer) -> None:
    """Neither a neighbour's page nor a host that one's own document does not name."""
    staff = world.city_staff("ningbo")
    assert staff.get(PAGE).status_code == 404
    assert staff.post(CHECK, "/cities/ningbo/hosts", host=HOST).status_code == 404
    assert staff.post("/cities/ningbo/hosts/check", "/account", host=HOST).status_code == 404
    assert host_of(world).record_value not in staff.get("/cities/ningbo/hosts").text


def test_the_other_city_of_a_host_is_named_to_whoever_reaches_it(
    world: World, dns: DnsServer
) -> None:
    """Whoever has both cities reads which one has the host; the city itself only that one has."""
    world.save(NINGBO + f"hosts: [{HOST}]\n")
    theirs = host_of(world, "ningbo")
    dns.say(theirs.record_name, theirs.record_value)
    look(world, "ningbo")
    page = world.city_staff().get(PAGE).text
    assert "The domain leads to another city at present." in page
    assert "leads to ningbo" not in page
    assert "The domain leads to ningbo at present." in world.province_admin().get(PAGE).text


def test_a_host_that_is_missing_or_lost_is_told(world: World, dns: DnsServer) -> None:
    """As what needs somebody, with the last day, on the city's, the province's and the operator's
    overview; the readiness list has it too."""
    host = host_of(world)
    dns.say(host.record_name, host.record_value)
    look(world)
    staff, admin, operator = world.city_staff(), world.province_admin(), world.operator()

    def needs() -> dict[str, Any]:
        found: Any = staff.get("/cities/hangzhou/overview?format=json").json
        return {one["kind"]: one for one in found["needs"] if one["kind"].startswith("hosts.")}

    def reasons(url: str) -> set[str]:
        browser = operator if "platform" in url else admin
        found: Any = browser.get(f"{url}/overview?format=json").json
        city = next(one for one in found["cities"] if one["city"] == "hangzhou")
        return {one["kind"] for one in city["needs"] if one["kind"].startswith("hosts.")}

    assert needs() == {}
    dns.texts.clear()
    look(world)
    last = (world.clock() + GRACE + timedelta(hours=8)).date()
    assert needs()["hosts.missing"]["by"] == last.isoformat()
    assert reasons("/provinces/zhejiang") == reasons("/platform") == {"hosts.missing"}
    world.clock.move(days=GRACE.days)
    look(world)
    staff, admin, operator = (
        world.staff("late-city", "city_admin", city="hangzhou"),
        world.staff("late-admin", "province_admin", province="zhejiang"),
        world.staff("late-root", "operator"),
    )
    assert needs()["hosts.lost"]["urgency"] == "down"
    assert reasons("/provinces/zhejiang") == reasons("/platform") == {"hosts.lost"}
    assert (
        "These domains need a DNS record, see Domains: www.city.cn"
        in staff.get("/cities/hangzhou").text
    )


def test_the_operator_sees_the_hosts_of_all_cities(world: World, dns: DnsServer) -> None:
    """Those first that need somebody, each with its record; nobody of a city or a province does."""
    world.save(NINGBO + "hosts: [a.ningbo.example]\n")
    page = world.operator().get("/platform/hosts").text
    assert page.index(HOST) < page.index("a.ningbo.example")
    assert ">Ningbo</a>" in page
    assert host_of(world).record_value in page
    assert world.province_admin().get("/platform/hosts").status_code == 403


def test_a_city_that_was_just_made_shows_which_record_to_create(
    world: World, dns: DnsServer
) -> None:
    """Whoever saved it reads the record at once, and need not look for it."""
    page = world.operator().get("/provinces/zhejiang?made=hangzhou").text
    host = host_of(world)
    assert "www.city.cn is used once this DNS record is there:" in page
    assert host.record_value in page
    assert "city.hangzhou.example is used once" not in page
