"""Appeals: the entry helps while nobody has answered, and time decides for the resident."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from smartcity_saas.services.city_credit.appeals import decide_overdue
from smartcity_saas.services.city_credit.attention import appeals_attention
from smartcity_saas.services.city_credit.models import (
    AppealState,
    CreditAppealCount,
    CreditAppealPhoto,
)
from smartcity_saas.working_days import working_days_after
from tests.support.city_credit import ROOT, CreditCity
from tests.support.world import World

DESK = "/cities/hangzhou/city-credit"


def move_to(world: World, day: date) -> None:
    """Noon of a day in the city."""
    world.clock.now = datetime.combine(day, time(12), ZoneInfo("Asia/Shanghai"))


def test_an_entry_counts_as_the_resident_says_until_it_is_answered(credit: CreditCity) -> None:
    """Promise: while an appeal is open the entry helps; rejected, it adds what it did before."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    assert "0 + 0 + 0 = 0" in browser.get(f"{ROOT}/entries").text
    assert credit.appeal(browser).status_code == 303
    assert "10 + 0 + 0 = 10" in browser.get(f"{ROOT}/entries").text
    assert "15 working days left" in browser.get(f"{ROOT}/mine").text
    staff = credit.world.city_staff("hangzhou")
    page = f"{DESK}/appeals/{credit.one_appeal().id}"
    assert "I paid that bill on its day." in staff.get(page).text
    refused = staff.post(page, decision="rejected", answer="")
    assert refused.status_code == 422
    answered = staff.post(page, decision="rejected", answer="The bank has it a day later.")
    assert answered.status_code == 200
    assert "0 + 0 + 0 = 0" in browser.get(f"{ROOT}/entries").text
    assert "The bank has it a day later." in browser.get(f"{ROOT}/mine").text


def test_an_upheld_appeal_stays_upheld(credit: CreditCity) -> None:
    """Promise: decided for the resident, the entry adds all it can, and no second answer comes."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    staff = credit.world.city_staff("hangzhou")
    page = f"{DESK}/appeals/{credit.one_appeal().id}"
    assert staff.post(page, decision="upheld", answer="You are right.").status_code == 200
    assert "10 + 0 + 0 = 10" in browser.get(f"{ROOT}/entries").text
    assert staff.post(page, DESK, decision="rejected", answer="No.").status_code == 409


def test_what_nobody_answers_is_decided_for_the_resident(credit: CreditCity) -> None:
    """Promise: on the last day the city may still answer; on the next it is decided, to the day of
    the city's calendar, and an answer comes too late."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    last = credit.one_appeal().due_on
    move_to(credit.world, last)
    with credit.world.inside("hangzhou"):
        decide_overdue(credit.world.clock())
    assert credit.one_appeal().state is AppealState.OPEN
    move_to(credit.world, date.fromordinal(last.toordinal() + 1))
    staff = credit.world.city_staff("hangzhou")
    page = f"{DESK}/appeals/{credit.one_appeal().id}"
    assert staff.post(page, decision="rejected", answer="Too late.").status_code == 409
    assert credit.one_appeal().state is AppealState.OVERDUE
    assert "10 + 0 + 0 = 10" in credit.world.resident().get(f"{ROOT}/entries").text
    assert "because nobody answered in time" in staff.get(DESK).text
    with credit.world.inside("hangzhou"):
        told = [one.kind for one in appeals_attention(credit.world.clock())]
    assert told == ["city_credit.overdue"]
    log = staff.get("/cities/hangzhou/audit").text
    assert "Decided an overdue appeal for the resident" in log


def test_an_appeal_after_its_time_says_so(credit: CreditCity) -> None:
    """Promise: against an entry that has expired nobody types in vain: it is said before."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    page = browser.get(f"{ROOT}/entries").text
    path = next(
        one.split('"')[0] for one in page.split('href="') if one.startswith(f"{ROOT}/entries/")
    )
    credit.world.clock.move(days=400)
    later = credit.world.resident().get(path)
    assert later.status_code == 409
    assert "This entry has expired" in later.text


def test_an_appeal_can_be_taken_back(credit: CreditCity) -> None:
    """Promise: withdrawn, the entry counts as before, the desk has nothing to answer, and one can
    appeal anew."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    path = f"{ROOT}/appeals/{credit.one_appeal().id}/withdraw"
    assert browser.post(path, f"{ROOT}/mine").status_code == 303
    assert "0 + 0 + 0 = 0" in browser.get(f"{ROOT}/entries").text
    assert "No appeals are waiting" in credit.world.city_staff("hangzhou").get(DESK).text
    again = f"{ROOT}/entries/{credit.one_appeal().entry_id}/appeal"
    assert browser.post(again, reason="I did pay, see my bank.").status_code == 303
    assert credit.one_appeal().is_open


def test_withdrawing_does_not_set_the_clock_back(credit: CreditCity) -> None:
    """Promise: after a withdrawal there is one more appeal, with the working days that were left,
    and no third; what was withdrawn is no decision that is published."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    first = credit.one_appeal()
    clock = credit.world.clock
    move_to(credit.world, working_days_after(credit.today(), 10))
    browser = credit.world.resident()
    browser.post(f"{ROOT}/appeals/{first.id}/withdraw", f"{ROOT}/mine")
    clock.move(days=30)
    browser = credit.world.resident()
    again = f"{ROOT}/entries/{first.entry_id}/appeal"
    assert again in browser.get(f"{ROOT}/entries").text
    assert "within 5 working days" in browser.get(again).text
    assert browser.post(again, reason="I did pay, see my bank.").status_code == 303
    second = credit.one_appeal()
    assert second.due_on == working_days_after(credit.today(), 5)
    assert "you cannot appeal against this entry again" in browser.get(f"{ROOT}/mine").text
    browser.post(f"{ROOT}/appeals/{second.id}/withdraw", f"{ROOT}/mine")
    assert again not in browser.get(f"{ROOT}/entries").text
    third = browser.get(again)
    assert third.status_code == 409
    assert "There is no third" in third.text
    assert credit.rows(CreditAppealCount) == 0


def test_an_appeal_that_cannot_be_says_why(credit: CreditCity) -> None:
    """Promise: twice, against another's entry, or against one that adds all it can: said plainly,
    and nothing is kept."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    page = browser.get(f"{ROOT}/entries").text
    path = next(
        one.split('"')[0] for one in page.split('href="') if one.startswith(f"{ROOT}/entries/")
    )
    short = browser.post(path, reason="no")
    assert short.status_code == 422
    assert "10 to 1,000 characters" in short.text
    stranger = credit.member(subject="parents")
    assert stranger.get(path).status_code == 404
    assert browser.post(path, reason="I paid that bill on its day.").status_code == 303
    again = browser.get(path)
    assert again.status_code == 409, "before anything is typed"
    assert "already appealed" in again.text
    assert credit.rows(CreditAppealPhoto) == 0


def test_an_entry_that_adds_nothing_says_why(credit: CreditCity) -> None:
    """Promise: by what happened, in both languages, and with no day until which it would count."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    shown = browser.get(f"{ROOT}/entries").text
    assert "adds nothing: paid after it was due" in shown
    assert "counts until" not in shown
    credit.tell("good")
    assert "counts until" in browser.get(f"{ROOT}/entries").text
