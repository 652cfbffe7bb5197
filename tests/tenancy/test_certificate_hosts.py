"""Certificates on demand: for what is served alone, and told to a proxy alone."""

from __future__ import annotations

from typing import Any

import pytest

from smartcity_saas.addresses import read_network
from smartcity_saas.audit import system
from smartcity_saas.certificate_hosts import PATH
from smartcity_saas.configuration.host_ownership import GRACE, own_hosts
from smartcity_saas.configuration.states import Finding
from smartcity_saas.tenancy.host_checks import check_host
from smartcity_saas.tenancy.txt_records import TxtAnswer
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.product import other_parts, other_settings
from tests.support.world import World

SERVED = [
    "localhost",
    "console.localhost",
    "hangzhou.localhost",
    "Ningbo.Localhost",
    "city.hangzhou.example",
]
NOT_SERVED = [
    "nowhere.localhost",
    "hangzhou.example",
    "x.city.hangzhou.example",
    "127.0.0.1",
    "",
    "a b",
    "hangzhou.localhost,",
]


def asked(world: World, domain: str | None, peer: str = "127.0.0.1", **environ: Any) -> int:
    """What a node answers at the address by which proxies reach it."""
    answer = fresh(
        world.app.test_client().get,
        PATH,
        query_string={} if domain is None else {"domain": domain},
        environ_overrides={"REMOTE_ADDR": peer, "HTTP_HOST": "127.0.0.1:8000", **environ},
    )
    return int(answer.status_code)


def test_what_is_served_may_have_a_certificate(world: World) -> None:
    """The platform's own hosts, every city's under it, and those that documents claim."""
    assert {name: asked(world, name) for name in SERVED} == dict.fromkeys(SERVED, 200)


def test_nothing_else_may(world: World) -> None:
    """Strangers' names cost the installation no certificate; a question without one is refused."""
    assert {name: asked(world, name) for name in NOT_SERVED} == dict.fromkeys(NOT_SERVED, 404)
    assert asked(world, None) == 404


def test_a_draft_has_none_and_a_suspended_city_keeps_its_own(world: World) -> None:
    """A certificate stands in public logs (RFC 9162): it would tell of a draft. The page that says
    that a city is suspended is served like any other."""
    draft = HANGZHOU.replace("hangzhou", "wenzhou").replace("330100", "330300")
    world.save(draft.replace("state: live", "state: draft").replace("杭州", "温州"))
    assert asked(world, "wenzhou.localhost") == 404
    assert asked(world, "city.wenzhou.example") == 404
    world.save(HANGZHOU.replace("state: live", "state: suspended"))
    assert asked(world, "city.hangzhou.example") == 200


def test_a_host_has_one_when_it_is_proved(world: World) -> None:
    """What a document names alone would let anybody's name into the authority's limits; so would
    what is no city's any more."""
    world.save(HANGZHOU.replace("hosts: [", "hosts: [www.city.cn, "))
    assert asked(world, "www.city.cn") == 404
    (host,) = [one for one in own_hosts([world.city_id("hangzhou")]) if not one.is_served]

    def look(values: tuple[str, ...]) -> None:
        answer = TxtAnswer(Finding.OTHER if values else Finding.ABSENT, host.record_name, values)
        with other_parts(world.app, find_txt=lambda name: answer):
            check_host((host.city_id, host.host), system("test"), world.clock())
        world.app.registry.refresh()

    look((host.record_value,))
    assert asked(world, "www.city.cn") == 200
    look(())
    assert asked(world, "www.city.cn") == 200
    world.clock.move(days=GRACE.days)
    look(())
    assert asked(world, "www.city.cn") == 404


@pytest.mark.parametrize("peer,status", [("10.1.2.3", 200), ("127.0.0.1", 200), ("192.0.2.7", 404)])
def test_only_a_proxy_is_told(world: World, peer: str, status: int) -> None:
    """Others, and whoever comes through a proxy, find an address that is not there."""
    networks = (read_network("10.0.0.0/8"),)
    with other_settings(world.app, demo=False, trusted_proxies=networks):
        assert asked(world, "hangzhou.localhost", peer) == status
        through = {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}
        assert asked(world, "hangzhou.localhost", peer, **through) == 404
