"""A province's comparison: fair, sorted without a script, the same as CSV and JSON."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from smartcity_saas.database import transaction
from smartcity_saas.measures import CityMeasure, Measure, count
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

PAGE = "/provinces/zhejiang/data"
PEOPLE = "population: {residents: 1000000, as_of: 2025, source: Yearbook}\n"
LAST = date(2026, 11, 22)


@pytest.fixture
def compared(world: World) -> World:
    """Hangzhou with thirty days and its population, Ningbo with ten and a gap, Shanghai with many."""
    world.clock.now = datetime(2026, 11, 23, 2, tzinfo=UTC)
    world.save(HANGZHOU + PEOPLE)
    fill(world, "hangzhou", 30, done=100, five=9, one=1, wait="3600")
    fill(world, "ningbo", 10, done=10, five=1, one=0, wait="86400")
    fill(world, "shanghai", 30, done=977, five=9, one=1, wait="60")
    return world


def fill(world: World, city: str, days: int, *, done: int, five: int, one: int, wait: str) -> None:
    """So many days to yesterday, each alike."""
    told = {
        ("offered", ""): 1,
        ("done", ""): done,
        ("rating", "5"): five,
        ("rating", "1"): one,
        ("wait", wait): done,
    }
    key = {"city_id": world.city_id(city), "service": "utility_bills", "channel": "web"}
    rows = [
        {
            **key,
            "day": LAST - timedelta(days=back),
            "measure": measure,
            "detail": detail,
            "value": n,
        }
        for back in range(days)
        for (measure, detail), n in told.items()
        if n
    ]
    with transaction() as session:
        session.execute(insert(CityMeasure), rows)


def told(admin: Browser, query: str = "") -> dict[str, dict[str, Any]]:
    """What a program is told, by city."""
    data: Any = admin.get(f"{PAGE}?format=json{query}").json
    return {one["city"]: one for one in data["cities"]}


def test_cities_side_by_side(compared: World) -> None:
    """Per 10,000 residents where the document says how many; a share with its interval from thirty
    answers on; waits and days as they are; no other province's city."""
    found = told(compared.province_admin())
    assert list(found) == ["hangzhou", "ningbo"]
    hangzhou, ningbo = found["hangzhou"], found["ningbo"]
    assert hangzhou["done_per_10000_residents_in_30_days"] == 30
    assert (hangzhou["satisfied"], hangzhou["answers"]) == (0.9, 300)
    assert hangzhou["satisfied_low"] < 0.9 < hangzhou["satisfied_high"]
    assert hangzhou["days_with_data"] == 30
    assert ningbo["done_per_10000_residents_in_30_days"] is None
    assert (ningbo["satisfied"], ningbo["answers"], ningbo["days_with_data"]) == (None, 10, 10)
    assert ningbo["median_wait_seconds"] > hangzhou["median_wait_seconds"]


def test_the_page_marks_what_is_missing(compared: World) -> None:
    """Too few, no population, a hatched gap; Shanghai stands nowhere."""
    page = compared.province_admin().get(PAGE).text
    assert "no population given" in page
    assert "too few" in page
    assert 'fill="url(#gap)"' in page
    assert "Shanghai" not in page
    assert "977" not in page


def test_a_city_without_data_stands_last_and_is_said_so(compared: World) -> None:
    """However the table is sorted; it is not in the median, and no zero."""
    compared.save(
        NINGBO.replace("ningbo", "quzhou").replace("330200", "330800").replace("Ningbo", "Quzhou")
    )
    admin = compared.province_admin()
    for sort in ("wait", "-wait", "city", "-city", "days"):
        found = told(admin, f"&sort={sort}")
        assert list(found)[-1] == "quzhou"
        assert found["quzhou"]["done"] is None
    page = admin.get(PAGE).text
    assert "no data in these days" in page
    assert "1 city" in page


def test_sorting_is_a_button_with_its_state(compared: World) -> None:
    """Sorted by the address, so without a script; the head says which way, and the next press turns it."""
    admin = compared.province_admin()
    page = admin.get(f"{PAGE}?sort=-wait").text
    assert 'aria-sort="descending"' in page
    assert 'name="sort" value="wait"' in page
    assert page.index("/cities/ningbo/overview") < page.index("/cities/hangzhou/overview")
    assert list(told(admin, "&sort=wait")) == ["hangzhou", "ningbo"]
    assert told(admin, "&sort=wait")["hangzhou"]["place"] == [1, 1]
    assert told(admin, "&sort=nonsense&days=nonsense&figure=nonsense")


def test_the_csv_says_the_same(compared: World) -> None:
    """All cities, or those that were ticked; empty where nothing may be told."""
    admin = compared.province_admin()
    answer = admin.get(f"{PAGE}.csv?city=ningbo&city=shanghai")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["city"] for row in rows] == ["ningbo"]
    assert (rows[0]["satisfied"], rows[0]["answers"]) == ("", "10")
    every = csv.DictReader(io.StringIO(admin.get(f"{PAGE}.csv").text.removeprefix("\ufeff")))
    for row in every:
        for name, value in told(admin)[row["city"]].items():
            if name != "place":
                assert row[name] == ("" if value is None else str(value))


def test_small_counts_do_not_leave_their_city(compared: World) -> None:
    """Three acts in seven days: the number stands nowhere, and no rate is made of it."""
    with transaction() as session:
        session.execute(CityMeasure.__table__.delete())  # type: ignore[attr-defined]
    fill(compared, "hangzhou", 1, done=3, five=1, one=0, wait="3600")
    found = told(compared.province_admin(), "&days=7")["hangzhou"]
    assert (found["done"], found["answers"], found["median_wait_seconds"]) == (None, None, None)
    assert found["done_per_10000_residents_in_30_days"] is None


def test_only_the_province_and_the_operator_compare(compared: World) -> None:
    """Staff of a city and another province are refused, the CSV alike."""
    for other in (compared.city_staff(), compared.province_admin("shanghai")):
        for path in (PAGE, f"{PAGE}.csv", f"{PAGE}?format=json"):
            assert other.get(path).status_code in (403, 404)
    assert compared.operator().get(PAGE).status_code == 200


def test_a_small_city_does_not_follow_from_the_total(world: World) -> None:
    """Promise: beside a city whose count is not told, the sum of the cities is told as tens, the same
    whatever that count really is."""
    world.clock.now = datetime(2026, 11, 23, 2, tzinfo=UTC)
    fill(world, "hangzhou", 30, done=101, five=9, one=1, wait="3600")
    totals, admin = set(), world.province_admin()
    for _more in range(4):
        with world.inside("ningbo"):
            count("utility_bills", Measure.DONE, world.clock() - timedelta(days=1))
        page = admin.get(PAGE).text
        totals.add("about 3,030" in page)
        assert not any(f"{3030 + few:,}" in page for few in range(1, 5))
    assert totals == {True}
