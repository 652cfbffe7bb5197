"""Figures of cities: entered, too old, computed, imported, and compared; on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from smartcity_saas.audit import CityAuditEvent, system
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.measures import Measure, count
from smartcity_saas.scorecard.card import Card, Missing, card_of
from smartcity_saas.scorecard.csv_import import ValueImporter
from smartcity_saas.scorecard.figures import blurred, compute
from smartcity_saas.scorecard.models import CityScore, ScorecardValue
from smartcity_saas.scorecard.score import Origin
from smartcity_saas.scorecard.summaries import compare, summarise
from smartcity_saas.scorecard.values import enter, history, item_of, oldest_that_counts, take_back
from smartcity_saas.services.hospital_appointments.models import ClinicSession
from tests.support.clinic import Clinic
from tests.support.scorecard import edition, whole_edition
from tests.support.world import World

ACTOR = system("test")
WHOLE = edition()


def today_of(world: World, slug: str = "hangzhou") -> date:
    return today_in(world.city(slug).timezone, world.clock())


def put(world: World, number: str, hundredths: int, *, days: int = 1) -> ScorecardValue:
    """Enter a figure in the present city."""
    as_of = today_of(world) - timedelta(days=days)
    item = item_of(WHOLE, number)
    return enter(ACTOR, WHOLE, item, hundredths, "公报", as_of, world.clock())


def card(world: World, slug: str = "hangzhou") -> Card:
    return card_of(world.city(slug), WHOLE, world.clock())


def test_a_figure_counts_in_its_own_city_alone(world: World) -> None:
    """Promise: what one city enters says nothing of another."""
    with world.inside("hangzhou"):
        put(world, "L2P1-A1", 5_000)
        found = card(world)
        assert found.lines["L2P1-A1"].score == Decimal("10.10")
        assert found.lines["L2P1-A1"].origin is Origin.BY_HAND
        assert found.lines["L2P1-A2"].missing is Missing.NO_VALUE
    with world.inside("shanghai"):
        assert card(world, "shanghai").lines["L2P1-A1"].missing is Missing.NO_VALUE


def test_the_newest_figure_counts_and_the_others_stay(world: World) -> None:
    """Promise: nothing is overwritten; taken back, an item is missing and its history there."""
    with world.inside("hangzhou"):
        put(world, "L2P1-A1", 5_000)
        world.clock.move(minutes=1)
        put(world, "L2P1-A1", 6_000)
        assert card(world).lines["L2P1-A1"].share == Decimal("0.6")
        world.clock.move(minutes=1)
        item = item_of(WHOLE, "L2P1-A1")
        take_back(ACTOR, WHOLE, item, world.city("hangzhou").timezone, world.clock())
        assert card(world).lines["L2P1-A1"].missing is Missing.NO_VALUE
        assert [row.hundredths for row in history(WHOLE, item)] == [None, 6_000, 5_000]
        acts = set(db.session.scalars(select(CityAuditEvent.action)))
        assert {"scorecard.enter", "scorecard.take_back"} <= acts


def test_entries_are_append_only(world: World) -> None:
    """Promise: the database itself lets nobody alter what was entered."""
    with world.inside("hangzhou"):
        put(world, "L2P1-A1", 5_000)
        for statement in (update(ScorecardValue).values(hundredths=1), delete(ScorecardValue)):
            with (
                pytest.raises(Exception, match=r"append-only|permission denied"),
                transaction() as s,
            ):
                s.execute(statement)


@pytest.mark.parametrize(("late", "missing"), [(0, None), (1, Missing.TOO_OLD)])
def test_after_twelve_months_a_figure_is_missing(
    world: World, late: int, missing: Missing | None
) -> None:
    """Promise: to the day, in the city's zone, and said so."""
    today = today_of(world)
    with world.inside("hangzhou"):
        put(world, "L2P1-A1", 5_000, days=(today - oldest_that_counts(today)).days + late)
        assert card(world).lines["L2P1-A1"].missing is missing


def test_the_day_a_year_before_29_february_is_the_28th() -> None:
    """Promise: a leap day has a day a year before."""
    assert oldest_that_counts(date(2028, 2, 29)) == date(2027, 2, 28)


def test_a_computed_share_stands_before_an_entered_one(world: World) -> None:
    """Promise: staff cannot put a nicer number before what the platform knows."""
    with world.inside("hangzhou"):
        entries = world.city("hangzhou").catalog.values()
        opened = sum(1 for entry in entries if entry.is_open)
        put(world, "L1P1-A2", 10_000)
        line = card(world).lines["L1P1-A2"]
        assert line.origin is Origin.COMPUTED
        assert line.value is None
        assert line.share == Decimal(opened) / len(entries)


def test_figures_are_made_of_measures_of_their_own_city(world: World) -> None:
    """Promise: what is done counts from the next day on, with both its numbers; below 30, nothing
    is told."""
    hangzhou = world.city("hangzhou")
    with world.inside("hangzhou"):
        count("utility_bills", Measure.DONE, world.clock(), value=90)
        count("utility_bills", Measure.FAILED, world.clock(), value=10)
        assert compute("one_stop", hangzhou, today_of(world)) is None
        world.clock.move(days=1)
        figure = compute("one_stop", hangzhou, today_of(world))
        assert figure is not None
        assert (figure.part, figure.whole) == (90, 100)
        used = compute("services_used", hangzhou, today_of(world))
        assert used is not None
        assert (used.part, used.share) == (90, None)
    with world.inside("shanghai"):
        assert compute("one_stop", world.city("shanghai"), today_of(world, "shanghai")) is None


@pytest.mark.parametrize(
    ("part", "told"), [(0, 0), (1, 0), (2, 0), (3, 5), (5, 5), (95, 95), (97, 95), (98, 100)]
)
def test_no_figure_leads_to_a_few_people(part: int, told: int) -> None:
    """Promise: neither a part nor what is left of the whole is 1 to 4."""
    assert blurred(part, 100) == told


@pytest.mark.parametrize("name", ["one_stop", "services_used", "satisfaction"])
def test_a_small_day_follows_from_no_figure(world: World, name: str) -> None:
    """Promise: a day under five, which the data by day hide, is the same figure whatever it really was,
    told as tens."""
    told, start = set(), world.clock()
    hangzhou = world.city("hangzhou")
    with world.inside("hangzhou"):
        for measure, detail in ((Measure.DONE, ""), (Measure.RATING, "5")):
            count("utility_bills", measure, start - timedelta(days=2), detail=detail, value=92)
            count("utility_bills", measure, start - timedelta(days=1), detail=detail, value=1)
        for _more in range(4):
            figure = compute(name, hangzhou, today_of(world))
            assert figure is not None
            told.add((figure.part, figure.whole, figure.rounded))
            for measure, detail in ((Measure.DONE, ""), (Measure.RATING, "5")):
                count("utility_bills", measure, start - timedelta(days=1), detail=detail)
        exact = compute(name, hangzhou, today_of(world))
    assert told == {(90, None if name == "services_used" else 90, True)}
    assert exact is not None
    assert (exact.part, exact.rounded) == (97, False)


def imported(world: World, text: str, **options: Any) -> Imported:
    request = ImportRequest(
        ACTOR, world.city("hangzhou"), text.encode(), "figures.csv", world.clock(), **options
    )
    return ValueImporter(request, WHOLE).run()


def test_an_import_stores_what_is_sound_and_names_every_fault(world: World) -> None:
    """Promise: faults with line and column; a row of the template that was left open is passed
    over; the same file again changes nothing."""
    day = today_of(world).isoformat()
    text = (
        "item,name,value,source,as_of\n"
        f"L2P1-A1,一号通,61.25,公报第 3 页,{day}\n"
        "L2P1-A2,一张图,,,\n"
        f"L9P9-A9,没有,50,公报,{day}\n"
        f"L1P1-A1,证照,101,公报,{day}\n"
        f"L2P1-A1,一号通,70,公报,{day}\n"
        "L2P1-A2,一张图,70,公报,2001-01-01\n"
        "L2P1-A2,一张图,70,公报,2099-01-01\n"
        f"L2P1-A2,一张图,70,,{day}\n"
        f"L2P1-A2,一张图,70 %,公报,{day}\n"
    )
    with world.inside("hangzhou"):
        result = imported(world, text)
        assert (result.added, result.changed, result.same) == (1, 0, 0)
        places = [(found.line, found.pointer.split("/")[2]) for found in result.problems]
        assert places == [
            (4, "item"),
            (5, "value"),
            (7, "as_of"),
            (8, "as_of"),
            (9, "source"),
            (10, "value"),
            (6, "item"),
        ]
        assert card(world).lines["L2P1-A1"].share == Decimal("0.6125")
        again = imported(world, text)
        assert (again.added, again.changed, again.same) == (0, 0, 1)
        assert imported(world, text, all_or_nothing=True).stored == 0


def test_a_days_summary_is_what_the_comparison_reads(world: World) -> None:
    """Promise: cities are compared from their own rows of the day, by the lower end, and those
    without a row of the last week stand last."""
    with whole_edition(world.app):
        with world.inside("hangzhou"):
            put(world, "L2P1-A1", 10_000)
            summarise(world.clock())
            put(world, "L2P1-A2", 10_000)
            summarise(world.clock())
        with world.inside("ningbo"):
            summarise(world.clock())
        cities = [world.city(slug) for slug in ("shanghai", "ningbo", "hangzhou")]
        db.session.rollback()  # what the test read before is not what is there now
        found = compare(WHOLE, cities, today_of(world))
        assert [one.city.slug for one in found] == ["hangzhou", "ningbo", "shanghai"]
        row = found[0].row
        assert row is not None
        assert (row.by_hand, row.by_hand_items, row.missing_items) == (4_000, 2, 1)
        assert row.high - row.low == 1_500
        assert found[2].row is None
        later = today_of(world) + timedelta(days=8)
        assert all(one.row is None for one in compare(WHOLE, cities, later))


def test_a_city_writes_and_reads_no_other_citys_summary(world: World) -> None:
    """Promise: inside a city its own summary alone can be touched."""
    with whole_edition(world.app), world.inside("hangzhou"):
        summarise(world.clock())
        other = CityScore.city_id == world.city("ningbo").id
        with pytest.raises(TenantIsolationError):
            db.session.scalars(select(CityScore)).all()
        with pytest.raises(TenantIsolationError):
            db.session.scalars(select(CityScore).where(other)).all()
        with pytest.raises(TenantIsolationError), transaction() as session:
            session.execute(delete(CityScore).where(other))


def test_the_booking_rate_is_of_places_that_there_were(clinic: Clinic) -> None:
    """Promise: places of clinics of the last 30 days, booked and all; too few are not told, and a
    clinic that was called off has none."""
    world = clinic.world
    clinic.bring({"doctor_code": "d2", "capacity": "40"})
    for name in "abcdef":
        clinic.book(name, _session_of(world, 40))
    clinic.book("g", _session_of(world, 3))
    with world.inside("hangzhou"):
        assert compute("hospital_booking", world.city("hangzhou"), today_of(world)) is None
    world.clock.move(days=5)
    with world.inside("hangzhou"):
        figure = compute("hospital_booking", world.city("hangzhou"), today_of(world))
        assert figure is not None
        assert (figure.part, figure.whole) == (7, 43)
    with world.inside("ningbo"):
        found = compute("hospital_booking", world.city("ningbo"), today_of(world, "ningbo"))
        assert found is None


def _session_of(world: World, capacity: int) -> Any:
    with world.inside("hangzhou"):
        query = select(ClinicSession.id).where(ClinicSession.capacity == capacity)
        return db.session.scalars(query).one()
