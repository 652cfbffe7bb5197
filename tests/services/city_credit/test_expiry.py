"""What is over: to the day in the city's zone, shown for a while with its repair, then erased."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from smartcity_saas.database import transaction
from smartcity_saas.services.city_credit.expiry import forget_expired
from smartcity_saas.services.city_credit.membership import forget_entries
from smartcity_saas.services.city_credit.models import AppealState, CreditAppeal, CreditEntry
from smartcity_saas.services.city_credit.standing import last_day
from tests.support.browser import Browser
from tests.support.city_credit import OPEN, PAID, ROOT, CreditCity
from tests.support.documents import HANGZHOU

ZONE = ZoneInfo("Asia/Shanghai")


def sweep(credit: CreditCity) -> int:
    """Do what a day brings; the entries that are left."""
    with credit.world.inside(credit.slug):
        forget_expired(credit.world.clock())
    return credit.rows()


def at(credit: CreditCity, day: date, clock: time) -> None:
    """Move to a time of a day of the city's."""
    credit.world.clock.now = datetime.combine(day, clock, ZONE)


def good(credit: CreditCity) -> tuple[Browser, date]:
    """A member of the second level by two bills, and the last day on which they count."""
    browser = credit.member()
    for reference in ("one", "two"):
        credit.tell(reference)
    return browser, last_day(credit.today(), 12)


def test_an_entry_counts_until_the_last_minute_of_its_day_in_the_city(credit: CreditCity) -> None:
    """Promise: the level holds until midnight of the city, not of UTC, and falls with it."""
    _browser, last = good(credit)
    at(credit, last, time(23, 59))
    page = credit.world.resident().get(f"{ROOT}/mine").text
    assert "Good, you are here" in page
    at(credit, last + timedelta(days=1), time(0, 0))
    page = credit.world.resident().get(f"{ROOT}/mine").text
    assert "Starting, you are here" in page


def test_what_lapsed_says_what_brings_it_back(credit: CreditCity) -> None:
    """Promise: a benefit that lapsed says until when one had it and what brings it back; an expired
    entry says that it adds nothing now."""
    _browser, last = good(credit)
    at(credit, last + timedelta(days=1), time(9))
    browser = credit.world.resident()
    page = browser.get(f"{ROOT}/mine").text
    assert "You had it until" in page
    assert "This brings it back: 2 more of “Utility bills paid on time”" in page
    entries = browser.get(f"{ROOT}/entries").text
    assert "adds nothing now" in entries
    assert "Pay the next bill on time" in entries


def test_an_entry_says_what_happens_when_it_expires(credit: CreditCity) -> None:
    """Promise: every entry says until when it counts and that nothing else happens then; a source
    for which the city says no repair has one by its rule."""
    browser, _last = good(credit)
    page = browser.get(f"{ROOT}/entries").text
    assert "then no longer; nothing else happens" in page
    assert "told by “Utility bills”" in page
    assert "brought by the city" in page
    assert "Do it again: each new one adds 5 points." in page
    assert "every 2 new ones add 1 point." in page


def test_an_expired_entry_is_erased_three_months_later(credit: CreditCity) -> None:
    """Promise: kept as long as the page says: three months after its last day, and not a day more."""
    _browser, last = good(credit)
    at(credit, last_day(last, 3), time(23, 59))
    assert sweep(credit) == 2
    at(credit, last_day(last, 3) + timedelta(days=1), time(0, 0))
    assert sweep(credit) == 0


def test_an_entry_with_an_open_appeal_waits_for_the_answer(credit: CreditCity) -> None:
    """Promise: no appeal is erased unanswered because its entry is over."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    credit.world.clock.move(days=2_000)
    assert sweep(credit) == 1
    staff = credit.world.city_staff("hangzhou")
    page = f"/cities/hangzhou/city-credit/appeals/{credit.one_appeal().id}"
    assert (
        staff.post(page, "/cities/hangzhou/city-credit", decision="upheld", answer="x").status_code
        == 409
    )
    assert credit.one_appeal().state is AppealState.OVERDUE
    assert sweep(credit) == 0
    assert credit.rows(CreditAppeal) == 0


def test_longer_keeping_waits_for_consent(credit: CreditCity) -> None:
    """Promise: entries go after the time that was agreed to, where the rules say more by now."""
    _browser, last = good(credit)
    credit.world.save(HANGZHOU + OPEN.replace("cap: 30, expires: 12", "cap: 30, expires: 36"))
    at(credit, last_day(last, 3) + timedelta(days=1), time(9))
    assert sweep(credit) == 0


def test_entries_without_a_rule_go_after_a_month(credit: CreditCity) -> None:
    """Promise: a source that the city took out is not kept for ever, nor lost by a slip that is put
    right."""
    good(credit)
    without = OPEN.replace(PAID, "traffic_tickets.settled_in_time")
    credit.world.save(HANGZHOU + without)
    assert sweep(credit) == 2
    credit.world.clock.move(days=29)
    assert sweep(credit) == 2
    credit.world.clock.move(days=2)
    assert sweep(credit) == 0


def test_a_sweep_takes_nothing_that_counts(credit: CreditCity) -> None:
    """Promise: whatever day it runs, what counts is left, and other cities' rows are."""
    good(credit)
    other = CreditCity(credit.world, "ningbo")
    other.member()
    other.tell("there")
    credit.world.clock.move(days=100)
    assert sweep(credit) == 2
    assert other.rows() == 1


def test_erasing_stays_in_its_city(credit: CreditCity) -> None:
    """Promise: even everything erased in one city leaves the other's entries."""
    good(credit)
    other = CreditCity(credit.world, "ningbo")
    other.member()
    other.tell("there")
    with credit.world.inside("hangzhou"), transaction():
        forget_entries(CreditEntry.quantity >= 0)
    assert (credit.rows(), other.rows()) == (0, 1)
