"""Whoever takes away a form that residents are in the middle of reads it before it is stored."""

from __future__ import annotations

import re

import pytest

from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from tests.support.applications import NAME, PERMIT, begin, define, sent
from tests.support.documents import HANGZHOU, ZHEJIANG
from tests.support.world import World

MARK = re.compile(r'name="told" value="([0-9a-f]{64})"')


@pytest.mark.parametrize("drafts", [False, True])
def test_undoing_a_form_tells_of_its_applications(world: World, drafts: bool) -> None:
    """Promise: undoing the version that brought a form shows what it means for those who are in the middle
    of it, stores nothing, and is done when it is pressed again; what was sent lives on."""
    define(world)
    resident = world.resident()
    number = begin(resident) if drafts else sent(resident)
    staff = world.city_staff()
    revision = str(world.documents().live("hangzhou").number)
    page = f"/cities/hangzhou/history/{revision}"
    told = staff.post(f"{page}/undo", page, revision=revision)
    assert told.status_code == 409
    assert "Residence permit renewal" in told.text
    assert "not decided yet: fewer than 5." in told.text
    assert str(world.documents().live("hangzhou").number) == revision
    mark = MARK.search(told.text)
    assert mark
    assert staff.post(f"{page}/undo", page, revision=revision, told=mark[1]).status_code == 302
    assert NAME not in world.city("hangzhou").catalog
    assert resident.get(f"/applications/{number}").status_code in (200, 302)


def test_a_form_that_nobody_is_in_the_middle_of_goes_at_once(world: World) -> None:
    """Promise: taking away a form without applications, and closing or changing one that has some, asks
    nothing; a text that does not load is told its faults."""
    define(world)
    staff = world.city_staff()
    revision = str(world.documents().live("hangzhou").number)
    page = "/cities/hangzhou/document"
    assert staff.post(page, text=HANGZHOU, revision=revision, message="").status_code == 302
    define(world)
    sent(world.resident())
    for change in (("state: open", "state: closed"), ("Once a year", "Each year")):
        revision = str(world.documents().live("hangzhou").number)
        text = f"{HANGZHOU}services:\n{PERMIT.replace('FEE', '0').replace(*change)}"
        assert staff.post(page, text=text, revision=revision, message="").status_code == 302
    revision = str(world.documents().live("hangzhou").number)
    wrong = staff.post(page, text=HANGZHOU + "hotline: []\n", revision=revision, message="")
    assert wrong.status_code == 422


def test_a_province_reads_it_of_each_city(world: World) -> None:
    """Promise: a baseline without a form says it of the cities where somebody is in the middle of it, by
    each city's own applications, and exactly from five on."""
    world.save(f"{ZHEJIANG}services:\n{PERMIT.replace('FEE', '0')}")
    for subject in ("household", "parents"):
        for _one in range(3):
            sent(world.resident(subject=subject))
    found = world.documents().effects([Candidate(parse(ZHEJIANG, "test"))])
    assert [one.city for one in found] == ["hangzhou"]
    assert "not decided yet: 6." in str(found[0].sentences[0])
    begin(world.resident("ningbo"))
    found = world.documents().effects([Candidate(parse(ZHEJIANG, "test"))])
    assert {one.city: "fewer than 5" in str(one.sentences[0]) for one in found} == {
        "hangzhou": False,
        "ningbo": True,
    }
