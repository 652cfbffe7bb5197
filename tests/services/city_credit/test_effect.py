"""How many would rise or fall is told before other rules are stored, and never who."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smartcity_saas.configuration.document_files import read_files
from smartcity_saas.configuration.file_plan import plan
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.services.city_credit.effect import compare
from smartcity_saas.services.city_credit.standing import LevelRule
from smartcity_saas.tenancy.file_apply import apply_plan
from tests.support.browser import Browser
from tests.support.city_credit import OPEN, CreditCity, members
from tests.support.documents import HANGZHOU, ZHEJIANG

PAGE = "/cities/hangzhou/document"
HARDER = OPEN.replace("at_least: 20", "at_least: 25")
EASIER = OPEN.replace("at_least: 20", "at_least: 10")
SECRET = re.compile(r'name="told" value="([0-9a-f]{64})"')


def editor(credit: CreditCity) -> tuple[Browser, str]:
    """Staff who may save, and the revision that is live."""
    live = credit.world.documents().live("hangzhou")
    return credit.world.city_staff("hangzhou"), str(live.number)


def test_staff_read_how_many_fall_before_it_is_stored(credit: CreditCity) -> None:
    """Promise: nothing is stored before the counts were shown; pressed again, it is."""
    members(credit, *[2] * 6, *[0] * 3)
    staff, revision = editor(credit)
    sent = {"text": HANGZHOU + HARDER, "revision": revision, "message": "harder"}
    told = staff.post(PAGE, **sent)
    assert told.status_code == 409
    assert "fewer than 5 residents to a higher level, 6 residents to a lower one" in told.text
    assert 'type="password"' not in told.text, "nobody types a secret that there was not"
    assert str(credit.world.documents().live("hangzhou").number) == revision
    mark = SECRET.search(told.text)
    assert mark
    assert staff.post(PAGE, **sent, told=mark[1]).status_code == 302
    assert credit.world.documents().live("hangzhou").number == int(revision) + 1


def test_another_text_is_told_anew(credit: CreditCity) -> None:
    """Promise: what was told of one text allows no other."""
    members(credit, *[1] * 7)
    staff, revision = editor(credit)
    sent = {"revision": revision, "message": ""}
    mark = SECRET.search(staff.post(PAGE, text=HANGZHOU + HARDER, **sent).text)
    assert mark
    other = staff.post(PAGE, text=HANGZHOU + EASIER, **sent, told=mark[1])
    assert other.status_code == 409
    assert "7 residents to a higher level" in other.text


def test_small_counts_are_not_told(credit: CreditCity) -> None:
    """Promise: a count under 5 is told as that, so that nobody is found by trying rules."""
    members(credit, *[2] * 4)
    staff, revision = editor(credit)
    told = staff.post(PAGE, text=HANGZHOU + HARDER, revision=revision, message="").text
    assert told.count("fewer than 5 residents") == 2


def test_what_changes_no_rule_asks_nothing(credit: CreditCity) -> None:
    """Promise: another name, another notice, another repair is stored as ever."""
    members(credit, *[2] * 6)
    staff, revision = editor(credit)
    text = HANGZHOU + OPEN.replace("Pay the next bill on time", "Pay early")
    assert staff.post(PAGE, text=text, revision=revision, message="").status_code == 302


def test_restoring_old_rules_tells_it_too(credit: CreditCity) -> None:
    """Promise: undo and rollback store rules as the editor does, and say the same before."""
    members(credit, *[2] * 6)
    credit.world.save(HANGZHOU + HARDER)
    staff, revision = editor(credit)
    path = f"/cities/hangzhou/history/{revision}/undo"
    told = staff.post(path, f"/cities/hangzhou/history/{revision}", revision=revision)
    assert told.status_code == 409
    assert "6 residents to a higher level" in told.text
    mark = SECRET.search(told.text)
    assert mark
    page = f"/cities/hangzhou/history/{revision}"
    assert staff.post(path, page, revision=revision, told=mark[1]).status_code == 302


def test_a_baseline_is_told_for_its_cities(credit: CreditCity) -> None:
    """Promise: a province that writes the rules of its cities reads what they do in each."""
    members(credit, *[2] * 6)
    credit.world.save(ZHEJIANG + OPEN)
    credit.world.save(HANGZHOU)
    harder = Candidate(parse(ZHEJIANG + HARDER, "test"))
    found = {one.city: str(one.sentences[0]) for one in credit.world.documents().effects([harder])}
    assert found.keys() == {"hangzhou", "ningbo"}
    assert "6 residents to a lower one" in found["hangzhou"]
    assert "6" not in found["ningbo"], "each city by its own residents"


def test_a_plan_of_files_says_it(credit: CreditCity, tmp_path: Path) -> None:
    """Promise: ``smartcity plan`` and ``apply`` print it before anything is stored."""
    members(credit, *[2] * 6)
    folder = tmp_path / "tenants"
    folder.mkdir()
    for rules in (OPEN, HARDER):
        (folder / "hangzhou.yaml").write_text(HANGZHOU + rules)
        files, faults = read_files((folder,))
        assert not faults
        found = plan(credit.world.documents(), files)
        if rules == OPEN:
            assert found.effects == []
            apply_plan(credit.world.documents(), found, "")
    assert [one.city for one in found.effects] == ["hangzhou"]
    assert "6 residents to a lower one" in str(found.effects[0].sentences[0])


@pytest.mark.parametrize(
    ("was", "becomes", "before", "after", "step"),
    [
        ("good", "top", "start good top", "start good top", 1),
        ("good", "start", "start good top", "start good top", -1),
        ("good", "good", "start good", "start good top", 0),
        ("top", "top", "start good top", "start good great top", 0),
        ("good", "great", "start good top", "start good great top", 1),
        ("top", "great", "start good top", "start good great top", -1),
        ("old", "new", "start old", "begin middle new", 1),
    ],
)
def test_rising_is_told_by_the_order_of_levels(
    was: str, becomes: str, before: str, after: str, step: int
) -> None:
    """Promise: a level that comes between makes nobody rise who keeps theirs."""
    old, new = (
        [LevelRule(name, place) for place, name in enumerate(names.split())]
        for names in (before, after)
    )
    assert compare(was, becomes, old, new) == step
