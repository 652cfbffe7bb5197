"""Adding a service on the console: a sample, questions, YAML; each looked at before it is saved."""

from __future__ import annotations

import re
from html import unescape
from textwrap import indent

import pytest

from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from tests.support.documents import HANGZHOU, NINGBO, ZHEJIANG
from tests.support.forms import LETTER, SAMPLES, with_services
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
    assert "Line 13<" in answer.text
    assert "There is no field “cat”" in answer.text
    assert "walking_permit:" in answer.text
    assert world.documents().live("hangzhou").number == 1


HEADED = "# Ours.\nservices:\n" + indent(LETTER, "  ")
FOUR = indent(LETTER, "    ")


@pytest.mark.parametrize("city", ["hangzhou", "shanghai"])
@pytest.mark.parametrize(
    "text", [LETTER, HEADED, FOUR, f"\n\n{HEADED}\n# end\n", f"services:\n{FOUR}"]
)
def test_an_excerpt_of_a_document_is_taken_as_it_was_pasted(
    world: World, city: str, text: str
) -> None:
    """Promise: one service goes in with or without services: above it, however far it is indented."""
    staff = world.city_staff(city)
    page = f"/cities/{city}/new-service/yaml"
    number = str(world.documents().live(city).number)
    answer = staff.post(page, page, text=text, revision=number)
    assert answer.status_code == 302, answer.text
    live = world.documents().live(city).values["services"]
    assert live["walking_permit"] == parse(LETTER, "").values["walking_permit"]
    assert ("# Ours." in world.documents().live_revision(city).text) == ("# Ours." in text)


@pytest.mark.parametrize("text", [LETTER, HEADED, FOUR, f"\n\n{HEADED}"])
@pytest.mark.parametrize(
    "good, bad, said",
    [
        ("dog: ", "cat: ", "There is no field"),
        ("keep: {years: 1}", "kept: {years: 1}", "You cannot use the key"),
        ("keep: {years: 1}", "keep: {years: 1", "not valid YAML"),
        ("en: Where to", "en: Where, who and when", "no value"),
        ("state: open", "state: ajar", "Enter one of"),
        ("  keep: {years: 1}\n", "", "is missing"),
    ],
)
def test_every_fault_stands_at_a_line_of_the_box(
    world: World, text: str, good: str, bad: str, said: str
) -> None:
    """Promise: faults of the text, of the merged values and of the document are told with the line that was
    typed, whatever stood above it."""
    text = (
        text.replace(good, bad)
        if bad
        else "".join(one for one in text.splitlines(keepends=True) if one.strip() != good.strip())
    )
    answer = world.city_staff().post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    lines = re.findall(r"Line ([0-9]+)<code>(.*?)</code>", answer.text)
    assert lines
    for number, quoted in lines:
        assert unescape(quoted).rstrip("…") in text.splitlines()[int(number) - 1]
    if bad:
        assert any(bad.split(":")[0] in unescape(quoted) for _number, quoted in lines)


def test_one_service_is_added_at_a_time(world: World) -> None:
    """Promise: two services, and a whole document, are told as such at their line."""
    staff = world.city_staff()
    other = LETTER.replace("walking_permit", "running_permit")
    for text in (LETTER + other, "services:\n" + indent(LETTER + other, "  ")):
        answer = staff.post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
        assert "Add one service at a time" in answer.text
        line = 1 + next(n for n, one in enumerate(text.splitlines()) if "running_permit" in one)
        assert f"Line {line}<" in answer.text
    answer = staff.post(
        f"{NEW}/yaml", f"{NEW}/yaml", text=f"city: hangzhou\n{HEADED}", revision="1"
    )
    assert "Write one service" in answer.text


def test_a_return_in_the_past_is_told_at_its_line(world: World) -> None:
    """Promise: what only saving refuses stands at a line of the box as well."""
    paused = 'state: paused\n  notice: {zh: 停, en: Paused}\n  until: "2020-01-01T10:00"'
    text = "services:\n" + indent(LETTER.replace("state: open", paused), "  ")
    answer = world.city_staff().post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
    assert answer.status_code == 422
    assert "Line 6<" in answer.text
    assert "is in the past" in answer.text


def test_a_paper_that_outlives_its_application_is_told(world: World) -> None:
    """Promise: what is kept for less than its paper is valid is a fault on the console as well."""
    text = LETTER.replace("keep: {years: 1}", "keep: {months: 6}")
    answer = world.city_staff().post(f"{NEW}/yaml", f"{NEW}/yaml", text=text, revision="1")
    assert answer.status_code == 422
    assert f"Line {text[: text.index('keep:')].count(chr(10)) + 1}<" in answer.text
    assert "Write keep: {years: 1}, or longer." in answer.text


def test_a_fee_is_looked_at_in_its_currency(world: World) -> None:
    """Promise: the preview shows a fee as residents will see it, in the city's own currency."""
    for city, site, shown in (
        ("hangzhou", "", "¥20.00"),
        ("ningbo", "site: {currency: HKD}\n", "HKD 20.00"),
    ):
        world.save({"hangzhou": HANGZHOU, "ningbo": NINGBO}[city] + site)
        new = f"/cities/{city}/new-service/yaml"
        text = LETTER.replace("  steps:", '  fee: "20"\n  steps:')
        page = world.city_staff(city).post(new, new, text=text, revision="1", preview="1").text
        assert f"<dd>{shown}</dd>" in page, page


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


def test_whatever_is_typed_is_told(world: World) -> None:
    """Promise: what no list and no box of the page has is told at its field, however long it is."""
    staff = world.city_staff()
    typed = {
        "title_zh": "登记", "title_en": "Registering", "category": "home", "days": "3",
        "zh-0": "哪天", "en-0": "Day", "kind-0": "date",
    }  # fmt: skip
    for name in ("days", "keep"):
        for value in ("abc", "-1", "9" * 5000, "٣", "²", "1.5"):
            page = staff.post(f"{NEW}/questions", f"{NEW}/questions", **{**typed, name: value})
            assert page.status_code == 422, (name, value[:9])


def test_a_part_of_a_provinces_service_is_looked_at_whole(world: World) -> None:
    """Promise: what a city changes of a service that its province defines is shown as it would have it."""
    world.save(with_services(ZHEJIANG, LETTER))
    name = LETTER.partition(":")[0]
    part = f"{name}:\n  kind: form\n  title: {{zh: 甲甲, en: A title of our own}}\n"
    page = world.city_staff().post(f"{NEW}/yaml", f"{NEW}/yaml", text=part, preview="1")
    assert page.status_code == 200
    assert "A title of our own" in page.text
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


@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
def test_a_sample_in_use_leads_to_its_configuration(world: World, city: str) -> None:
    """Promise: a service that a city has is marked, and leads to where it is changed; in its own city alone."""
    staff, root = world.city_staff(city), f"/cities/{city}"
    sample = f"{root}/new-service/yaml?sample=tree_pruning_request"
    text = next(one for one in SAMPLES if one.stem == "tree_pruning_request").read_text("utf-8")
    number = str(world.documents().live(city).number)
    answer = staff.post(f"{root}/new-service/yaml", sample, text=text, revision=number)
    world.app.registry.refresh()
    done = staff.get(answer.headers["Location"]).text
    assert f"{city}.localhost/services/tree-pruning-request" in done
    part = "/document#services.tree_pruning_request"
    assert f'href="{root}{part}"' in done
    page = staff.get(f"{root}/new-service").text
    assert "Already in use" in page
    assert f'href="{root}{part}"' in page
    assert 'id="services.tree_pruning_request"' in staff.get(f"{root}/document").text
    other = "ningbo" if city == "hangzhou" else "hangzhou"
    assert "Already in use" not in world.city_staff(other).get(f"/cities/{other}/new-service").text


@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
def test_changes_of_a_service_are_told_in_words(world: World, city: str) -> None:
    """Promise: adding and removing a service is one change by its name, and other steps are titles and labels."""
    documents = world.documents()
    plain = documents.live_revision(city).text
    other = LETTER.replace("en: Where to", "en: Which way")
    for text in (with_services(plain, LETTER), with_services(plain, other), plain):
        live = world.documents().live(city)
        world.documents().save(Candidate(parse(text, city), live.files), live.number, "")
    world.app.registry.refresh()
    staff = world.city_staff(city)
    number = world.documents().live(city).number
    added, steps, removed = (
        unescape(staff.get(f"/cities/{city}/history/{n}").text).split('class="diff"')[0]
        for n in (number - 2, number - 1, number)
    )
    assert "Service added" in added
    assert "Which way (Place, With a dog?, Breed)" in steps
    assert "Service removed" in removed
    assert "Walking permit" in removed
    for page in (added, steps, removed):
        assert "{'" not in page
        assert "as in the baseline" not in page
    staff.get(f"/cities/{city}/history?lang=zh")  # from now on
    assert "移除了服务" in staff.get(f"/cities/{city}/history").text
