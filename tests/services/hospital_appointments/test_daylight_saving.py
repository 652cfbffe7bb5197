"""Clinics on the days on which a city's clocks change."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import select

from smartcity_saas.clock import is_skipped
from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.models import ClinicSession
from tests.support.clinic import Clinic
from tests.support.clinic_pages import ROOT
from tests.support.documents import HANGZHOU

FORWARD, BACK = date(2027, 3, 14), date(2027, 11, 7)


@pytest.fixture
def new_york(clinic: Clinic) -> Clinic:
    """The clinic's city, with the clocks of New York."""
    clinic.world.save(f"{HANGZHOU}site: {{timezone: America/New_York}}\n")
    return clinic


@pytest.mark.parametrize(
    "starts, ends, wrong",
    [
        ("01:00", "02:30", ["ends"]),
        ("02:45", "03:15", ["starts"]),
        ("02:10", "02:50", ["starts", "ends"]),
        ("01:00", "03:00", []),
    ],
)
def test_a_time_that_the_clocks_skip_is_refused(
    new_york: Clinic, starts: str, ends: str, wrong: list[str]
) -> None:
    """Promise: a clinic that begins or ends at a time that its day does not have is refused at that
    cell, with the time, the day and what to do; nothing of it is stored."""
    new_york.world.clock.now = datetime(2027, 3, 10, 12, tzinfo=UTC)
    row = {"day": str(FORWARD), "starts": starts, "ends": ends, "department_code": "night"}
    found = new_york.bring(row)
    assert [one.pointer.rpartition("/")[2] for one in found.problems] == wrong
    typed = {"starts": starts, "ends": ends}
    for one, at in zip(found.problems, map(typed.get, wrong), strict=True):
        assert f"There is no {at} on 2027-03-14" in str(one.message)
        assert "before or after" in str(one.hint)
    with new_york.world.inside(new_york.city):
        query = select(ClinicSession).where(ClinicSession.day == FORWARD)
        assert len(list(db.session.scalars(query))) == (not wrong)


def test_no_zone_without_changes_skips_a_time() -> None:
    """Promise: what a zone's clocks show is never refused."""
    assert not any(is_skipped(FORWARD, time(hour), "Asia/Shanghai") for hour in range(24))
    assert not is_skipped(BACK, time(1, 30), "America/New_York")


def test_two_times_that_read_alike_are_told_apart(new_york: Clinic) -> None:
    """Promise: where the clocks go back, each time to choose names one moment: those that come
    twice have the offset of their hour, in both languages; all others have none."""
    new_york.world.clock.now = datetime(2027, 11, 5, 12, tzinfo=UTC)
    row = {"day": str(BACK), "starts": "00:30", "ends": "02:30", "capacity": "6"}
    assert not new_york.bring({**row, "department_code": "night", "doctor_code": "n"}).problems
    with new_york.world.inside(new_york.city):
        query = select(ClinicSession.department_id).where(ClinicSession.day == BACK)
        department = db.session.scalars(query).one()
    page = f"{ROOT}/departments/{department}?day={BACK}"
    for language, around in (("en", " ({})"), ("zh", "（{}）")):
        client = new_york.world.client("hangzhou.localhost", language)
        slots = re.findall(r'class="slot[^"]*"[^>]*><strong>(.*?)</strong>', client.get(page).text)
        first, second = around.format("UTC−4"), around.format("UTC−5")
        assert slots == [
            "0:30",
            f"1:00{first}",
            f"1:30{first}",
            f"1:00{second}",
            f"1:30{second}",
            "2:00",
        ]
