"""Letters and certificates: what stands on them, who has them, and what verifying tells."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import select

from smartcity_saas.database import db, transaction
from smartcity_saas.errors import NotFound, Throttled
from smartcity_saas.forms.models import (
    Application,
    ApplicationEvent,
    ApplicationFile,
    ApplicationPaper,
    EventKind,
)
from smartcity_saas.forms.papers import _text, verify_paper
from smartcity_saas.forms.retention import erase_expired
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.tenancy.storage import storage_use
from tests.support.application_desk import (
    CERTIFICATE,
    DESK,
    REASON,
    at_noon,
    clerk,
    code_of,
    send_decision,
    take,
)
from tests.support.applications import (
    ROOT,
    SECOND,
    THIRD,
    begin,
    count_of,
    define,
    events,
    row_of,
    save,
    sent,
)
from tests.support.world import World

LETTER = CERTIFICATE.replace("kind: certificate", "kind: letter").replace(
    "\n      valid: {years: 1}", ""
)
PLAIN = re.sub(r"\n      title:.*?years: 1}", "", CERTIFICATE, flags=re.S)


def text_of(pdf: bytes) -> str:
    """Everything that stands on a paper, without the places where lines may break."""
    with pypdfium2.PdfDocument(pdf) as document:
        text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    return re.sub(r"[\s\u200b]+", " ", text)


def spaceless(text: str) -> str:
    """A text without spaces: a PDF has its own between scripts."""
    return re.sub(r"\s", "", text)


def test_what_one_gets_stands_before_anything(world: World) -> None:
    """Promise: whoever thinks of applying reads of the paper, how long it is valid and that their name
    is to be proved; where there is none of it, nothing of it."""
    stranger = world.client("hangzhou.localhost")
    define(world, entry=CERTIFICATE.replace("state: open", "state: open\n    assurance: real_name"))
    page = stranger.get(ROOT).text
    assert "Proof of renewal" in page
    assert "It is valid for 1 year." in page
    assert "You prove your real name" in page
    define(world)
    page = stranger.get(ROOT).text
    assert "as a PDF" not in page
    assert "You prove your real name" not in page


def test_both_languages_stand_on_the_paper(world: World) -> None:
    """Promise: approved, the resident and the desk download a certificate with its heading, number, text
    with the answers in place, days and address, in Chinese and in English."""
    define(world, entry=CERTIFICATE)
    at_noon(world, date(2026, 11, 2))
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, "wu.min")
    assert browser.get(f"/applications/{number}/paper.pdf").status_code == 404
    send_decision(desk, number, "approved")
    assert f"/applications/{number}/paper.pdf" in browser.get(f"/applications/{number}").text
    answer = browser.get(f"/applications/{number}/paper.pdf")
    assert answer.mimetype == "application/pdf"
    text = text_of(answer.data)
    for words in (
        "Hangzhou",
        "Proof of renewal",
        "lives at Sample Road 18.",
        number,
        "2 November 2026",
        "2 November 2027",
        "Police (sample)",
        f"/verify/{code_of(world, number)}",
    ):
        assert words in text, words
    for words in (
        "杭州市",
        "居住证签注证明",
        "住在SampleRoad18。",
        "2026年11月2日",
        "2027年11月2日",
    ):
        assert words in spaceless(text), words
    assert "{" not in text
    assert desk.get(f"{DESK}/{number}/paper.pdf").data == answer.data
    assert len(code_of(world, number)) * 4 == 128


def test_a_paper_without_text_and_end(world: World) -> None:
    """Promise: a form that says no more than that there is a letter has one, in both languages, that
    is valid for good; one without result has none."""
    define(world, entry=PLAIN)
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, "wu.min")
    send_decision(desk, number, "approved")
    text = text_of(browser.get(f"/applications/{number}/paper.pdf").data)
    assert "was approved: Residence permit renewal." in text
    assert "Without end" in text
    assert "长期有效" in spaceless(text)
    define(world)
    bare = sent(world.resident(subject="parents"))
    send_decision(desk, bare, "approved")
    assert desk.get(f"{DESK}/{bare}/paper.pdf").status_code == 404


def test_no_answer_says_whose_paper_it_is(world: World) -> None:
    """Promise: ``{name}`` is the holder whatever a form asks, an answer that looks like a place of
    the text is words, and none makes a paragraph of its own."""
    define(
        world, entry=CERTIFICATE.replace("name: street", "name: road").replace("{street}", "{road}")
    )
    browser = world.resident()
    number = begin(browser)
    for step, answers in enumerate(({"road": "{name} {moved}", "moved": "no"}, SECOND, THIRD), 1):
        save(browser, number, step, asked=[*answers], **answers)
    browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    with world.inside("hangzhou"), transaction():
        row = db.session.scalars(select(Application)).one()
        form, answers = form_of(row), dict(answers_of(row, world.clock()))
        forged = replace(next(form.fields), name="name")
        broken = replace(form, steps=(replace(form.steps[0], fields=(forged, *form.fields)),))
        said = {**answers, "name": "The mayor", "road": "A\nB\u2028C"}
        assert _text(broken, said, "Wang Xiaoming", "en") == [
            "This certifies that Wang Xiaoming lives at A B C."
        ]
    send_decision(clerk(world, "wu.min"), number, "approved")
    text = text_of(browser.get(f"/applications/{number}/paper.pdf").data)
    assert "lives at {name} {moved}." in text


def test_nobody_else_has_the_paper(world: World) -> None:
    """Promise: another resident, another city and a refused application have no paper; it is sealed
    where it is kept, and counts as the city's storage."""
    define(world, entry=LETTER)
    define(world, city="ningbo", entry=LETTER)
    number, refused = sent(world.resident()), sent(world.resident(subject="parents"))
    desk = clerk(world, "wu.min")
    send_decision(desk, number, "approved")
    send_decision(desk, refused, "refused", REASON)
    path = f"/applications/{number}/paper.pdf"
    assert world.resident(subject="parents").get(path).status_code == 404
    assert world.resident("ningbo").get(path).status_code == 404
    assert desk.get(f"{DESK}/{refused}/paper.pdf").status_code == 404
    assert (
        "/paper.pdf" not in world.resident(subject="parents").get(f"/applications/{refused}").text
    )
    with world.inside("hangzhou"):
        (file,) = db.session.query(ApplicationFile).all()
        assert file.field == ""
        assert b"PDF" not in file.content
        assert storage_use().used >= len(file.content)


def test_verifying_tells_valid_expired_revoked_and_no_more(world: World) -> None:
    """Promise: whoever has the code learns whether the paper is valid, the service and the number; not
    whose it is, nor what was answered; nor does another city know it."""
    define(world, entry=CERTIFICATE)
    define(world, city="ningbo", entry=CERTIFICATE)
    at_noon(world, date(2026, 11, 2))
    number = sent(world.resident())
    desk = clerk(world, "wu.min")
    send_decision(desk, number, "approved")
    code = code_of(world, number)
    stranger = world.client("hangzhou.localhost")
    page = stranger.get(f"/verify/{code}")
    assert page.status_code == 200
    assert "This paper is valid" in page.text
    assert "Proof of renewal" in page.text
    assert "Police (sample)" in page.text, "issued by whom the paper says"
    assert "2027" not in page.text, "the standing is all that is told of its days"
    assert number in page.text
    for secret in ("Sample Road", "13800000001", "Sample resident", "wu.min", code):
        assert secret not in page.text.replace(f"/verify/{code}", ""), secret
    assert 'name="robots" content="noindex"' in page.text
    elsewhere = world.client("ningbo.localhost").get(f"/verify/{code}")
    assert elsewhere.status_code == 404
    assert "We know no such paper" in elsewhere.text
    at_noon(world, date(2027, 11, 2))
    assert "This paper is valid" in stranger.get(f"/verify/{code}").text
    at_noon(world, date(2027, 11, 3))
    assert "This paper has expired" in stranger.get(f"/verify/{code}").text


def test_a_revoked_paper_says_so(world: World) -> None:
    """Promise: the desk revokes with a reason that the resident reads and whoever verifies does not;
    once, and not without one."""
    define(world, entry=CERTIFICATE)
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, "wu.min")
    send_decision(desk, number, "approved")
    page = f"{DESK}/{number}"
    for nothing in ("No", "\u200b" * 20, "a" + "\u2060" * 20 + "b", "a" + " " * 20 + "b"):
        assert desk.post(f"{page}/revoke", page, why=nothing).status_code == 422
    why = "The lease was found to be made up."
    assert desk.post(f"{page}/revoke", page, why=why).status_code == 303
    assert why in browser.get(f"/applications/{number}").text
    assert events(world, number)[-1] is EventKind.REVOKED
    shown = world.client("hangzhou.localhost").get(f"/verify/{code_of(world, number)}").text
    assert "This paper was revoked" in shown
    assert why not in shown
    assert desk.post(f"{page}/revoke", DESK, why=why).status_code == 409


@pytest.mark.parametrize("code", ["0" * 32, "x", "0" * 31 + "G", "0" * 200])
def test_what_is_no_code_is_told_plainly(world: World, code: str) -> None:
    """Promise: a code that the city does not know is told as no such paper, whatever it looks like."""
    page = world.client("hangzhou.localhost").get(f"/verify/{code}")
    assert page.status_code == 404
    assert "We know no such paper" in page.text


def test_guessing_codes_ends_soon(world: World) -> None:
    """Promise: whoever tries code after code is stopped; later they may look again."""
    stranger = world.client("hangzhou.localhost")
    answers = [stranger.get(f"/verify/{n:032x}").status_code for n in range(31)]
    assert set(answers[:30]) == {404}
    assert answers[30] == 429
    world.clock.move(minutes=6)
    assert stranger.get(f"/verify/{0:032x}").status_code == 404


def test_nobody_is_locked_out_by_others(world: World) -> None:
    """Promise: whoever tries codes from many networks of a site is stopped for the whole site, and
    nobody else is; what is no code is told so without being counted."""
    with world.inside("hangzhou"):
        now, tried = world.clock(), 0
        with pytest.raises(Throttled):
            for tried in range(400):
                with pytest.raises(NotFound):
                    verify_paper("0" * 32, f"2001:db8:1:{tried:x}::1", now)
        assert tried == 300
        for address in ("2001:db8:2::1", "203.0.113.9", ""):
            with pytest.raises(NotFound):
                verify_paper("0" * 32, address, now)
        for _try in range(40):
            with pytest.raises(NotFound):
                verify_paper("x", "203.0.113.10", now)
        with pytest.raises(NotFound):
            verify_paper("0" * 32, "203.0.113.10", now)
    with world.inside("ningbo"), pytest.raises(NotFound):
        verify_paper("0" * 32, "2001:db8:1::1", now)


def test_what_is_finished_leaves_when_its_time_is_over(world: World) -> None:
    """Promise: so long after the decision as the form says, the application goes with its answers,
    timeline, files and paper, which nobody knows any more; another city's stays."""
    define(world, entry=CERTIFICATE)
    define(world, city="ningbo", entry=CERTIFICATE)
    at_noon(world, date(2026, 11, 2))
    number, away = sent(world.resident()), sent(world.resident("ningbo"))
    desk = clerk(world, "wu.min")
    send_decision(desk, number, "approved")
    code = code_of(world, number)
    assert row_of(world, number).erase_on == date(2028, 11, 2)
    for day, left in ((date(2028, 11, 2), 1), (date(2028, 11, 3), 0)):
        at_noon(world, day)
        for city in ("hangzhou", "ningbo"):
            with world.inside(city):
                erase_expired(world.clock())
        for model in (Application, ApplicationPaper, ApplicationFile):
            assert count_of(world, model) == left, model
    assert count_of(world, ApplicationEvent) == 0
    assert world.client("hangzhou.localhost").get(f"/verify/{code}").status_code == 404
    assert row_of(world, away, "ningbo").erase_on is None


def test_my_data_has_the_answers_and_the_paper(world: World) -> None:
    """Promise: the download of one's own data has the answers opened, and the paper."""
    define(world, entry=CERTIFICATE)
    browser = world.resident()
    number = sent(browser)
    send_decision(clerk(world, "wu.min"), number, "approved")
    page = browser.get("/me/data").text
    assert "Letters and certificates" in page
    found = json.loads(browser.post("/me/data/download", "/me/data").text)
    (row,) = _rows(found, "application")
    assert json.loads(row["answers"])["street"] == "Sample Road 18"
    (paper,) = _rows(found, "application_paper")
    assert paper["number"] == number
    (file,) = _rows(found, "application_file")
    assert "Proof of renewal" in text_of(base64.b64decode(file["content"]))


def _rows(found: Any, table: str) -> list[dict[str, Any]]:
    """The rows of a table in a download of one's data."""
    return next(part["rows"] for part in found["held"] if part["kind"] == table)


def test_a_paper_is_looked_at_before_it_is_issued(world: World) -> None:
    """Promise: whoever decides sees the paper as it would be, marked as a preview; its code leads to no
    paper, nothing is issued by looking, and once it is decided there is no preview."""
    define(world, entry=CERTIFICATE)
    number = sent(world.resident())
    desk = clerk(world, "wu.min")
    take(desk, number)
    here = f"{DESK}/{number}"
    assert f"{here}/preview.pdf" in desk.get(here).text
    answer = desk.get(f"{here}/preview.pdf")
    assert answer.mimetype == "application/pdf"
    text = text_of(answer.data)
    assert "lives at Sample Road 18." in text
    assert "Preview, not valid" in text
    assert count_of(world, ApplicationPaper) == 0
    stranger = world.client("hangzhou.localhost")
    assert stranger.get(f"/verify/{0:032x}").status_code == 404
    send_decision(desk, number, "approved")
    assert desk.get(f"{here}/preview.pdf").status_code == 404
