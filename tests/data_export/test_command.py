"""``smartcity data``: what it says, whom it needs, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from smartcity_saas.audit import AuditEvent
from smartcity_saas.cli.data import data
from smartcity_saas.cli.operations import doctor
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid, NotAllowed, NotFound
from smartcity_saas.measures.export_folder import ExportFolder, Level, Values
from tests.support.exporting import DAYS, Exporting
from tests.support.product import other_settings


def run(*words: str | Path, code: int = 0) -> Result:
    """The command within the application; whatever it refuses is raised."""
    db.session.rollback()
    answer = CliRunner().invoke(data, [str(word) for word in words])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    assert answer.exit_code == code, answer.output
    return answer


def test_what_was_written_is_told_city_by_city(exporting: Exporting) -> None:
    """For people as it goes on, for programs as JSON; a province or a city where one is named."""
    out = exporting.folder / "out"
    said = run("export", "--to", out, "--province", "zhejiang").output
    assert f"[1/2] hangzhou: {DAYS} files written" in said
    assert "2 cities in" in said
    assert "suppressed figures by day" in said
    again = run("export", "--to", out, "--city", "shanghai", "--city", "ningbo", "--format", "json")
    told: Any = json.loads(again.stdout)
    assert [(one["city"], one["written"], one["same"]) for one in told] == [
        ("shanghai", DAYS, 0),
        ("ningbo", 0, DAYS),
    ]
    for wrong in (["--city", "atlantis"], ["--province", "atlantis"]):
        with pytest.raises(NotFound, match="atlantis"):
            run("export", "--to", out, *wrong)
    swapped = run("export", "--to", out, "--from", "2026-02-01", "--to-day", "2026-01-01", code=2)
    assert "--from 2026-02-01 is after" in swapped.output


def test_a_city_that_failed_shows_in_the_exit_code(exporting: Exporting) -> None:
    """A night's run that left one out does not pass for a whole one."""
    folder = exporting.make()
    there = folder.city("zhejiang", "ningbo")
    there.parent.mkdir(parents=True)
    there.touch()
    said = run("export", "--to", folder.root, code=1).output
    assert "1 city not finished: ningbo. Run it again." in said
    assert "2 cities in" in said


def test_exact_figures_are_an_operators_and_audited(exporting: Exporting) -> None:
    """Counts of few leave the installation only in somebody's name, who is asked and noted."""
    world, out = exporting.world, exporting.folder / "exact"
    world.operator()
    world.province_admin()
    words = ("export", "--to", out, "--exact", "--city", "hangzhou")
    with pytest.raises(Invalid, match="--operator NAME"):
        run(*words)
    for other in ("admin-zhejiang", "nobody"):
        with pytest.raises(NotAllowed, match=other):
            run(*words, "--operator", other)
    assert not out.exists()
    run(*words, "--operator", "root")
    found = ExportFolder.open(out)
    assert found is not None
    assert found.values is Values.EXACT
    db.session.rollback()
    query = select(AuditEvent).where(AuditEvent.action == "data.export_exact")
    [noted] = db.session.scalars(query)
    assert (noted.actor, noted.place, noted.detail) == ("system:cli", "platform", {"by": "root"})
    page = world.client("console.localhost")
    page.post("/sign-in", username="root", password="correct horse battery")
    assert "Exported exact figures" in page.get("/platform/audit").text


def test_the_installations_own_folder_is_not_given_away(exporting: Exporting) -> None:
    """It is brought up to date by a command of its own, and no export goes into it."""
    with pytest.raises(Invalid, match="SMARTCITY_DATA_DIR is not set"):
        run("refresh")
    own = exporting.folder / "own"
    with other_settings(exporting.world.app, data_dir=own):
        assert "exact figures by month" in run("refresh").output
        for place in (own, own / "measures"):
            with pytest.raises(Invalid, match="not given away"):
                run("export", "--to", place)
        assert ": 0 files written" in run("refresh").output
    found = ExportFolder.open(own)
    assert found is not None
    assert (found.values, found.level) == (Values.EXACT, Level.MONTH)


def test_doctor_looks_at_the_folder(exporting: Exporting) -> None:
    """A folder that nobody fills or that grew old is told; without one there is nothing to tell."""
    own, world = exporting.folder / "own", exporting.world

    def said() -> list[tuple[bool | None, str]]:
        answer = CliRunner().invoke(doctor, ["--format", "json"])
        rows = json.loads(answer.stdout)
        return [(one["ok"], one["detail"]) for one in rows if one["check"] == "data folder"]

    assert said() == []
    with other_settings(world.app, data_dir=own):
        assert [fine for fine, _detail in said()] == [None]
        run("refresh")
        assert said() == [(True, "")]
        world.clock.move(days=3)
        [(fine, detail)] = said()
        assert fine is None
        assert "every night" in detail


LOADED = """
import sys
from smartcity_saas.app import create_app
from smartcity_saas.settings import Settings
create_app(Settings.from_environment({"SMARTCITY_DEMO": "1"}), serving=False)
print("loaded:", sorted({"duckdb", "pyarrow"} & set(sys.modules)))
"""


def test_a_server_that_exports_nothing_loads_no_engine(tmp_path: Path) -> None:
    """DuckDB and Arrow cost memory and time to start: whoever needs neither has neither."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "loaded: []", done.stderr
