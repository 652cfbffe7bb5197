"""The chain of a city's trail: what is done to it afterwards is found, and where."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from smartcity_saas.audit import (
    Checkpoint,
    CityAuditEvent,
    city_trail,
    record,
    system,
    verify_trail,
)
from smartcity_saas.audit import checkpoint as newest
from smartcity_saas.cli.auditing import audit
from smartcity_saas.database import command, db
from tests.conftest import World, fresh


def act(world: World, city: str, count: int = 1, **more: Any) -> None:
    for number in range(count):
        with world.inside(city), command():
            record(
                system("test"), "test.act", f"thing {number}", {"n": number}, world.clock(), **more
            )


def tamper(world: World, sql: str) -> None:
    """Do to the trail what only the keeper of the database could."""
    engine = create_engine(world.app.config["SETTINGS"].owner_url)
    with engine.begin() as connection:
        if world.engine == "postgresql":
            connection.execute(text("ALTER TABLE city_audit_event NO FORCE ROW LEVEL SECURITY"))
            connection.execute(text("ALTER TABLE audit_head NO FORCE ROW LEVEL SECURITY"))
            connection.execute(text(sql))
            connection.execute(text("ALTER TABLE city_audit_event FORCE ROW LEVEL SECURITY"))
            connection.execute(text("ALTER TABLE audit_head FORCE ROW LEVEL SECURITY"))
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


def verdict(world: World, city: str, kept: Checkpoint | None = None) -> Any:
    db.session.rollback()
    with world.inside(city):
        return verify_trail(kept)


def test_every_city_has_a_chain_of_its_own(world: World) -> None:
    """Acts of two cities, one after the other, make two chains, each counted from one."""
    for _round in range(3):
        act(world, "hangzhou")
        act(world, "ningbo")
    for city in ("hangzhou", "ningbo"):
        found = verdict(world, city)
        assert (found.count, found.found) == (3, None)
    with world.inside("hangzhou"):
        first = city_trail()[-1].hash
    with world.inside("ningbo"):
        assert city_trail()[-1].hash != first


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
    assert verdict(world, "hangzhou").found is None
    tamper(world, sql)
    found = verdict(world, "hangzhou").found
    assert (found.number, found.reason) == (number, reason)


def test_a_cut_end_is_found_by_what_was_kept_outside(world: World) -> None:
    """Whoever cuts the end and mends the head leaves a whole chain; the checkpoint shows it."""
    act(world, "hangzhou", 4)
    with world.inside("hangzhou"):
        kept = newest()
    tamper(world, "DELETE FROM city_audit_event WHERE number > 2")
    with world.inside("hangzhou"):
        last = city_trail()[0]
    tamper(world, f"UPDATE audit_head SET number = 2, hash = '{last.hash}'")
    assert verdict(world, "hangzhou").found is None
    assert verdict(world, "hangzhou", kept).found.reason == "cut"


def test_a_trail_written_anew_is_found_by_what_was_kept_outside(world: World) -> None:
    """A chain that is whole by itself and not the one that was seen."""
    act(world, "hangzhou", 2)
    with world.inside("hangzhou"):
        kept = newest()
    tamper(world, "DELETE FROM city_audit_event")
    tamper(world, "DELETE FROM audit_head")
    act(world, "hangzhou", 3)
    assert verdict(world, "hangzhou").found is None
    found = verdict(world, "hangzhou", kept).found
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
    found = verdict(world, "hangzhou")
    assert (found.count, found.found) == (32, None)


def test_work_taken_back_leaves_no_act(world: World) -> None:
    """A rolled-back command, and a rolled-back part of one, note nothing; the rest stays."""
    with world.inside("hangzhou"):
        with pytest.raises(ZeroDivisionError), command():
            record(system("test"), "test.lost", "whole")
            raise ZeroDivisionError
        with command() as session:
            record(system("test"), "test.kept", "before")
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                record(system("test"), "test.lost", "part")
                with session.begin_nested():
                    record(system("test"), "test.lost", "part of a part")
                raise ZeroDivisionError
            record(system("test"), "test.kept", "after")
    with world.inside("hangzhou"):
        assert [e.subject for e in city_trail()] == ["after", "before"]
        assert verify_trail().found is None


def test_the_application_cannot_change_an_act(world: World) -> None:
    """The database itself refuses, on both engines."""
    act(world, "hangzhou")
    with world.inside("hangzhou"), pytest.raises(DBAPIError), command() as session:
        found = session.get_one(CityAuditEvent, (world.city("hangzhou").id, city_trail()[0].id))
        found.subject = "other"
        session.flush()


def test_a_reason_holds_no_long_number(world: World) -> None:
    """Somebody types a telephone number into a reason: the chain, which nobody can mend, does
    not keep it."""
    act(world, "hangzhou", reason="asked by 13800000000")
    with world.inside("hangzhou"):
        assert city_trail()[0].reason == "asked by …"


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
        said = [(e.actor, e.origin) for e in city_trail()]
    assert said[0] == ("staff:staff-hangzhou", "console 127.0.0.0/24")
    assert said[-1][0].startswith("resident:")
    assert said[-1][1] == "site"


def test_the_page_searches_and_checks(world: World) -> None:
    """Found by act; the check says that every link holds, and where one does not."""
    act(world, "hangzhou", 3)
    staff = world.city_staff("hangzhou")
    page = staff.get("/cities/hangzhou/audit?text=thing+1&check=1").text
    assert "thing 1" in page
    assert "thing 2" not in page
    assert "3 acts, every link holds" in page
    tamper(world, "UPDATE city_audit_event SET subject = 'x' WHERE number = 2")
    assert "breaks at act 2" in staff.get("/cities/hangzhou/audit?check=1").text
    assert "thing 0" in staff.get("/cities/hangzhou/audit.csv").text


def test_the_command_says_where_it_breaks(world: World, tmp_path: Path) -> None:
    """``audit checkpoint`` and ``audit verify``: exit code 1 and the act at which it breaks."""
    act(world, "hangzhou", 3)
    runner = CliRunner()
    kept = tmp_path / "checkpoint.json"
    kept.write_text(runner.invoke(audit, ["checkpoint", "hangzhou"]).output)
    assert json.loads(kept.read_text())["number"] == 3
    whole = runner.invoke(audit, ["verify", "hangzhou", "--checkpoint", str(kept)])
    assert (whole.exit_code, "every link holds" in whole.output) == (0, True)
    tamper(world, "UPDATE city_audit_event SET actor = 'staff:other' WHERE number = 2")
    broken = runner.invoke(audit, ["verify", "hangzhou"])
    assert (broken.exit_code, "breaks at act 2" in broken.output) == (1, True)
