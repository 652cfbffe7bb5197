"""The service's part of a document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smartcity_saas.errors import Invalid
from smartcity_saas.services.problem_reports.categories import Category, report_rules
from tests.support.documents import HANGZHOU
from tests.support.problem_reports import ROOT
from tests.support.world import World

DEPARTMENTS = "departments: [{department: roads, name: {zh: 路, en: Roads}}]"
PITS = "{category: pits, name: {zh: 坑, en: Pits}, department: roads, hours: 24%s}"


def document(*categories: str, departments: str = DEPARTMENTS, more: str = "") -> str:
    rows = "".join(f"        - {one}\n" for one in categories)
    return (
        f"{HANGZHOU}services:\n  problem_reports:\n    state: open\n    settings:\n"
        f"      {departments}\n      categories:\n{rows}{more}"
    )


@pytest.mark.parametrize(
    ("categories", "line", "said"),
    [
        (("{category: pits, name: {zh: 坑, en: Pits}, department: dragons, hours: 1}",), 16, "No such department"),
        ((PITS % ", working_days: 2",), 16, "Say either hours or working_days."),
        (("{category: pits, name: {zh: 坑, en: Pits}, department: roads}",), 16, "Say either hours"),
        ((PITS % "", PITS % ""), 17, "This stands here twice."),
        ((PITS % ", part_of: pits",), 16, "No such category"),
        ((PITS % ", part_of: dragons",), 16, "No such category"),
        (
            (
                "{category: top, name: {zh: 上, en: Top}, hours: 5}",
                PITS % ", part_of: top",
            ),
            16,
            "Others are part of this category.",
        ),
        (
            (
                "{category: top, name: {zh: 上, en: Top}}",
                "{category: mid, name: {zh: 中, en: Mid}, part_of: top}",
                PITS % ", part_of: mid",
            ),
            18,
            "The tree has two levels.",
        ),
    ],
)  # fmt: skip
def test_a_tree_that_cannot_be_is_refused_at_its_line(
    world: World, categories: tuple[str, ...], line: int, said: str
) -> None:
    """Promise: a category without a department, a time limit or a place in the tree is refused, at its
    line, with what there is."""
    with pytest.raises(Invalid) as raised:
        world.save(document(*categories))
    found = [(one.line, str(one.message)) for one in raised.value.problems]
    assert any(at == line and said in words for at, words in found), found


def test_a_tree_is_shown_by_its_groups(world: World) -> None:
    """Promise: what others are part of is a heading and cannot be chosen; its parts can."""
    world.save(
        document(
            "{category: top, name: {zh: 道路, en: Streets}}",
            PITS % ", part_of: top",
            "{category: ice, name: {zh: 冰, en: Ice}, department: roads, working_days: 2}",
        )
    )
    rules = report_rules(world.city("hangzhou"))
    assert list(rules.categories) == ["pits", "ice"]
    assert [len(one.categories) for one in rules.grouped()] == [1, 1]
    page = world.client("hangzhou.localhost").get(ROOT).text
    assert "Streets" in page
    assert 'value="top"' not in page
    assert "within 2 working days" in page


@pytest.mark.parametrize(
    ("limit", "due"),
    [
        ({"hours": 24, "working_days": None}, datetime(2026, 11, 28, 8, tzinfo=UTC)),
        # Friday in Shanghai: one working day ends on Monday, the 30th, at midnight there
        ({"hours": None, "working_days": 1}, datetime(2026, 11, 30, 15, 59, tzinfo=UTC)),
    ],
)
def test_limits_are_hours_or_working_days(limit: dict[str, Any], due: datetime) -> None:
    """Promise: hours run at night and on holidays too; a working day ends at midnight of the city."""
    now = datetime(2026, 11, 27, 8, tzinfo=UTC)
    category = Category("x", {"zh": "x", "en": "x"}, "dots", "roads", 2, **limit)
    assert category.due_at(now, "Asia/Shanghai") == due
    assert category.assign_by(now) == now + timedelta(hours=2)
