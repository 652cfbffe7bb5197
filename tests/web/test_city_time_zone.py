"""Days on pages, in counts and in the day's work are the city's own, at every hour of the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.database import db
from smartcity_saas.measures import Measure, Window, count, series_of
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import current_city_id
from smartcity_saas.web.formats import init_formats
from smartcity_saas.worker import make_runner
from tests.support.bills import HEADER, bring
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.world import World

ZONES = ["Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Pacific/Kiritimati"]
FIRST_MINUTES = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)
"""Half past midnight on 1 January in UTC+8; still last year in UTC."""


def test_a_year_begins_at_the_citys_midnight(world: World) -> None:
    """Tiers, the year's usage and days without a year count the new year from its first minute."""
    world.clock.now = FIRST_MINUTES
    rows = "".join(
        f"water,4100280017,王某,示例路 1 号,{month},{usage},1.00,2026-01-01,{due},{paid}\n"
        for month, usage, due, paid in (
            ("2025-11", 500, "2026-01-02", ""),
            ("2026-01", 20, "2026-01-02", "2026-01-01"),
        )
    )
    bring(world, HEADER + rows)
    browser = world.resident()
    form = {"kind": "water", "number": "4100280017", "holder": "王某", "nickname": "家"}
    page = browser.get(
        browser.post("/services/utility-bills/link", **form).headers["Location"]
    ).text
    assert "20 m³ used this year." in page
    assert "Due by 2 January, 1 day left" in page


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(ZONES))
def test_filters_name_the_citys_day(naive: datetime, zone: str) -> None:
    """``day`` of a moment, ``moment`` and ``until`` agree with the clocks of the zone, whatever the
    hour; a year is left out exactly in that year of the city."""
    app = Flask(__name__)
    Babel(app)
    now = naive.replace(tzinfo=UTC)
    init_formats(app, lambda: zone, lambda _zone: now, lambda _moment: now)
    filters, here = app.jinja_env.filters, now.astimezone(ZoneInfo(zone))
    with app.test_request_context():
        assert filters["moment"](now) == f"today {here.hour}:{here.minute:02d}"
        assert filters["day"](now) == filters["day"](here.date())
        assert str(here.year) not in filters["day"](now)
        assert str(here.year + 1) in filters["day"](date(here.year + 1, 1, 1))
        assert filters["until"](here.date()) == "today is the last day"


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_done_counts_on_the_citys_day(world: World, zone: str) -> None:
    """Whatever the zone of the machine or of another city."""
    world.save(f"{HANGZHOU}site: {{timezone: {zone}}}\n")
    now = world.clock.now = FIRST_MINUTES
    with world.inside("hangzhou"):
        count("utility_bills", Measure.DONE, now)
    here, shanghai = (now.astimezone(ZoneInfo(name)).date() for name in (zone, "Asia/Shanghai"))
    with world.inside("ningbo"):
        count("utility_bills", Measure.DONE, now)
    ours, theirs = world.city_id("hangzhou"), world.city_id("ningbo")
    db.session.rollback()
    found = series_of([ours, theirs], Window(min(here, shanghai), max(here, shanghai)))
    assert found == {
        (ours, "utility_bills"): {here: 1},
        (theirs, "utility_bills"): {shanghai: 1},
    }
    assert series_of([], Window(here, here)) == {}


def test_the_days_work_begins_with_the_citys_day(world: World) -> None:
    """Once a day of each city, by its own zone."""
    world.save(f"{HANGZHOU}site: {{timezone: America/New_York}}\n")
    served = make_runner(world.app).cities()
    ran: list[int] = []
    runner = Runner(
        world.app,
        {},
        tenant_context,
        world.clock,
        daily=lambda now: ran.append(current_city_id()),
        cities=lambda: served,
    )
    ours, theirs = world.city_id("hangzhou"), world.city_id("ningbo")

    def ran_at(hour: int) -> set[int]:
        ran.clear()
        world.clock.now = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hour)
        for city_id, day in runner._waiting_days().items():
            fresh(runner._run_day, city_id, day)  # type: ignore[arg-type]
        return set(ran)

    assert {ours, theirs} <= ran_at(0)
    assert ours in ran_at(5), "midnight in New York"
    assert theirs in ran_at(17), "midnight in Ningbo"
    assert ours not in ran_at(18)
    assert ran_at(20) == set()
