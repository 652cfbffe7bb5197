"""Reports among a resident's own data: shown, merged with another account, left behind without them."""

from __future__ import annotations

from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.identity.residents.merging import merge
from smartcity_saas.services.problem_reports import following, lifecycle, reporting
from smartcity_saas.services.problem_reports.models import (
    ProblemFollow,
    ProblemReportNote,
    ProblemReportPhoto,
    ProblemReportStep,
)
from tests.support.problem_reports import ROOT, Reports, photograph


def test_my_data_holds_what_i_reported(reports: Reports) -> None:
    """Promise: number, place and words stand in my data, and of others' nothing."""
    mine, other = reports.world.resident(), reports.world.resident(subject="parents")
    number = reports.report(mine, photos=[photograph()])
    theirs = reports.report(other, words="Somebody else's words")
    page = mine.get("/me/data").text
    assert number in page
    assert "Dark for three days." in page
    assert "Somebody else's words" not in page
    assert theirs not in page


def test_the_public_report_stays_without_whoever_left(reports: Reports) -> None:
    """Promise: when a resident leaves, words, photographs and what they follow go; the report and what was
    done stay, nobody's, and the desk goes on."""
    mine, other = reports.world.resident(), reports.world.resident(subject="parents")
    number = reports.report(mine, photos=[photograph()])
    theirs = reports.report(other)
    page = f"{ROOT}/{theirs}"
    assert mine.post(f"{page}/follow", page).status_code == 303
    reports.act(lifecycle.assign, number, "roads")
    left = mine.post("/me/data/delete", word="delete")
    assert "Your account is deleted" in left.text
    row = reports.row(number)
    assert (row.resident_id, row.told, row.place) == (None, False, "示例路口")
    assert (reports.rows(ProblemReportNote), reports.rows(ProblemReportPhoto)) == (1, 0)
    assert reports.rows(ProblemFollow) == 0
    assert reports.rows(ProblemReportStep) == 3
    assert reports.stranger().get(f"{ROOT}/{number}").status_code == 200
    reports.act(lifecycle.solve, number, "Done.", ())
    reports.world.work()
    assert reports.row(theirs).resident_id is not None


def test_reports_move_with_an_account(reports: Reports) -> None:
    """Promise: of two accounts that are merged one has the reports of both, and follows each once."""
    mine, other = reports.world.resident(), reports.world.resident(subject="parents")
    first, second = reports.report(mine), reports.report(other)
    third = reports.report(reports.stranger())
    now = reports.world.clock()
    with reports.world.inside("hangzhou"):
        keeps, goes = (sample_resident(one, now) for one in ("household", "parents"))
        for person in (keeps, goes):
            following.follow(person, reporting.by_number(third).id, now)
        merge(keeps, goes.id, now)
        assert {one.number for one in reporting.reports_of(keeps)} == {first, second}
        assert [one.number for one in following.followed_by(keeps)] == [third]
        assert len(db.session.scalars(select(ProblemFollow)).all()) == 1
