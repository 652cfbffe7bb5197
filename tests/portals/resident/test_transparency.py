"""The transparency page: read by anybody, in words that no city can change."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smartcity_saas.measures import Measure, count, count_offered, count_rating
from smartcity_saas.web.durations import duration, percent
from tests.support.documents import HANGZHOU
from tests.support.world import World

BILLS = "utility_bills"


def past(world: World, days: int, each: int = 40, slug: str = "hangzhou") -> None:
    """Bills paid on the last days: as many each day, a few of them late, all rated."""
    start = world.clock.now
    for back in range(1, days + 1):
        at = start - timedelta(days=back)
        world.clock.now = at
        with world.inside(slug):
            count_offered(at)
            count(BILLS, Measure.DONE, at, value=each)
            count(BILLS, Measure.LATE, at, value=each // 10)
            count(BILLS, Measure.WAIT, at, detail="5", value=each)
            count(BILLS, Measure.FAILED, at, value=each // 20)
            count_rating(BILLS, 5 if back % 4 else 1, at)
    world.clock.now = start


def read(world: World, path: str = "/transparency", language: str = "en") -> str:
    answer = world.client("hangzhou.localhost", language).get(path)
    assert answer.status_code == 200
    return answer.text


def test_a_stranger_reads_how_each_service_did(world: World) -> None:
    """Promise: done, in time, usual wait, satisfaction with its answers, what is not solved, outages and
    days with data, in both languages, with a sentence; without signing in."""
    past(world, 40)
    text = read(world)
    assert 'href="/transparency"' in read(world, "/")
    for expected in (
        "1,200 payments",
        "90%",
        "from pressing “pay” to the money’s arrival",
        "77%",
        "about 80 answers",
        ">5%<",
        "60 in all",
        "30 / 30",
        "Nothing stands out.",
        "no data of last year",
        "The same in every city",
    ):
        assert expected in text.replace("&#34;", '"'), expected
    chinese = read(world, language="zh")
    for expected in (
        "1,200 笔缴费",
        "按时办好",
        "去年没有数据",
        "从付款到入账",
        "没有特别的变化。",
    ):
        assert expected in chinese, expected
    assert "1,600" in read(world, "/transparency/3-months")
    assert "1,600" in read(world, "/transparency/12-months")


def test_what_is_missing_is_drawn_as_missing(world: World) -> None:
    """Promise: no data is said and hatched, never a zero or an empty bar; few answers give no share."""
    past(world, 20)
    text = read(world)
    assert "Too little was done to tell shares." in text, "offered, and nobody came"
    assert "fewer than 30 answers; told from 30 on" in text
    assert "Too few to show" in text
    assert "url(#gap)" in text
    assert "since" in text
    ningbo = world.client("ningbo.localhost", "en").get("/transparency").text
    assert "No data" in ningbo
    assert "Nothing was recorded on these days" in ningbo
    assert "%" not in ningbo.partition("<main")[2].partition("Get the data")[0]


def test_the_page_of_a_stranger_is_kept_and_asked_for_again(world: World) -> None:
    """Promise: the anonymous page is cached with an ETag, one for each language and city."""
    past(world, 30)
    browser = world.client("hangzhou.localhost")
    first = browser.get("/transparency")
    assert first.headers["Cache-Control"] == "no-cache"
    again = browser.get("/transparency", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert world.client("ningbo.localhost").get("/transparency").text != first.text
    assert world.client("hangzhou.localhost", "zh").get("/transparency").text != first.text


def test_no_city_can_change_or_hide_it(world: World) -> None:
    """Promise: nothing of a document renames a number or takes the page away: closed data, a paused
    service, a suspended site; a document that tries is refused."""
    past(world, 30)
    before = read(world)
    world.save(
        HANGZHOU
        + "services: {utility_bills: {state: paused, notice: {zh: 停, en: Off}}}\n"
        + "open_data: {datasets: {performance: closed}}\n"
    )
    after = read(world)
    for expected in ("1,200 payments", "Done in time", "90%"):
        assert expected in before
        assert expected in after
    assert "/data/performance.csv" in before
    assert "/data/performance" not in after
    world.save(HANGZHOU.replace("state: live", "state: suspended"))
    assert "1,200 payments" in read(world)
    with pytest.raises(Exception, match="errors"):
        world.save(HANGZHOU + "transparency: {title: {zh: 很好, en: Great}}\n")


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0, "1 s"),
        (4.4, "4 s"),
        (89, "89 s"),
        (700, "12 min"),
        (3600 * 36, "36 hours"),
        (86400 * 2, "2 days"),
        (86400 * 7.6, "8 days"),
    ],
    ids=str,
)
def test_lengths_of_time_are_in_the_unit_people_use(
    world: World, seconds: float, words: str
) -> None:
    """Promise: seconds, minutes, hours or days, never a mixture."""
    with world.app.test_request_context(
        base_url="http://hangzhou.localhost", headers={"Accept-Language": "en"}
    ):
        assert duration(seconds) == words


@pytest.mark.parametrize(
    "share, words",
    [
        (0, "0%"),
        (1, "100%"),
        (0.9999, ">99.9%"),
        (0.996, "99.6%"),
        (0.956, "96%"),
        (0.0001, "<0.1%"),
        (0.004, "0.4%"),
    ],
    ids=str,
)
def test_nearly_all_is_not_told_as_all(share: float, words: str) -> None:
    """Promise: only all is 100 % and only none is 0 %."""
    assert percent(share) == words
