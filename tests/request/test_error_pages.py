"""The page of a fault needs nothing: no database, nobody who is signed in, in the end not even a
template; and the log has one JSON object a line."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError

from smartcity_saas.database import db
from smartcity_saas.request import error_pages
from tests.support.browser import Browser
from tests.support.routes import paths
from tests.support.world import World

RAISED = [
    OperationalError("statement", {}, Exception("gone")),
    InterfaceError("statement", {}, Exception("gone")),
    RuntimeError("out of the blue"),
]
REFERENCE = re.compile(r"[0-9a-f]{8}")


@contextmanager
def database_away(error: Exception = RAISED[0]) -> Iterator[None]:
    """Every statement fails, as where the server has gone."""

    def fail(*_arguments: Any) -> None:
        raise error

    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)


def lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


def told(answer: Any, logged: str) -> None:
    """A page, with the reference that stands in the log, once."""
    faults = [one for one in lines(logged) if one["event"] in ("fault", "database_unavailable")]
    assert len(faults) == 1, faults
    assert faults[0]["reference"] in answer.text
    assert "<h1>" in answer.text


@pytest.mark.parametrize("error", RAISED, ids=lambda one: type(one).__name__)
def test_whoever_is_signed_in_reads_a_page(
    world: World, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """Residents of two cities and staff, on every page that asks the database."""
    browsers: list[tuple[Browser, str, str]] = [
        (world.resident("hangzhou"), "/me", "Hangzhou"),
        (world.resident("ningbo"), "/me", "Ningbo"),
        (world.city_staff(), "/", "/static/site.css"),
    ]
    for browser, path, name in browsers:
        capsys.readouterr()
        with database_away(error):
            answer = browser.get(path)
        assert answer.status_code == (503 if isinstance(error, OperationalError) else 500)
        assert name.lower() in answer.text.lower()
        told(answer, capsys.readouterr().err)
        assert browser.get(path).status_code < 400, "and all is well afterwards"


def test_no_page_is_empty_while_the_database_is_away(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A walk over all pages, read and written, as a resident and as staff: each answers with a page
    or leads on, and every line of the log is JSON."""
    walks = [
        (world.resident(), paths(world.app, "city")),
        (world.city_staff(), paths(world.app, "console")),
    ]
    capsys.readouterr()
    with database_away():
        for browser, found in walks:
            assert len(found) > 5
            for path in found:
                for answer in (browser.get(path), browser.post(path, "/sign-in")):
                    assert answer.text or answer.status_code in (302, 304), path
    written = lines(capsys.readouterr().err)
    assert [one for one in written if one["level"] == "error"] != []
    for one in written:
        assert "reference" in one or one["level"] != "error", one


def test_what_runs_after_a_view_may_fail_too(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is lost, not the answer."""
    browser = world.resident()

    def fail(*_arguments: Any) -> None:
        raise RAISED[0]

    monkeypatch.setattr("smartcity_saas.app.write_uses", fail)
    capsys.readouterr()
    answer = browser.get("/me")
    assert answer.status_code == 503
    told(answer, capsys.readouterr().err)


def test_where_no_template_can_be_rendered(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bare page, in both languages, with its reference."""

    def fail(*_arguments: Any, **_options: Any) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr(error_pages, "render_template", fail)
    capsys.readouterr()
    answer = world.client("hangzhou.localhost").get("/no/such/page")
    assert answer.status_code == 500
    assert "请过几分钟再试" in answer.text
    assert "Try again in a few minutes" in answer.text
    (reference,) = {one["reference"] for one in lines(capsys.readouterr().err)}
    assert reference in answer.text


def test_where_not_even_the_request_begins(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any hook of Flask's: a page all the same."""

    def fail() -> None:
        raise RuntimeError("no look")

    monkeypatch.setattr(world.app, "look_for_changes", fail)
    capsys.readouterr()
    answer = world.client("hangzhou.localhost").get("/")
    assert answer.status_code == 500
    (line,) = lines(capsys.readouterr().err)
    assert REFERENCE.fullmatch(line["reference"])
    assert line["reference"] in answer.text


def test_lines_of_other_libraries_are_json(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pool's warning with its traceback is one object on one line."""
    del world
    try:
        raise ValueError("x")
    except ValueError:
        logging.getLogger("sqlalchemy.pool.impl.QueuePool").exception("Exception during reset")
    (line,) = lines(capsys.readouterr().err)
    assert line["event"] == "Exception during reset"
    assert "ValueError" in line["exception"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/announcements/00000000-0000-7000-8000-000000000000"]
)
def test_errors_are_branded_and_say_what_to_do(world: World, path: str) -> None:
    """A 404 is the city's own page, with a way on; never a traceback."""
    answer = world.client("hangzhou.localhost").get(path)
    assert answer.status_code == 404
    assert "Hangzhou" in answer.text
    assert 'href="/"' in answer.text
    problem = world.client("hangzhou.localhost").get(path, headers={"Accept": "application/json"})
    assert problem.mimetype == "application/problem+json"
    assert problem.json["status"] == 404


def test_a_fault_shows_no_traceback(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program is a branded page with a reference, and nothing of the inside."""

    def broken() -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setitem(world.app.view_functions, "resident.privacy", broken)
    answer = world.client("hangzhou.localhost").get("/privacy")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text
    assert re.search(r"\([0-9a-f]{8}\)", answer.text)
