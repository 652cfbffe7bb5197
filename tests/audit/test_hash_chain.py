"""The chain of a city's audit log: what is done to it afterwards is found, and where."""

from __future__ import annotations

import json
import re
import threading
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, delete, text
from sqlalchemy.exc import DBAPIError

from smartcity_saas.audit import (
    AuditReason,
    Checkpoint,
    CityAuditEvent,
    city_audit_events,
    log,
    newest_link,
    reasons_of,
    record,
    system,
    verify_city_chain,
)
from smartcity_saas.cli.audit import audit
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.staff.accounts import disable_staff
from smartcity_saas.identity.staff.roles import AUDITOR
from tests.support.bills import bring
from tests.support.browser import fresh
from tests.support.world import World


def act(world: World, city: str, count: int = 1, **more: Any) -> None:
    for number in range(count):
        with world.inside(city), transaction():
            record(
                system("test"), "test.act", f"thing {number}", {"n": number}, world.clock(), **more
            )


def tamper(world: World, sql: str) -> None:
    """Do to the audit log what only the keeper of the database could."""
    engine = create_engine(world.app.product.settings.owner_url)
    with engine.begin() as connection:
        if world.engine == "postgresql":
            isolated = ("city_audit_event", "audit_head", "audit_reason")
            for force in ("NO FORCE", "FORCE"):
                for table in isolated:
                    connection.execute(text(f"ALTER TABLE {table} {force} ROW LEVEL SECURITY"))
                if force == "NO FORCE":
                    connection.execute(text(sql))
        else:
            triggers = connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _sql in triggers:
                connection.execute(text(f'DROP TRIGGER "{name}"'))
            connection.execute(text(sql))
            for _name, made in triggers:
                connection.execute(text(made))
    engine.dispose()


def report(world: World, city: str, kept: Checkpoint | None = None) -> Any:
    db.session.rollback()
    with world.inside(city):
        return verify_city_chain(kept)


def test_every_city_has_a_chain_of_its_own(world: World) -> None:
    """Acts of two cities, one after the other, make two chains, each counted from one."""
    for _round in range(3):
        act(world, "hangzhou")
        act(world, "ningbo")
    for city in ("hangzhou", "ningbo"):
        found = report(world, city)
        assert (found.count, found.found) == (3, None)
    with world.inside("hangzhou"):
        first = city_audit_events()[-1].hash
    with world.inside("ningbo"):
        assert city_audit_events()[-1].hash != first


@pytest.mark.parametrize(
    "sql, number, reason",
    [
        ("UPDATE city_audit_event SET subject = 'other' WHERE number = 2", 2, "altered"),
        (
            "UPDATE city_audit_event SET at = '2020-01-01 00:00:00+00:00' WHERE number = 3",
            3,
            "altered",
        ),
        ("DELETE FROM city_audit_event WHERE number = 2", 2, "gap"),
        ("UPDATE city_audit_event SET previous = hash WHERE number = 4", 4, "unlinked"),
        ("DELETE FROM city_audit_event WHERE number = 4", 4, "cut"),
    ],
)
def test_tampering_is_found_where_it_was_done(
    world: World, sql: str, number: int, reason: str
) -> None:
    """Changed, taken out, unlinked, cut: each is named with the act at which it shows."""
    act(world, "hangzhou", 4)
    assert report(world, "hangzhou").found is None
    tamper(world, sql)
    found = report(world, "hangzhou").found
    assert (found.number, found.reason) == (number, reason)


def test_a_cut_end_is_found_by_what_was_kept_outside(world: World) -> None:
    """Whoever cuts the end and mends the head leaves a whole chain; the checkpoint shows it."""
    act(world, "hangzhou", 4)
    with world.inside("hangzhou"):
        kept = newest_link()
    tamper(world, "DELETE FROM city_audit_event WHERE number > 2")
    with world.inside("hangzhou"):
        last = city_audit_events()[0]
    tamper(world, f"UPDATE audit_head SET number = 2, hash = '{last.hash}'")
    assert report(world, "hangzhou").found is None
    assert report(world, "hangzhou", kept).found.reason == "cut"


def test_a_log_written_anew_is_found_by_what_was_kept_outside(world: World) -> None:
    """A chain that is whole by itself and not the one that was seen."""
    act(world, "hangzhou", 2)
    with world.inside("hangzhou"):
        kept = newest_link()
    tamper(world, "DELETE FROM city_audit_event")
    tamper(world, "DELETE FROM audit_head")
    act(world, "hangzhou", 3)
    assert report(world, "hangzhou").found is None
    found = report(world, "hangzhou", kept).found
    assert (found.number, found.reason) == (2, "rewritten")


def test_many_at_once_make_one_line(world: World) -> None:
    """Eight threads write at the same time: no fork, no gap, nothing lost."""

    def write() -> None:
        def many() -> None:
            with world.app.app_context():
                act(world, "hangzhou", 4)

        fresh(many)  # type: ignore[arg-type]

    threads = [threading.Thread(target=write) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = report(world, "hangzhou")
    assert (found.count, found.found) == (32, None)


def test_work_taken_back_leaves_no_act(world: World) -> None:
    """A rolled-back transaction, and a rolled-back part of one, note nothing; the rest stays."""
    with world.inside("hangzhou"):
        with pytest.raises(ZeroDivisionError), transaction():
            record(system("test"), "test.lost", "whole", {}, world.clock())
            raise ZeroDivisionError
        with transaction() as session:
            record(system("test"), "test.kept", "before", {}, world.clock())
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                record(system("test"), "test.lost", "part", {}, world.clock())
                with session.begin_nested():
                    record(system("test"), "test.lost", "part of a part", {}, world.clock())
                raise ZeroDivisionError
            record(system("test"), "test.kept", "after", {}, world.clock())
    with world.inside("hangzhou"):
        assert [e.subject for e in city_audit_events()] == ["after", "before"]
        assert verify_city_chain().found is None


def test_the_application_cannot_change_an_act(world: World) -> None:
    """The database itself refuses, on both engines."""
    act(world, "hangzhou")
    with world.inside("hangzhou"), pytest.raises(DBAPIError), transaction() as session:
        found = session.get_one(
            CityAuditEvent, (world.city("hangzhou").id, city_audit_events()[0].id)
        )
        found.subject = "other"
        session.flush()


def test_what_people_write_stands_beside_the_chain(world: World) -> None:
    """Somebody types a name and a number as a reason: the chain, which nobody can mend, holds a
    mark of it; the words can be taken out and the chain stays whole, and cannot be altered."""
    act(world, "hangzhou", 2, reason="张三 138 0000 0000")
    with world.inside("hangzhou"):
        events = city_audit_events()
        assert "张三" not in str([getattr(events[0], name) for name in events[0].hashed])
        assert set(reasons_of(events).values()) == {"张三 138 0000 0000"}
    tamper(world, "UPDATE audit_reason SET text = 'other'")
    assert report(world, "hangzhou").found.reason == "altered"
    with world.inside("hangzhou"), transaction() as session:
        session.execute(delete(AuditReason))
    assert report(world, "hangzhou").found is None


def test_a_file_is_named_by_its_contents(world: World) -> None:
    """The name that somebody gave a file may be anybody's: it is no part of the chain."""
    bring(world, name="欠费-张三-13800000001.csv")
    with world.inside("hangzhou"):
        event = city_audit_events()[0]
        assert event.subject.startswith("file:")
        assert reasons_of([event])[event.id] == "欠费-张三-13800000001.csv"


def test_documents_and_accounts_have_chains_too(world: World) -> None:
    """A change of a city's document and what is done to its staff's accounts are links of one
    chain, apart from other cities'; each says from where."""
    staff = world.city_staff("hangzhou")
    world.city_staff("ningbo")
    staff.post("/cities/hangzhou/services/utility_bills/close", "/cities/hangzhou", revision="1")
    found, _messages = world.documents().audit_events("hangzhou", 10)
    assert [one.action for one in found] == [
        "document.console",
        "staff.sign_in",
        "staff.create",
        "document.file",
    ]
    assert [one.number for one in found] == [4, 3, 2, 1]
    assert found[0].origin == "console 127.0.0.0/24"
    whole = world.documents().verify_chain("hangzhou")
    assert (whole.count, whole.found) == (4, None)
    assert world.documents().verify_chain("ningbo").count == 3


@pytest.mark.parametrize(
    "sql, number, reason",
    [
        ("UPDATE audit_event SET actor = 'staff:other' WHERE number = 1", 1, "altered"),
        ("DELETE FROM audit_event WHERE number = 2", 2, "gap"),
        ("DELETE FROM audit_event WHERE number = 3", 3, "cut"),
        ("UPDATE revision SET text = text || '# more' WHERE number = 2", 2, "altered"),
        ("UPDATE revision SET message = 'other' WHERE number = 2", 2, "altered"),
    ],
)
def test_tampering_with_documents_is_found(
    world: World, sql: str, number: int, reason: str
) -> None:
    """Acts, and the revisions that they made: each is named with the act at which it shows."""
    for color in ("#123456", "#654321"):
        live = world.documents().live("hangzhou").number
        world.documents().change("hangzhou", live, "why", {("branding", "color"): color})
    assert world.documents().verify_chain("hangzhou").found is None
    tamper(world, sql)
    found = world.documents().verify_chain("hangzhou").found
    assert (found.number, found.reason) == (number, reason)


def test_acts_meanwhile_are_no_break(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done while the chain is walked is no cut end and no slipped-in act."""
    act(world, "hangzhou", 3)
    walked = log.walk

    def walk_slowly(rows: Any, head: Any, *arguments: Any) -> Any:
        fresh(lambda: _act_elsewhere(world))  # type: ignore[arg-type, return-value]
        return walked(rows, head, *arguments)

    monkeypatch.setattr(log, "walk", walk_slowly)
    found = report(world, "hangzhou")
    assert (found.count, found.found) == (3, None)
    assert world.documents().verify_chain("hangzhou").found is None


def _act_elsewhere(world: World) -> None:
    with world.app.app_context():
        if world.engine == "postgresql":  # SQLite's reader sees one moment anyway
            act(world, "hangzhou")


def test_an_act_that_is_slipped_in_behind_the_head_is_found(world: World) -> None:
    """A row that nothing has linked."""
    act(world, "hangzhou", 2)
    with world.inside("hangzhou"):
        before = city_audit_events()[1]
    tamper(world, f"UPDATE audit_head SET number = 1, hash = '{before.hash}'")
    found = report(world, "hangzhou").found
    assert (found.number, found.reason) == (2, "unlinked")


def test_a_log_of_thousands_is_read_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written to each is there, however many are asked for at once."""
    monkeypatch.setattr(log, "MOST_KEYS", 2)
    act(world, "hangzhou", 5, reason="why")
    with world.inside("hangzhou"):
        assert len(reasons_of(city_audit_events())) == 5


@pytest.mark.parametrize(
    "before", ["x", "0001-01-01T00:00:00+14:00_{key}", "9999-12-31T23:59:59-14:00_{key}", "_"]
)
def test_an_odd_cursor_is_left_out(world: World, before: str) -> None:
    """A page that was made up is the first page."""
    page = "/cities/hangzhou/audit"
    asked = {"before": before.format(key="00000000-0000-7000-8000-000000000000")}
    answer = world.city_staff("hangzhou").get(page, query_string=asked)
    assert (answer.status_code, "document.file" in answer.text) == (200, True)


def test_an_auditor_finds_what_is_old(world: World) -> None:
    """Searched in all that there is, not in the newest; by page, through both chains, to the end;
    what was done to the city's staff stands there too."""
    for number in range(60):
        color = f"#12{number:02x}56"
        live = world.documents().live("hangzhou").number
        world.documents().change("hangzhou", live, f"why {number}", {("branding", "color"): color})
    act(world, "hangzhou", 60)
    auditor = world.staff("auditor", AUDITOR, city="hangzhou")
    disable_staff(system("test"), world.city_staff() and "staff-hangzhou", world.clock())
    page, seen, pages = "/cities/hangzhou/audit", "", 0
    assert "Disabled an account" in auditor.get(f"{page}?text=staff.disable").text
    assert "staff.disable" in auditor.get(f"{page}?text=Disabled+an").text
    auditor.language = "zh"
    assert "staff.disable" in auditor.get(f"{page}?text=停用账号").text
    auditor.language = "en"
    following: str | None = page
    while following and (pages := pages + 1) < 9:
        text_of_page = auditor.get(following).text
        seen += text_of_page
        older = re.search(r'href="([^"]*before=[^"]*)"', text_of_page)
        following = unescape(older[1]) if older else None
    assert "Why: why 0<" in seen
    assert "thing 0" in seen
    assert seen.count("document.file") + seen.count("document.console") >= 60
    assert auditor.post(page, page).status_code == 405


def test_residents_and_staff_stand_in_it_by_key(world: World) -> None:
    """No name, no address of a machine: a resident is a key, staff an account and a network."""
    world.resident("hangzhou")
    staff = world.city_staff("hangzhou")
    staff.post(
        "/cities/hangzhou/announcements",
        title_zh="一",
        title_en="One",
        body_zh="一",
        body_en="One",
        source_zh="市",
        source_en="City",
    )
    with world.inside("hangzhou"):
        said = [(e.actor, e.origin) for e in city_audit_events()]
    assert said[0] == ("staff:staff-hangzhou", "console 127.0.0.0/24")
    assert said[-1][0].startswith("resident:")
    assert said[-1][1] == "site"


def test_the_page_searches_and_checks(world: World) -> None:
    """Found by act; the check says that every link holds, and where one does not."""
    act(world, "hangzhou", 3)
    staff = world.city_staff("hangzhou")
    page = unescape(staff.get("/cities/hangzhou/audit?text=thing+1&check=1").text)
    assert "thing 1" in page
    assert "thing 2" not in page
    assert "3 entries, hash chain intact" in page
    assert "The city's configuration and accounts" in page
    tamper(world, "UPDATE city_audit_event SET subject = 'x' WHERE number = 2")
    assert "breaks at entry 2" in staff.get("/cities/hangzhou/audit?check=1").text
    assert "thing 0" in staff.get("/cities/hangzhou/audit.csv").text


def test_the_command_says_where_it_breaks(world: World, tmp_path: Path) -> None:
    """``audit checkpoint`` and ``audit verify``: exit code 1 and the act at which it breaks."""
    act(world, "hangzhou", 3)
    runner = CliRunner()
    kept = tmp_path / "checkpoint.json"
    kept.write_text(runner.invoke(audit, ["checkpoint", "hangzhou"]).output)
    assert json.loads(kept.read_text())["number"] == 3
    assert json.loads(kept.read_text())["document"]["number"] == 1
    whole = runner.invoke(audit, ["verify", "hangzhou", "--checkpoint", str(kept)])
    assert (whole.exit_code, "every link holds" in whole.output) == (0, True)
    tamper(world, "UPDATE city_audit_event SET actor = 'staff:other' WHERE number = 2")
    broken = runner.invoke(audit, ["verify", "hangzhou"])
    assert (broken.exit_code, "breaks at entry 2" in broken.output) == (1, True)
    tamper(world, "UPDATE audit_event SET actor = 'staff:other' WHERE place = 'province:zhejiang'")
    db.session.rollback()
    broken = runner.invoke(audit, ["verify", "province:zhejiang"])
    assert (broken.exit_code, "breaks at entry 1" in broken.output) == (1, True)
    assert runner.invoke(audit, ["verify", "platform"]).exit_code == 0
    for command_line in (["verify", "province:typo"], ["checkpoint", "province:typo"]):
        assert runner.invoke(audit, command_line).exit_code != 0
