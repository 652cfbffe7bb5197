"""A province adds a form for all its cities: read what it means first, then added, taken back."""

from __future__ import annotations

import re

import pytest
from lxml import html

from smartcity_saas.configuration.yaml_edit import insert
from smartcity_saas.forms.names import FieldKind
from tests.support.browser import Browser
from tests.support.documents import NINGBO, PLATFORM, ZHEJIANG
from tests.support.forms import LETTER, SAMPLES, with_services
from tests.support.world import World

NEW = "/provinces/zhejiang/new-service"
PATH = "/services/walking-permit"
OWN = LETTER.replace("Walking permit", "Walking in Ningbo")


def preview(staff: Browser, text: str, where: str = NEW) -> str:
    """The page of a definition that is looked at."""
    answer = staff.post(f"{where}/yaml", f"{where}/yaml", text=text, revision="1", preview="1")
    assert answer.status_code == 200
    return str(answer.text)


def reached(page: str) -> dict[str, str]:
    """What the page says of cities: names by what becomes of the service there."""
    found = html.document_fromstring(page).xpath("//div[@id='looks']/div[@class='card']/h3")
    return {one.text_content().strip(): one.getnext().text_content().strip() for one in found}


def mark(page: str) -> str:
    """What the page sends to say that it was read."""
    found = re.search(r'name="read" value="([0-9a-f]+)" form="definition"', page)
    assert found
    return found[1]


def test_a_province_adds_a_form_for_its_cities(world: World) -> None:
    """Promise: nothing is stored before it was read which cities get it; then every city of the province
    has it and none of another, and one press takes it back."""
    staff = world.province_admin()
    sample = next(one for one in SAMPLES if one.stem == "tree_pruning_request").read_text("utf-8")
    assert "Dog licence" in staff.get(NEW).text
    assert reached(staff.get(f"{NEW}/yaml?sample=tree_pruning_request").text) == {
        "Open for residents at once": "Hangzhou, Ningbo"
    }
    unread = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=sample, revision="1")
    assert unread.status_code == 409
    assert "Nothing has been saved yet" in unread.text
    assert world.documents().live("province:zhejiang").number == 1
    added = staff.post(
        f"{NEW}/yaml", f"{NEW}/yaml", text=sample, revision="1", read=mark(unread.text)
    )
    assert added.headers["Location"].endswith(
        "/provinces/zhejiang/history?done=2&added=tree_pruning_request"
    ), added.text
    assert "# A sample" in world.documents().live_revision("province:zhejiang").text
    world.app.registry.refresh()
    for city, status in (("hangzhou", 200), ("ningbo", 200), ("shanghai", 404)):
        page = world.client(f"{city}.localhost").get("/services/tree-pruning-request")
        assert page.status_code == status, city
    history = staff.get(added.headers["Location"]).text
    assert "/history/2/undo" in history
    part = "/provinces/zhejiang/document#services.tree_pruning_request"
    assert f'href="{part}"' in history
    assert "Service added" in history
    ways = staff.get(NEW).text
    assert ways.count("Already in use") == 1
    assert f'href="{part}"' in ways
    undone = staff.post("/provinces/zhejiang/history/2/undo", "/account", revision="2")
    assert undone.status_code == 302, undone.text
    world.app.registry.refresh()
    gone = world.client("ningbo.localhost").get("/services/tree-pruning-request")
    assert gone.status_code == 404


def test_what_it_means_is_told_of_each_city(world: World) -> None:
    """Promise: closed, locked, in a city that is not live, in a city with one of that name: each is
    said, as the city's document and the province's locks make it."""
    world.save(with_services(NINGBO, OWN))
    staff = world.province_admin()
    own = "Has one of this name already: what the city says of it stays, yours fills the rest"
    assert reached(preview(staff, LETTER)) == {
        "Open for residents at once": "Hangzhou",
        own: "Ningbo",
    }
    closed = preview(staff, LETTER.replace("state: open", "state: closed"))
    assert reached(closed) == {"Closed until the city opens it": "Hangzhou", own: "Ningbo"}
    world.documents().change("hangzhou", 1, "", {("state",): "suspended"})
    assert reached(preview(staff, LETTER)) == {
        "Open once the city is live": "Hangzhou",
        own: "Ningbo",
    }
    world.save(ZHEJIANG + "locked: [services]\n")
    assert reached(preview(staff, LETTER.replace("state: open", "state: closed"))) == {
        "Closed, and locked: a city cannot open it": "Hangzhou",
        "Has one of this name already: locked, yours takes its place": "Ningbo",
    }


def test_what_was_read_is_what_is_added(world: World) -> None:
    """Promise: where a city has got one of that name since the page was read, it is told anew, and what
    the city says of its own stays afterwards."""
    staff = world.province_admin()
    before = mark(preview(staff, LETTER))
    world.save(with_services(NINGBO, OWN))
    answer = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=LETTER, revision="1", read=before)
    assert answer.status_code == 409
    assert "Has one of this name already" in answer.text
    now = mark(answer.text)
    added = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=LETTER, revision="1", read=now)
    assert added.status_code == 302, added.text
    world.app.registry.refresh()
    assert "Walking permit" in world.client("hangzhou.localhost").get(PATH).text
    assert "Walking in Ningbo" in world.client("ningbo.localhost").get(PATH).text


def test_faults_stand_at_the_lines_that_were_written(world: World) -> None:
    """Promise: a fault is told once, at its line of what was typed, however many cities it would be in;
    nothing is saved."""
    staff = world.province_admin()
    answer = staff.post(
        f"{NEW}/yaml", f"{NEW}/yaml", text=LETTER.replace("dog: ", "cat: "), revision="1"
    )
    assert answer.status_code == 422
    assert answer.text.count("There is no field “cat”") == 1
    assert "Line 13<" in answer.text
    assert not reached(answer.text)
    assert world.documents().live("province:zhejiang").number == 1


def test_questions_become_a_service_of_the_province(world: World) -> None:
    """Promise: whoever answers a form has its YAML to look at, with what it means for cities."""
    staff = world.province_admin()
    typed = {
        "title_zh": "借球场", "title_en": "Borrowing a court", "category": "home", "days": "3",
        "zh-0": "哪天", "en-0": "Which day", "kind-0": "date", "required-0": "1", "keep": "2",
    }  # fmt: skip
    page = staff.post(f"{NEW}/questions", f"{NEW}/questions", **typed)
    assert page.status_code == 200
    assert "borrowing_a_court:" in page.text
    assert reached(page.text) == {"Closed until the city opens it": "Hangzhou, Ningbo"}
    assert staff.post(f"{NEW}/questions", f"{NEW}/questions", days="soon").status_code == 422


def test_a_part_is_looked_at_as_the_province_would_have_it(world: World) -> None:
    """Promise: what a province changes of a service that the platform defines is shown whole, with the
    help on the page that a city has."""
    world.save(insert(PLATFORM, ("services",), LETTER)[0])
    part = "walking_permit:\n  kind: form\n  title: {zh: 甲甲, en: A title of our own}\n"
    page = preview(world.province_admin(), part)
    assert "A title of our own" in page
    assert "With a dog?" in page
    assert "Kinds of field" in page
    listed = html.document_fromstring(page).xpath("//details//dd/text()")
    assert {kind.value for kind in FieldKind} <= {*listed}
    assert "YAML:" not in page


@pytest.mark.parametrize("path", ["", "/yaml", "/questions"])
def test_it_is_the_province_s_to_do(world: World, path: str) -> None:
    """Promise: only who may change the baseline adds to it; neither a city's clerk nor another
    province's."""
    for other in (world.city_staff(), world.province_admin("shanghai")):
        assert other.get(f"{NEW}{path}").status_code in (403, 404)
    staff = world.province_admin()
    assert staff.get(f"{NEW}{path}").status_code == 200
    assert f'href="{NEW}"' in staff.get("/provinces/zhejiang").text
