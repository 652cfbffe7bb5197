"""Public figures: what anybody reads, and what nobody can work out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from smartcity_saas.database import db, transaction
from smartcity_saas.services.city_credit.figures import (
    count_decision,
    median,
    present_figures,
    write_figures,
)
from smartcity_saas.services.city_credit.models import (
    AppealState,
    CreditAppeal,
    CreditAppealCount,
    CreditFigures,
)
from tests.support.city_credit import ROOT, CreditCity, members


def counted(credit: CreditCity) -> Any:
    """The figures of the city's day."""
    with credit.world.inside(credit.slug):
        write_figures(credit.world.clock())
        return present_figures()


def decide(credit: CreditCity, outcome: AppealState, days: int, times: int = 1) -> None:
    """Count appeals that were decided after so many calendar days, today."""
    now = credit.world.clock()
    with credit.world.inside(credit.slug), transaction():
        for _time in range(times):
            count_decision(CreditAppeal(state=outcome, created_at=now - timedelta(days=days)), now)


def cells(figures: Any) -> dict[str, int | None]:
    """Residents by the English name of the level."""
    return {name["en"]: residents for name, residents in figures.levels}


def test_anybody_reads_residents_per_level(credit: CreditCity) -> None:
    """Promise: a stranger reads how many stand at each level, counted once a day, in both
    languages, and members read it too."""
    members(credit, *[0] * 7, *[2] * 6, *[3] * 5)
    assert cells(counted(credit)) == {"Starting": 7, "Good": 11, "Excellent": 0}
    page = credit.world.client("hangzhou.localhost", "en").get(ROOT).text
    assert "Residents per level" in page
    assert "Together" in page
    assert '<td class="num">11</td>' in page
    assert "No appeal was decided" in page
    chinese = credit.world.client("hangzhou.localhost", "zh").get(f"{ROOT}/rules").text
    assert "各等级人数" in chinese


def test_a_small_count_is_left_out_and_cannot_be_worked_out(credit: CreditCity) -> None:
    """Promise: a count under 5 is left out, and with it another and the sum."""
    members(credit, *[0] * 7, *[2] * 4)
    found = counted(credit)
    assert cells(found)["Good"] is None
    assert cells(found)["Starting"] is None, "7 and the sum would give it away"
    assert found.members is None
    page = credit.world.client("hangzhou.localhost", "en").get(ROOT).text
    assert page.count("left out</span>") == 2
    assert ">4<" not in page


def test_figures_are_of_the_day_and_written_once(credit: CreditCity) -> None:
    """Promise: an anonymous page counts nothing: what was counted stands until the next day."""
    members(credit, *[0] * 6)
    counted(credit)
    members(credit, *[0] * 6)
    assert counted(credit).members == 6
    credit.world.clock.move(days=1)
    assert counted(credit).members == 12
    assert credit.rows(CreditFigures) == 1


def test_who_left_and_other_cities_are_not_counted(credit: CreditCity) -> None:
    """Promise: only who takes part, in this city."""
    members(credit, *[0] * 6)
    members(CreditCity(credit.world, "ningbo"), *[0] * 9)
    browser = credit.member()
    browser.post(f"{ROOT}/leave")
    assert counted(credit).members == 6


def test_a_city_without_members_counts_nothing(credit: CreditCity) -> None:
    """Promise: nothing is made of nobody, and the page says that nothing has been counted."""
    assert counted(credit) is None
    page = credit.world.client("hangzhou.localhost", "en").get(ROOT).text
    assert "Nothing has been counted yet" in page


def test_appeals_are_told_from_five_answers_on(credit: CreditCity) -> None:
    """Promise: median time in working days and the share for the resident need five answers; what
    nobody answered in time counts as for the resident, what was withdrawn as no answer."""
    members(credit, *[0] * 5)
    decide(credit, AppealState.REJECTED, 7, 3)
    decide(credit, AppealState.UPHELD, 14)
    decide(credit, AppealState.WITHDRAWN, 0, 4)
    few = counted(credit)
    assert (few.appeals, few.median_days, few.upheld) == (None, None, None)
    credit.world.clock.move(days=1)
    decide(credit, AppealState.OVERDUE, 21)
    found = counted(credit)
    assert found.appeals == 5
    assert found.upheld == pytest.approx(2 / 5)
    assert found.median_days == 5
    page = credit.world.client("hangzhou.localhost", "en").get(f"{ROOT}/rules").text
    assert "Half were answered within 5 working days; 40% were for the resident." in page


def test_appeals_of_more_than_a_year_ago_are_gone(credit: CreditCity) -> None:
    """Promise: twelve months, and the counts of earlier ones are erased."""
    members(credit, *[0] * 5)
    decide(credit, AppealState.UPHELD, 7, 6)
    assert counted(credit).appeals == 6
    credit.world.clock.move(days=370)
    assert counted(credit).appeals == 0
    assert credit.rows(CreditAppealCount) == 0


def test_a_decision_is_counted_without_what_it_was_about(credit: CreditCity) -> None:
    """Promise: the public count stays when the resident leaves, and leads to nobody."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    page = f"/cities/hangzhou/city-credit/appeals/{credit.one_appeal().id}"
    credit.world.city_staff("hangzhou").post(page, decision="upheld", answer="You are right.")
    browser.post(f"{ROOT}/leave")
    with credit.world.inside("hangzhou"):
        row = db.session.scalars(select(CreditAppealCount)).one()
        assert (row.outcome, row.number, row.month.day) == (AppealState.UPHELD, 1, 1)
    assert "resident_id" not in CreditAppealCount.__table__.columns


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_the_median_is_the_middle(days: list[int]) -> None:
    """Promise: counts by value give the median that the values would."""
    ordered, half = sorted(days), len(days) // 2
    middle = ordered[half] if len(days) % 2 else (ordered[half - 1] + ordered[half]) / 2
    assert median((day, days.count(day)) for day in set(days)) == middle
    assert median([]) is None
