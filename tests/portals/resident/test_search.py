"""Search on a city's site."""

from __future__ import annotations

import re

import pytest

from smartcity_saas.audit import system
from smartcity_saas.tenancy.announcements import publish
from tests.support.applications import PERMIT, begin, define, sent
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.problem_reports import LAMP
from tests.support.problem_reports import ROOT as REPORTS
from tests.support.world import World

REPORTED = "  problem_reports: {state: open}\n"
OWN_CATEGORIES = """\
    settings:
      departments: [{department: bikes, name: {zh: 单车办, en: Bikes}}]
      categories:
        - {category: bikes, name: {zh: 共享单车, en: Bike share}, department: bikes, hours: 24,
           keywords: [乱停放]}
"""


@pytest.mark.parametrize("query", ["水费", "shuifei", "sf", "water", "Utility", "账单", "煤气"])
def test_search_finds_by_chinese_pinyin_and_english(world: World, query: str) -> None:
    """A resident types it the way they know it."""
    assert (
        "/services/utility-bills"
        in world.client("hangzhou.localhost").get(f"/search?q={query}").text
    )


def test_search_that_finds_nothing_says_what_to_do(world: World) -> None:
    """An empty result names the hotline and keeps what was typed, harmlessly."""
    page = world.client("hangzhou.localhost").get("/search?q=<script>x").text
    assert "Nothing found" in page
    assert "12345" in page
    assert "<script>x" not in page


STATE = ("services", "utility_bills", "state")
SEARCHES = {
    "交电费": "utility-bills",
    "我要交水费": "utility-bills",
    "electric bill": "utility-bills",
    "how do I pay the water bill": "utility-bills",
    "watre": "utility-bills",
    "停水": "utility-bills",
    "hospitl": "hospital-appointments",
    "醫院": "hospital-appointments",
    "孩子发烧": "hospital-appointments",
    "ｆｅｖｅｒ": "hospital-appointments",
    "看医生": "hospital-appointments",
    "交罚款": "traffic-tickets",
    "speeding": "traffic-tickets",
    "发票": "/me/payments",
    "receipt": "/me/payments",
    "注销": "/me/data",
    "换手机号": "/me/ways-in",
    "大字": "/accessibility",
    "停电": "tel:95598",
    "护照": "tel:12367",
    "社保": "tel:12333",
    "passport": "tel:12367",
    "结婚登记": "tel:12345",
    "打疫苗": "tel:12320",
    "老年卡": "tel:12345",
    "牙疼": "hospital-appointments",
    "dentist": "hospital-appointments",
    "候补": "hospital-appointments",
    "家人": "hospital-appointments/patients",
    "用水量": "utility-bills",
    "公告": "/announcements",
}


@pytest.mark.parametrize("typed, leads_to", SEARCHES.items())
def test_search_knows_what_people_say(world: World, typed: str, leads_to: str) -> None:
    """Promise: verbs, everyday words, traditional and full-width forms, a slip, one's own pages,
    and what is done elsewhere: each is answered with where to go."""
    page = world.client("hangzhou.localhost").get("/search", query_string={"q": typed}).text
    main = page[page.index("<main") : page.index("</main>")]
    assert re.search(rf'href="[^"]*{re.escape(leads_to)}', main), main


def test_search_finds_notices(world: World) -> None:
    """Promise: a notice is found by its title or its body, and at its own city alone."""
    with world.inside("hangzhou"):
        publish(
            system("test"),
            {"zh": "城西管网检修", "en": "Works in the west"},
            {"zh": "周三夜里古荡一带水压会低。", "en": "Low pressure in Gudang on Wednesday."},
            {"zh": "供水公司", "en": "Water company"},
            world.clock(),
        )
    here, there = world.client("hangzhou.localhost"), world.client("ningbo.localhost")
    for typed in ("管网", "古荡 水压", "gudang", "works"):
        assert "Works in the west" in here.get(f"/search?q={typed}").text, typed
        assert "Works in the west" not in there.get(f"/search?q={typed}").text


def test_search_says_that_a_service_is_closed_here(world: World) -> None:
    """Promise: who looks for a closed service is told so, with the number to call."""
    number = world.documents().live("hangzhou").number
    world.documents().change("hangzhou", number, "", {STATE: "closed"})
    world.app.registry.refresh()
    page = world.client("hangzhou.localhost").get("/search?q=水费").text
    assert "Utility bills is not open in Hangzhou at the moment" in page
    assert 'href="tel:12345"' in page


def test_what_a_city_does_itself_is_done_nowhere_else(world: World) -> None:
    """Promise: where a service of the city's own answers, nobody is sent to another authority for it; in
    a city without it they are."""
    define(world)
    for query in ("居住证", "juzhuzheng", "residence permit"):
        here = world.client("hangzhou.localhost").get(f"/search?q={query}").text
        assert "/services/residence-permit-renewal" in here, query
        assert "Not on this site" not in here, query
        there = world.client("ningbo.localhost").get(f"/search?q={query}").text
        assert "Not on this site" in there, query


@pytest.fixture
def numbered(world: World) -> dict[str, str]:
    """A city where a resident has applied for something and reported something: numbers with the pages
    that they lead to."""
    for city in ("hangzhou", "ningbo"):
        define(world, city, entry=REPORTED + PERMIT)
    browser = world.resident()
    finished, draft = sent(browser), begin(browser)
    browser.post(f"/applications/{finished}/withdraw", f"/applications/{finished}/withdraw")
    report = str(browser.post(REPORTS, **LAMP).headers["Location"]).partition("?")[0]
    return {
        finished: f"/applications/{finished}",
        draft: f"/applications/{draft}",
        report.rpartition("/")[2]: report,
    }


def test_a_number_leads_to_ones_own(world: World, numbered: dict[str, str]) -> None:
    """Promise: the number of an application, whatever became of it, and of a report leads whoever made it
    there, typed with small letters, other dashes, spaces or words around it."""
    browser = world.resident()
    for number, path in numbered.items():
        dashed, wide = number.replace("-", " \u2014 "), number.replace("-", "\uff0d")
        for typed in (number, number.lower(), f"编号 {number}。", dashed, wide):
            page = browser.get("/search", query_string={"q": typed}).text
            yours = page.partition("<h2>Yours</h2>")[2].partition("</ul>")[0]
            assert re.findall(r'class="row" href="([^"]+)"', yours) == [path], typed
            assert "Not on this site" not in page, "HZ are the initials of 护照 too"


@pytest.mark.parametrize("who", ["stranger", "parents", "ningbo"])
def test_a_number_leads_nobody_else_anywhere(
    world: World, numbered: dict[str, str], who: str
) -> None:
    """Promise: to a stranger, another resident and in another city a number answers as one that there is
    not does."""
    browser = {
        "stranger": lambda: world.client("hangzhou.localhost"),
        "parents": lambda: world.resident(subject="parents"),
        "ningbo": lambda: world.resident("ningbo"),
    }[who]()
    for number, path in numbered.items():
        page = browser.get(f"/search?q={number}").text
        assert path not in page
        none = number[:-1] + str((int(number[-1]) + 1) % 10)
        other = browser.get(f"/search?q={none}").text
        assert re.sub(none, number, other) == page


@pytest.mark.parametrize("typed", ["坑洞", "路坏了", "广场舞", "pothole"])
def test_search_finds_what_can_be_reported(world: World, typed: str) -> None:
    """Promise: the words for what a city's own categories name lead to reporting it."""
    world.save(f"{HANGZHOU}services: {{problem_reports: {{state: open}}}}\n")
    page = world.client("hangzhou.localhost").get(f"/search?q={typed}").text
    assert 'href="/services/problem-reports"' in page


def test_words_of_a_citys_own_categories_are_its_own(world: World) -> None:
    """Promise: a city that names a category finds it by that name and its keywords; another city does
    not."""
    for city, categories in ((HANGZHOU, OWN_CATEGORIES), (NINGBO, "")):
        world.save(f"{city}services:\n  problem_reports:\n    state: open\n{categories}")
    for typed in ("共享单车", "乱停放", "bike share"):
        found = world.client("hangzhou.localhost").get(f"/search?q={typed}").text
        assert 'href="/services/problem-reports"' in found, typed
        found = world.client("ningbo.localhost").get(f"/search?q={typed}").text
        assert 'href="/services/problem-reports"' not in found, typed
