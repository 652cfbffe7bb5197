"""What everyone may read: lists, what is near, figures."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from smartcity_saas.database import db, transaction
from smartcity_saas.services.problem_reports import lifecycle, lists, views
from smartcity_saas.services.problem_reports.categories import report_rules
from smartcity_saas.services.problem_reports.models import (
    ProblemReport,
    ProblemReportStep,
    ReportState,
)
from smartcity_saas.services.problem_reports.positions import (
    EARTH_METRES,
    Position,
    box_around,
    metres_between,
    read_position,
)
from smartcity_saas.services.problem_reports.reading import NewReport
from smartcity_saas.services.problem_reports.reporting import Reporter, report_problem
from smartcity_saas.tenancy.current import current_city
from tests.support.problem_reports import DESK, ROOT, Reports

latitudes = st.floats(-85, 85)
longitudes = st.floats(-179, 179)


@given(latitudes, longitudes, st.floats(0, 2 * math.pi), st.floats(0, 990))
def test_a_box_holds_all_that_is_within_its_metres(
    latitude: float, longitude: float, direction: float, metres: float
) -> None:
    """Promise: whatever lies within the metres is found in the box, in every direction and latitude."""
    middle, far = Position(latitude, longitude), metres / EARTH_METRES
    lat = math.radians(latitude)
    north = math.asin(
        math.sin(lat) * math.cos(far) + math.cos(lat) * math.sin(far) * math.cos(direction)
    )
    east = math.atan2(
        math.sin(direction) * math.sin(far) * math.cos(lat),
        math.cos(far) - math.sin(lat) * math.sin(north),
    )
    there = Position(math.degrees(north), longitude + math.degrees(east))
    assert metres_between(middle, there) == pytest.approx(metres, abs=0.01)
    box = box_around(middle, 1000)
    assert box.south <= there.latitude <= box.north
    assert box.west <= there.longitude <= box.east


def test_distances_are_those_of_the_sphere() -> None:
    """Promise: a degree of latitude is the 360th part of the earth's circumference, of a known sphere."""
    one = metres_between(Position(0, 0), Position(1, 0))
    assert one == pytest.approx(2 * math.pi * EARTH_METRES / 360)
    assert metres_between(Position(60, 0), Position(60, 1)) == pytest.approx(one / 2, rel=0.001)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [("1", ""), ("", "1"), ("a", "1"), ("90.1", "0"), ("0", "-180.5"), ("１", "1")],
)
def test_what_is_no_position_is_refused(latitude: str, longitude: str) -> None:
    """Promise: half a position, or one beyond the earth, is none."""
    with pytest.raises(ValueError):  # noqa: PT011 # its caller says what is wrong
        read_position(latitude, longitude)


def test_near_means_open_of_the_same_kind_in_the_same_city(reports: Reports) -> None:
    """Promise: only open reports of the category within the metres, the nearest first, of this city."""
    person = reports.world.resident(subject="parents")
    where = {"longitude": "120.2"}
    far = reports.report(person, latitude="30.2020", **where)
    second = reports.report(person, latitude="30.2006", **where)
    nearest = reports.report(person, latitude="30.2001", **where)
    closed = reports.report(person, latitude="30.2", **where)
    reports.report(person, latitude="30.2", category="noise", **where)
    reports.report(reports.world.resident("ningbo"), latitude="30.2", **where)
    reports.act(lifecycle.refuse, closed, "No.")
    with reports.world.inside("hangzhou"):
        assert [
            one.metres
            for one in lists.public_near_reports("street_light", Position(30.2, 120.2), 100)
        ] == [100, 100, 200]
        found = lists.near_reports("street_light", Position(30.2, 120.2), 100)
        assert [(one.report.number, one.metres) for one in found] == [(nearest, 10), (second, 70)]
        wider = lists.near_reports("street_light", Position(30.2, 120.2), 500)
        assert [one.report.number for one in wider] == [nearest, second, far]
    fragment = reports.stranger().get(
        f"{ROOT}/near?category=street_light&latitude=30.2&longitude=120.2"
    )
    assert "Reported already about 100 m from here" in fragment.text
    assert closed not in fragment.text
    for query in ("", "?category=street_light", "?category=x&latitude=x&longitude=1"):
        assert "Reported already" not in reports.stranger().get(f"{ROOT}/near{query}").text


@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
@settings(
    max_examples=4,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_what_is_told_alike_is_found_alike(
    reports: Reports, city: str, data: st.DataObject
) -> None:
    """Promise: of two reports whose published positions are one, no question of anybody's tells which is
    where: the filter of the list, what is near, and GeoReport answer of both or of neither, alike."""
    within = st.floats(-0.000499, 0.000499)
    middle = Position(30.246, 120.211)
    spots = [
        Position(middle.latitude + data.draw(within), middle.longitude + data.draw(within))
        for _one in range(2)
    ]
    first, second = _at(reports, city, *spots)
    browser = reports.stranger(city)
    share, metres, way = (
        st.floats(0, 1),
        st.sampled_from((100, 260, 500)),
        st.sampled_from((-1, 0, 1)),
    )
    for _question in range(20):
        # as one would who wants to know: from so far away that an edge lies between the two
        box, along, side = box_around(middle, data.draw(metres)), data.draw(share), data.draw(share)
        north, east = data.draw(way), data.draw(way)
        asked = Position(
            spots[0].latitude
            + along * (spots[1].latitude - spots[0].latitude)
            + north * (box.north - middle.latitude),
            spots[0].longitude
            + side * (spots[1].longitude - spots[0].longitude)
            + east * (box.east - middle.longitude),
        )
        with reports.world.inside(city):
            rows, _more = lists.public_list(lists.ListFilter(near=asked))
            near = {
                one.report.number: one.metres
                for one in lists.public_near_reports("street_light", asked, 100)
            }
        listed = {row.number for row in rows}
        assert (first in listed) == (second in listed)
        assert near.get(first) == near.get(second)
    asked = data.draw(st.sampled_from(spots))
    where = f"latitude={asked.latitude:.9f}&longitude={asked.longitude:.9f}"
    for path in (f"{ROOT}/all?{where}", f"{ROOT}/near?category=street_light&{where}"):
        text = browser.get(path).text
        assert (first in text) == (second in text)
    told = [
        {
            **json.loads(browser.get(f"/open311/v2/requests/{one}.json").text)[0],
            "service_request_id": "",
        }
        for one in (first, second)
    ]
    assert told[0] == told[1]


def _at(reports: Reports, city: str, *spots: Position) -> list[str]:
    """Two reports that differ in where they are alone; those of before are gone."""
    now, numbers = reports.world.clock(), []
    with reports.world.inside(city), transaction() as session:
        session.execute(delete(ProblemReportStep))
        session.execute(delete(ProblemReport))
    with reports.world.inside(city):
        rules = report_rules(current_city())
        for spot in spots:
            told = NewReport(rules.categories["street_light"], "x", spot, "")
            reporter = Reporter(DESK, client_id="test")
            numbers.append(report_problem(reporter, told, (), now).report.number)
    return numbers


def test_questions_are_counted_by_network(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: whoever asks for ever waits; the list as it is stays open, and so does another city."""
    monkeypatch.setattr(views, "MOST_SEARCHES", 2)
    near, filtered = f"{ROOT}/near?category=noise", f"{ROOT}/all?category=noise"
    assert [reports.stranger().get(near).status_code for _one in range(3)] == [200, 200, 429]
    assert reports.stranger().get(filtered).status_code == 429
    assert reports.stranger().get(f"{ROOT}/all").status_code == 200
    assert reports.stranger("ningbo").get(near).status_code == 200


def test_the_list_is_filtered_and_paged(reports: Reports) -> None:
    """Promise: by category, state and place; twenty on a page, with a way to the older ones; merged ones are
    left out, and nothing of another city is in it."""
    person = reports.world.resident()
    noise = reports.report(person, category="noise", latitude="30.2", longitude="120.2")
    lamp = reports.report(person, latitude="31.2", longitude="120.2")
    merged = reports.report(person)
    elsewhere = reports.report(reports.world.resident("ningbo"))
    reports.act(lifecycle.merge, merged, lamp)
    reports.act(lifecycle.refuse, lamp, "No.")

    def shown(query: str) -> set[str]:
        text = reports.stranger().get(f"{ROOT}/all{query}").text
        return {one for one in (noise, lamp, merged, elsewhere) if one in text}

    assert shown("") == {noise, lamp}
    assert shown("?category=noise") == {noise}
    assert shown("?state=refused") == {lamp}
    assert shown("?state=open") == {noise}
    assert shown("?latitude=30.201&longitude=120.2") == {noise}
    assert shown("?latitude=x&longitude=y&before=nonsense") == {noise, lamp}
    row = reports.row(noise)
    with reports.world.inside("hangzhou"), transaction() as session:
        session.add_all(
            ProblemReport(
                **{
                    name: getattr(row, name)
                    for name in ("category", "department", "place", "state", "created_at")
                },
                number=f"000000-{place:05}",
                opened_at=row.opened_at,
                updated_at=row.updated_at,
                assign_by=row.assign_by,
                due_at=row.due_at,
            )
            for place in range(lists.PAGE)
        )
    first = reports.stranger().get(f"{ROOT}/all?category=noise").text
    assert noise not in first
    older = first.partition("/all?category=noise&amp;before=")[2].partition('"')[0]
    assert noise in reports.stranger().get(f"{ROOT}/all?category=noise&before={older}").text


def test_the_unresolved_share_is_public(reports: Reports) -> None:
    """Promise: everyone reads what share ended unsolved, from thirty on, refused and opened again alike, and
    how many are late."""
    row = reports.row(reports.report(reports.world.resident()))
    now = reports.world.clock()
    states = [ReportState.CONFIRMED] * 24 + [ReportState.REFUSED] * 5
    with reports.world.inside("hangzhou"), transaction() as session:
        for place, state in enumerate(states):
            session.add(
                ProblemReport(
                    number=f"000000-{place:05}",
                    category=row.category,
                    department=row.department,
                    place="x",
                    state=state,
                    created_at=now,
                    opened_at=now,
                    updated_at=now,
                    assign_by=now,
                    due_at=now + timedelta(days=1),
                    solved_at=now if state is ReportState.CONFIRMED else None,
                    closed_at=now,
                )
            )
    assert "under 30" in reports.stranger().get(f"{ROOT}/all").text
    reports.act(lifecycle.solve, row.number, "Done.", ())
    reports.act(lifecycle.reopen, row.number, "Not done.", ())
    with reports.world.inside("hangzhou"):
        found = lists.figures(now)
    assert (found.solved, found.refused, found.reopened, found.unresolved_percent) == (24, 5, 1, 20)
    assert "Not resolved: 20%" in reports.stranger().get(f"{ROOT}/all").text
    reports.world.clock.move(days=4)
    with reports.world.inside("hangzhou"):
        assert lists.figures(reports.world.clock()).late == 1
        assert lists.kept_promises(reports.world.clock()) == {}
    db.session.rollback()


def test_the_form_tells_how_promises_were_kept(reports: Reports) -> None:
    """Promise: from thirty solved ones on, a category says what share was solved in time."""
    now = reports.world.clock()
    with reports.world.inside("hangzhou"), transaction() as session:
        for place in range(30):
            session.add(
                ProblemReport(
                    number=f"000000-{place:05}",
                    category="noise",
                    department="enforcement",
                    place="x",
                    state=ReportState.CONFIRMED,
                    created_at=now,
                    opened_at=now,
                    updated_at=now,
                    assign_by=now,
                    due_at=now + timedelta(minutes=1 if place < 27 else -1),
                    solved_at=now,
                )
            )
    assert "90% were solved in time" in reports.stranger().get(ROOT).text
