"""“Ready” means that somebody can sign in, is told and looked after; each lack says what to do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from smartcity_saas.audit import system
from smartcity_saas.cli.operations import doctor
from smartcity_saas.credentials import store_credential
from smartcity_saas.outbox import Heartbeat, RunnerKind, worker_lives
from smartcity_saas.portals.live_checks import (
    city_issues,
    sample_values,
    serving_checks,
    worker_check,
)
from smartcity_saas.portals.operator import CHECKS
from smartcity_saas.portals.readiness_list import Check, site_checks
from tests.support.documents import NINGBO
from tests.support.product import other_settings
from tests.support.world import World

SMS = "messages:\n  sms: {provider: http, url: 'https://sms.ningbo.gov.cn', token: {credential: sms}}\n"


@pytest.fixture
def production(world: World) -> Any:
    """The world with nothing of the demo about it."""
    with other_settings(world.app, demo=False):
        yield world


def lacks(world: World, city: str) -> str:
    return " ".join(str(one.text) for one in serving_checks(world.city(city)) if not one.fits)


def test_a_city_that_nobody_can_sign_in_to_is_not_ready(production: World) -> None:
    """Codes by SMS want a sender and its secret; with both, and an account, the city is ready; the
    other city goes on lacking them."""
    world = production
    assert "Nobody can sign in" in lacks(world, "ningbo")
    assert "No messages are sent" in lacks(world, "ningbo")
    assert "The city has no staff account" in lacks(world, "ningbo")
    world.save(NINGBO + SMS)
    assert "Nobody can sign in" in lacks(world, "ningbo")
    assert not any("sign in" in str(text) for text in city_issues(world.city("ningbo")))
    with world.inside("ningbo"):
        ring = world.app.product.keyring
        store_credential(ring, system("test"), "sms", "x", world.clock())
    world.city_staff("ningbo")
    assert "Nobody" not in lacks(world, "ningbo")
    assert "Nobody can sign in" in lacks(world, "hangzhou")
    assert any("Nobody can sign in" in str(text) for text in city_issues(world.city("hangzhou")))


def test_sample_values_are_named(production: World) -> None:
    """Hosts of the example domain, numbers of noughts, the shipped suppliers."""
    found = sample_values(production.city("hangzhou"))
    assert "site.icp" in found
    assert "city.hangzhou.example" in found
    assert any("suppliers" in path for path in found)
    assert "site.icp" in lacks(production, "hangzhou")


def test_a_worker_that_is_silent_is_missed(world: World) -> None:
    """It says that it lives, and is missed some minutes after its last word."""
    assert not worker_lives(world.clock())
    Heartbeat(RunnerKind.WORKER).beat(world.clock())
    assert worker_lives(world.clock())
    world.clock.move(minutes=4)
    assert not worker_lives(world.clock())


def test_the_command_says_the_same(production: World) -> None:
    """``doctor`` names what each city lacks and what to do, without calling it wrong."""
    rows = json.loads(CliRunner().invoke(doctor, ["--format", "json"]).output)
    missing = [row for row in rows if row["ok"] is None]
    said = " ".join(row["detail"] for row in missing)
    assert {"worker", "city hangzhou", "city ningbo"} <= {row["check"] for row in missing}
    assert "start smartcity worker" in said
    assert "Nobody can sign in: add a sign-in method" in said
    page = production.city_staff("hangzhou").get("/cities/hangzhou").text
    assert "Nobody can sign in" in page
    assert "The worker is not running" in page


def test_no_check_says_the_words_of_success_when_it_fails(
    production: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a failed line says what is wrong in its own words. Every check of readiness, of a city,
    of one that is being made and of the platform, is asked where it holds and where it does not."""
    world = production
    said: dict[bool, set[str]] = {True: set(), False: set()}
    whole = world.city("hangzhou")
    bare = replace(whole, site={}, catalog={})

    def keep(checks: Any) -> None:
        for one in checks:
            said[one.fits].add(str(one.text))

    with world.app.app_context():
        for city in (bare, whole):
            keep(site_checks(city))
        for name, how in CHECKS.items():
            keep([Check.of(True, *how), Check.of(False, *how)])
            assert str(how[0]) != str(how[1]), name
        keep(serving_checks(world.city("ningbo")))
        keep([worker_check(world.clock())])
        monkeypatch.setitem(world.app.config, "DEMO", True)
        world.city_staff("hangzhou")
        keep(serving_checks(world.city("hangzhou")))
        Heartbeat(RunnerKind.WORKER).beat(world.clock())
        keep([worker_check(world.clock())])
    admin = world.province_admin()
    lines = re.compile(
        r'<use href="[^"]*#(circle-check|alert-triangle)"/></svg>(.*?)(?: <span|</li>)'
    )
    page, found = "/provinces/zhejiang/onboard", 0
    for typed in (
        "code=330300&zh=温州市&en=Wenzhou&color=%23b8232f",
        "code=330300&en=&color=%237a7a7a",
    ):
        shown = admin.get(f"{page}?{typed}").text
        listed = shown[shown.rindex("check-list") :]
        for icon, text in lines.findall(listed[: listed.index("</ul>")]):
            said[icon == "circle-check"].add(text)
            found += 1
    assert found > 10, "the lines of the page are read"
    assert not said[True] & said[False]
    assert len(said[True]) > 10
    assert len(said[False]) > 10
