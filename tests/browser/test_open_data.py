"""Transparency and open data on a phone, as a stranger reads them, in both languages."""

from __future__ import annotations

import pytest

from tests.support.walk import Walk

pytestmark = pytest.mark.browser


def test_a_stranger_reads_how_the_city_is_doing(walk: Walk) -> None:
    """From the foot of the first page to the numbers of a year and how each is made."""
    walk.go("hangzhou")
    walk.press("办得怎么样", "How we are doing")
    walk.sees("全市", "The whole city")
    walk.sees("按时办好", "Done in time")
    walk.sees("人答", "answers")
    walk.check()
    walk.press("12 个月", "12 months")
    walk.page.wait_for_url("**/transparency/12-months")
    walk.sees("笔缴费", "payments")
    walk.page.locator("#how summary").click()
    walk.sees("不到 5 的数不公布", "A count under 5 is not told")
    walk.check()


def test_a_stranger_takes_data(walk: Walk) -> None:
    """From the numbers to a dataset, its columns and its file."""
    walk.go("hangzhou", "/transparency")
    walk.press("别的日子", "Other days")
    walk.page.wait_for_url("**/data/performance")
    walk.sees("每一列是什么", "What each column means")
    walk.check()
    with walk.page.expect_download() as started:
        walk.page.locator("a[href='/data/performance.csv']").click()
    assert started.value.suggested_filename == "hangzhou-performance.csv"
    walk.page.fill("#from", "2026-01-01")
    walk.page.fill("#to", "2026-01-31")
    walk.press("看这些天", "Show these days")
    walk.page.wait_for_url("**/data/performance?from=2026-01-01&to=2026-01-31")
    walk.check()
    walk.go("hangzhou", "/data")
    walk.sees("门诊余号", "Free clinic appointments")
    walk.check()
