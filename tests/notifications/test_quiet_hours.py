"""Nobody is woken: what comes up in a city's night waits for its morning, and so do offers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.notifications import QuietHours, notify
from smartcity_saas.services.hospital_appointments import cancellation, waiting_list
from smartcity_saas.services.hospital_appointments.models import ClinicSession, WaitingEntry
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT
from tests.support.documents import HANGZHOU, PLATFORM
from tests.support.messages import BODY, TITLE, say
from tests.support.world import World

ZONES = ["Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Europe/Berlin"]
CLOCKS = st.times(time(0), time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)
QUIET = 'messages: {quiet_hours: {from: "22:00", until: "07:00"}}\n'
LATE = 'services: {hospital_appointments: {settings: {cancel: {days_before: 0, time: "23:59"}}}}\n'
SHANGHAI = ZoneInfo("Asia/Shanghai")


@given(st.sampled_from(ZONES), CLOCKS, CLOCKS, MOMENTS)
def test_a_message_waits_for_the_end_of_the_night(
    zone: str, begin: time, end: time, now: datetime
) -> None:
    """Never in quiet hours, never earlier than it comes up, within a day (and the hour by which
    clocks change); whoever has no quiet hours waits for nothing."""
    quiet = QuietHours(zone, begin, end)
    due = quiet.over(now)
    assert now <= due <= now + timedelta(hours=25)
    assert quiet.over(due) == due
    if begin == end:
        assert due == now
    if due > now:
        clock = due.astimezone(ZoneInfo(zone)).time().replace(microsecond=0)
        assert clock == end or zone != "Asia/Shanghai"


@pytest.mark.parametrize(
    "hour, minute, wakes", [(22, 0, 7), (3, 0, 7), (6, 59, 7), (7, 0, 7), (21, 59, 21), (12, 0, 12)]
)
def test_the_common_night(hour: int, minute: int, wakes: int) -> None:
    """From ten in the evening until seven, where a document says nothing."""
    now = datetime(2026, 11, 28, hour, minute, tzinfo=SHANGHAI)
    assert QuietHours("Asia/Shanghai").over(now).astimezone(SHANGHAI).hour == wakes


def at_night(world: World, hour: int = 3) -> None:
    """It is that hour of tomorrow in Hangzhou, which has a night."""
    world.save(HANGZHOU + QUIET)
    tomorrow = world.clock().astimezone(SHANGHAI) + timedelta(days=1)
    world.clock.now = tomorrow.replace(hour=hour, minute=0, second=0).astimezone(UTC)


def sent(world: World) -> int:
    with capture_logs() as logs:
        world.work()
    return [one["event"] for one in logs].count("message.sent")


def test_what_comes_up_at_night_is_sent_in_the_morning(world: World) -> None:
    """It stands on the resident's page at once; what would be too late by then is sent at night."""
    at_night(world)
    say(world, sms="13800000000")
    assert "Paid ¥1.00" in world.resident().get("/me/messages").text
    assert sent(world) == 0
    with world.inside("hangzhou"):
        resident = db.session.scalars(select(Resident.id)).one()
        soon = world.clock() + timedelta(hours=2)
        notify(resident, "soon", TITLE, BODY, "/me", world.clock(), useful_until=soon)
    assert sent(world) == 1
    world.clock.move(hours=4)
    assert sent(world) == 1


def test_a_document_says_when_the_night_is(world: World) -> None:
    """The platform's, a province's or the city's own; an hour that is none is refused."""
    common = PLATFORM.replace('from: "00:00", until: "00:00"', 'from: "21:00", until: "08:30"')
    world.save(common)
    assert QuietHours.of_city(world.city("hangzhou")) == QuietHours(
        "Asia/Shanghai", time(21), time(8, 30)
    )
    world.save(HANGZHOU + QUIET)
    assert QuietHours.of_city(world.city("hangzhou")) == QuietHours("Asia/Shanghai")
    assert world.city("hangzhou").flags == ()
    with pytest.raises(Invalid):
        world.save(HANGZHOU + QUIET.replace("07:00", "25:00"))


def full_at_night(clinic: Clinic) -> tuple[list[Any], list[WaitingEntry]]:
    """Three places taken, two people waiting, three in the morning."""
    made = [clinic.book(name) for name in "abc"]
    entries = [clinic.wait(name) for name in "de"]
    at_night(clinic.world)
    return made, entries


def test_an_offer_of_the_night_runs_until_the_morning(clinic: Clinic) -> None:
    """The first in line has the offer's minutes after waking; then the next has theirs."""
    made, (first, second) = full_at_night(clinic)
    clinic.cancel("a", made[0])
    until = clinic.entry(first.id).offered_until
    assert until is not None
    assert until.astimezone(SHANGHAI).time() == time(7, 15)
    clinic.world.clock.move(hours=4, minutes=10)
    assert clinic.accept("d", first).number == 1
    clinic.cancel("b", made[1])
    later = clinic.entry(second.id).offered_until
    assert later == clinic.now + timedelta(minutes=15)


def test_an_offer_never_outlives_its_place(clinic: Clinic) -> None:
    """A place that begins before the morning is kept until it begins."""
    clinic.bring({"doctor_code": "d2", "starts": "06:00", "ends": "06:30", "capacity": "1"})
    with clinic.world.inside(clinic.city):
        early = db.session.scalars(
            select(ClinicSession.id).order_by(ClinicSession.starts_at)
        ).first()
    made = clinic.book("a", early)
    resident, patient = clinic.person("d")
    with clinic.world.inside(clinic.city):
        entry = waiting_list.join(resident, patient, early, clinic.rules, clinic.now)
    clinic.world.save(HANGZHOU + QUIET + LATE)
    clinic.world.clock.now = made.starts_at - timedelta(hours=3)
    clinic.cancel("a", made)
    assert clinic.entry(entry.id).offered_until == made.starts_at


def test_a_clinic_called_off_at_night(clinic: Clinic) -> None:
    """Whoever has booked is written to in the morning, and finds it on their page at once."""
    browser, page = clinic.world.resident(), f"{ROOT}/sessions/{clinic.session()}/book"
    at = clinic.rules.local(date.fromisoformat(clinic.day()), time(8)).isoformat()
    done = browser.post(f"{page}?{urlencode({'at': at})}", **NEW, at=at, messages="1")
    assert done.status_code == 302
    sent(clinic.world)
    at_night(clinic.world)
    key = clinic.session()
    with clinic.world.inside(clinic.city):
        reason = {"zh": "停诊", "en": "Off."}
        cancellation.close_session(system("desk"), key, reason, clinic.now)
    assert "Clinic cancelled" in browser.get("/me/messages").text
    assert sent(clinic.world) == 0
    clinic.world.clock.move(hours=4)
    assert sent(clinic.world) > 0
