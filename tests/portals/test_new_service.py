"""Adding a service on the console: a sample, questions, YAML; each looked at before it is saved."""

from __future__ import annotations

from tests.support.forms import LETTER, SAMPLES
from tests.support.world import World

NEW = "/cities/hangzhou/new-service"


def test_a_sample_is_looked_at_then_added(world: World) -> None:
    """Promise: a clerk opens a service from the library without writing anything, and comments stay."""
    staff = world.city_staff()
    assert "Dog licence" in staff.get(NEW).text
    page = staff.get(f"{NEW}/yaml?sample=tree_pruning_request")
    assert "Where the tree stands" in page.text
    text = next(one for one in SAMPLES if one.stem == "tree_pruning_request").read_text("utf-8")
    answer = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
    assert answer.status_code == 302, answer.text
    world.app.registry.refresh()
    assert (
        world.client("hangzhou.localhost").get("/services/tree-pruning-request").status_code == 200
    )
    assert world.client("ningbo.localhost").get("/services/tree-pruning-request").status_code == 404
    live = world.documents().live_revision("hangzhou").text
    assert "# The city's own comment." in live
    assert "# A sample" in live


def test_faults_stand_at_the_lines_that_were_written(world: World) -> None:
    """Promise: what is wrong is told at its line of what was typed, which is kept; nothing is saved."""
    staff = world.city_staff()
    text = LETTER.replace("dog: ", "cat: ")
    answer = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
    assert answer.status_code == 422
    assert "YAML:13:" in answer.text
    assert "There is no field “cat”" in answer.text
    assert "walking_permit:" in answer.text
    assert world.documents().live("hangzhou").number == 1


def test_a_paper_that_outlives_its_application_is_told(world: World) -> None:
    """Promise: what is kept for less than its paper is valid is a fault on the console as well."""
    text = LETTER.replace("keep: {years: 1}", "keep: {months: 6}")
    answer = world.city_staff().post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
    assert answer.status_code == 422
    assert f"YAML:{text[: text.index('keep:')].count(chr(10)) + 1}:" in answer.text
    assert "Write keep: {years: 1}, or longer." in answer.text


def test_text_that_is_no_service_is_told(world: World) -> None:
    """Promise: YAML that does not parse, or is more than one service, is a fault and no crash."""
    staff = world.city_staff()
    for text in ("{", "a: 1\nb: 2\n", "utility_bills: {state: open}", "x", "x: 1", "- x: {}", ""):
        answer = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
        assert answer.status_code == 422, text
        again = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1", preview="1")
        assert again.status_code == 200, text


def test_questions_become_a_service(world: World) -> None:
    """Promise: whoever answers a form has a definition to look at, whose YAML is taken as it stands."""
    staff = world.city_staff()
    typed = {
        "title_zh": "借球场", "title_en": "Borrowing a court", "category": "home", "days": "3",
        "zh-0": "哪天", "en-0": "Which day", "kind-0": "date", "required-0": "1",
        "zh-1": "哪种球", "en-1": "Which ball", "kind-1": "choice",
        "options-1": "篮球 / Basketball\n羽毛球/Badminton", "keep": "2", "open": "1",
    }  # fmt: skip
    page = staff.post(f"{NEW}/questions", f"{NEW}/questions", **typed)
    assert page.status_code == 200
    assert "Badminton" in page.text
    written = page.soup_text("textarea#text") if hasattr(page, "soup_text") else page.text
    assert "borrowing_a_court:" in written


def test_a_question_for_a_name_is_a_service_too(world: World) -> None:
    """Promise: what the console writes of a question has no fault, though its English word is one
    that no field can be called."""
    staff = world.city_staff()
    typed = {
        "title_zh": "登记", "title_en": "Registering", "category": "home", "days": "3", "keep": "1",
        "zh-0": "姓名", "en-0": "Name", "kind-0": "text", "result": "letter",
    }  # fmt: skip
    page = staff.post(f"{NEW}/questions", f"{NEW}/questions", **typed)
    assert "name: name_1" in page.text
    assert "YAML:" not in page.text


def test_questions_keep_what_was_typed(world: World) -> None:
    """Promise: an answer in one language, no days, an amount that is none: told at each field, all kept."""
    staff = world.city_staff()
    typed = {"title_zh": "借球场", "title_en": "", "days": "soon", "fee": "a lot", "zh-0": "哪天"}
    page = staff.post(f"{NEW}/questions", f"{NEW}/questions", **typed)
    assert page.status_code == 422
    for part in (
        "借球场",
        "soon",
        "a lot",
        "哪天",
        'id="title_en-error"',
        'id="days-error"',
        'id="en-0-error"',
    ):
        assert part in page.text


def test_a_catalog_editor_adds_none(world: World) -> None:
    """Promise: opening and closing is a smaller right than defining a service."""
    editor = world.staff("editor", "catalog_editor", city="hangzhou")
    assert editor.get(NEW).status_code == 403
    assert (
        editor.post(f"{NEW}/yaml", "/cities/hangzhou", text=LETTER, revision="1").status_code == 403
    )
