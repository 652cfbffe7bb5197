"""The scorecard as a stranger reads it on a phone, in both languages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.walk import Walk

pytestmark = pytest.mark.browser


def test_a_stranger_reads_the_scorecard_and_compares_cities(walk: Walk) -> None:
    """A range with its why, the other edition, what was entered, and all cities on one scale."""
    walk.go("hangzhou", "/")
    walk.page.locator("footer a[href='/scorecard']").click()
    walk.sees("不是官方评价结果", "not an official evaluation")
    walk.sees("总分在这之间", "The total lies between")
    walk.check()
    walk.page.locator("a[href='/scorecard/changes?edition=2016']").click()
    walk.sees("政务服务年报（示例）", "政务服务年报（示例）")
    walk.check()
    walk.go("hangzhou", "/scorecard")
    walk.page.locator("a[href='/scorecard?edition=2022']").click()
    walk.sees("另外 62 个分项没列出", "62 items are not listed")
    walk.check()
    walk.go("", "/scorecard")
    walk.sees("分不出先后", "neither city is ahead")
    walk.check()


def test_staff_enter_a_figure_that_everyone_reads(walk: Walk) -> None:
    """From the console's list to the form, its faults, and the city's site."""
    walk.as_staff("hangzhou")
    walk.page.wait_for_url("**/cities/hangzhou/overview")
    walk.go("console", "/cities/hangzhou/scorecard")
    walk.check()
    walk.page.locator("main td a[href*='/items/L1P1-A1']").click()
    walk.page.fill("#value", "120")
    walk.press("保存", "Save")
    walk.sees("太大，最多", "too large")
    walk.errors.clear()  # the browser notes a 422 itself
    walk.check()
    walk.page.fill("#value", "61.25")
    source = f"示例公报第 9 页 {walk.say('zh', 'en')}"
    walk.page.fill("#source", source)
    walk.page.fill("#as_of", str(date.today() - timedelta(days=20)))
    walk.press("保存", "Save")
    walk.sees(source, source)
    walk.check()
    walk.go("hangzhou", "/scorecard")
    walk.sees(source, source)
