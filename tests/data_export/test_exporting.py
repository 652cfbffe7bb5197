"""Exporting: every day once, whole or not at all, and each city for itself."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from sqlalchemy import select, update

from smartcity_saas.data_export import export_cities
from smartcity_saas.data_export import exporting as module
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, Invalid
from smartcity_saas.measures import CityMeasure, Measure, count, note_days
from smartcity_saas.measures.export_folder import ExportFolder, Level, Manifest, Values
from tests.support.exporting import BILLS, CLINIC, DAYS, Exporting

COLUMNS = ("day", "service", "channel", "measure", "detail", "value")


def files(folder: ExportFolder) -> dict[Path, int]:
    """Every file of figures, and when it was written."""
    found = folder.root.rglob("*.parquet")
    return {path.relative_to(folder.root): path.stat().st_mtime_ns for path in found}


def exported(folder: ExportFolder, province: str, slug: str) -> set[tuple[Any, ...]]:
    """What any reader of such folders finds of a city."""
    there = folder.city(province, slug)
    found = set()
    for path in there.rglob("*.parquet"):
        key = path.parent.name.partition("=")[2]
        for row in pyarrow.parquet.ParquetFile(path).read().to_pylist():
            day = row.get("day") or date.fromisoformat(key)
            found.add((day, *(row[name] for name in COLUMNS[1:])))
    return found


def stored(exporting: Exporting, slug: str) -> set[tuple[Any, ...]]:
    """What the database has of a city."""
    db.session.rollback()
    columns = (getattr(CityMeasure, name) for name in COLUMNS)
    city_id = exporting.world.city_id(slug)
    return {tuple(row) for row in db.session.execute(select(*columns).where(CityMeasure.city_id == city_id))}  # fmt: skip


@pytest.mark.parametrize("level", Level)
def test_a_folder_has_every_city_by_province_and_day(exporting: Exporting, level: Level) -> None:
    """Exact figures are those of the database, each city's in its own folder, and a manifest has each
    file with its rows and its SHA-256."""
    folder = exporting.make(Values.EXACT, level)
    done = exporting.run(folder)
    assert {one.problem for one in done.values()} == {""}
    for province, slug in (("zhejiang", "hangzhou"), ("zhejiang", "ningbo"), ("shanghai", "shanghai")):  # fmt: skip
        assert exported(folder, province, slug) == stored(exporting, slug)
        listed = json.loads(folder.manifest_path(province, slug).read_text())
        assert len(listed["partitions"]) == done[slug].written
        for one in listed["partitions"].values():
            content = (folder.city(province, slug) / one["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == one["sha256"]
        assert sum(one["rows"] for one in listed["partitions"].values()) == done[slug].rows
    if level is Level.DAY:
        day = exporting.yesterday
        assert folder.file("zhejiang", "hangzhou", f"{day}").is_file()
        assert done["hangzhou"].written == DAYS


@pytest.mark.parametrize("level", Level)
def test_a_second_run_writes_only_what_changed(exporting: Exporting, level: Level) -> None:
    """Nothing is written twice; a day to which something came late is, and today's once it is over."""
    folder = exporting.make(level=level)
    exporting.run(folder)
    before = files(folder)
    assert {one.written for one in exporting.run(folder).values()} == {0}
    assert files(folder) == before
    late = exporting.yesterday - timedelta(days=50)
    then = exporting.world.clock() - timedelta(days=51)
    with exporting.world.inside("ningbo"):
        count(BILLS, Measure.DONE, then, channel="web")
        count(BILLS, Measure.DONE, exporting.world.clock(), channel="web")
    done = exporting.run(folder)
    assert {slug: one.written for slug, one in done.items()} == {"hangzhou": 0, "ningbo": 1, "shanghai": 0}  # fmt: skip
    changed = {path for path, at in files(folder).items() if before.get(path) != at}
    assert changed == {folder.file("zhejiang", "ningbo", level.key(late)).relative_to(folder.root)}
    exporting.world.clock.move(days=1)
    assert exporting.run(folder)["ningbo"].written == 1


def test_today_is_exported_only_where_it_is_asked_for_and_exact(exporting: Exporting) -> None:
    """From two states of a day that is not over, one could read what came between."""
    today = exporting.yesterday + timedelta(days=1)
    with exporting.world.inside("hangzhou"):
        count(BILLS, Measure.DONE, exporting.world.clock(), channel="web")
    told, exact = exporting.make(), exporting.make(Values.EXACT, name="exact")
    for folder, there in ((told, False), (exact, True)):
        exporting.run(folder, "hangzhou", last=today)
        assert folder.file("zhejiang", "hangzhou", f"{today}").exists() is there
    with exporting.world.inside("hangzhou"):
        count(BILLS, Measure.DONE, exporting.world.clock(), channel="web")
    assert exporting.run(exact, "hangzhou", last=today)["hangzhou"].written == 1


def test_only_the_days_that_are_asked_for(exporting: Exporting) -> None:
    """By days exactly those; by months the whole month, so that a file never loses days."""
    first, last = exporting.yesterday - timedelta(days=70), exporting.yesterday - timedelta(days=61)
    days = exporting.make()
    assert exporting.run(days, "hangzhou", first=first, last=last)["hangzhou"].written == 10
    months = exporting.make(level=Level.MONTH, name="months")
    exporting.run(months, "hangzhou")
    before = exported(months, "zhejiang", "hangzhou")
    exporting.add("hangzhou", [(first, BILLS, "api", "done", "", 9)])
    exporting.run(months, "hangzhou", first=first, last=last)
    assert len(exported(months, "zhejiang", "hangzhou")) > len(before) - 2
    assert {row[0] for row in exported(months, "zhejiang", "hangzhou")} == {row[0] for row in before}  # fmt: skip


def test_what_is_given_away_has_no_counts_of_few(exporting: Exporting) -> None:
    """Under five nothing is told, and no amount behind which fewer stand; a channel of few is told
    with the others together."""
    folder = exporting.make()
    exporting.run(folder)
    rows = exported(folder, "zhejiang", "hangzhou")
    told = [row for row in rows if row[3] != "offered"]
    assert not any(row[5] is not None and 0 < row[5] < 5 for row in told)
    clinics = [row for row in told if row[1] == CLINIC and row[3] == "done"]
    assert {row[2] for row in clinics} == {"all"}
    assert {row[5] for row in clinics} == {9, 10, 11}
    assert {row[5] for row in told if row[3] == "outage"} == {None}
    assert {row[5] for row in rows if row[3] == "offered"} == {1}


def test_a_city_that_fails_is_told_and_the_others_go_on(exporting: Exporting) -> None:
    """One city's failure is its own: here something lies where its folder should be."""
    folder = exporting.make()
    there = folder.city("zhejiang", "hangzhou")
    there.parent.mkdir(parents=True)
    there.write_text("in the way")
    done = exporting.run(folder)
    assert str(there) in done["hangzhou"].problem
    assert {slug for slug, one in done.items() if not one.problem} == {"ningbo", "shanghai"}
    there.unlink()
    assert exporting.run(folder)["hangzhou"].written == DAYS


def test_what_is_no_word_of_a_list_is_not_exported(exporting: Exporting) -> None:
    """A detail into which somebody's number came stops its city, and is not repeated in the message."""
    number = "330102199003070018"
    exporting.add("ningbo", [(exporting.yesterday, BILLS, "web", "refused", number, 7)])
    folder = exporting.make()
    done = exporting.run(folder)
    assert "no word of a short list" in done["ningbo"].problem
    assert number not in done["ningbo"].problem
    assert not done["hangzhou"].problem
    assert not any(number.encode() in path.read_bytes() for path in folder.root.rglob("*.parquet"))


@pytest.mark.parametrize("harm", ["gone", "half"])
def test_a_file_that_is_not_whole_is_written_again(exporting: Exporting, harm: str) -> None:
    """After a loss of power a file may be empty: what the manifest says is looked at."""
    folder = exporting.make()
    exporting.run(folder, "hangzhou")
    path = folder.file("zhejiang", "hangzhou", f"{exporting.yesterday}")
    whole = path.read_bytes()
    path.unlink() if harm == "gone" else path.write_bytes(whole[:100])
    assert exporting.run(folder, "hangzhou")["hangzhou"].written == 1
    assert path.read_bytes() == whole


def test_a_manifest_that_cannot_be_read_is_made_anew(exporting: Exporting) -> None:
    """Half a manifest, or that of another city that had the slug before, says nothing."""
    folder = exporting.make()
    exporting.run(folder, "hangzhou")
    path = folder.manifest_path("zhejiang", "hangzhou")
    path.write_text(path.read_text()[:200])
    assert exporting.run(folder, "hangzhou")["hangzhou"].written == DAYS
    other = folder.manifest("zhejiang", "hangzhou")
    folder.keep_manifest("zhejiang", "hangzhou", Manifest(999, other.partitions))
    assert exporting.run(folder, "hangzhou")["hangzhou"].written == DAYS


def test_two_runs_do_not_write_to_one_folder(exporting: Exporting) -> None:
    """The second is told, and the first goes on."""
    folder = exporting.make()
    world = exporting.world
    db.session.rollback()
    first = export_cities(folder, [world.city("hangzhou"), world.city("ningbo")], world.clock())
    next(first)
    with pytest.raises(Conflict):
        next(export_cities(folder, [world.city("shanghai")], world.clock()))
    assert [one.city for one in first] == ["ningbo"]


def test_exact_and_suppressed_figures_never_share_a_folder(exporting: Exporting) -> None:
    """The one that is given away and the installation's own are kept apart, the latter 0700."""
    exact = exporting.make(Values.EXACT, Level.MONTH)
    assert stat.S_IMODE(exact.root.stat().st_mode) == 0o700
    with pytest.raises(Invalid, match="exact figures by month"):
        exporting.make(Values.SUPPRESSED, Level.MONTH)
    with pytest.raises(Invalid, match="exact figures by month"):
        exporting.make(Values.EXACT, Level.DAY)
    (exporting.folder / "other").mkdir()
    (exporting.folder / "other" / "notes.txt").touch()
    with pytest.raises(Invalid, match="no folder of an export"):
        exporting.make(name="other")


def test_a_mark_of_what_is_given_away_tells_nothing_of_the_day(exporting: Exporting) -> None:
    """How often a day was added to is about how much there was: suppressed folders do not have it."""
    folder = exporting.make()
    exporting.run(folder, "hangzhou")
    marks = set(folder.manifest("zhejiang", "hangzhou").days().values())
    assert len(marks) == DAYS
    assert not any(mark.isdecimal() and len(mark) < 6 for mark in marks)


def test_what_comes_while_a_city_is_written_is_written_the_next_time(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marks are read first, so a day that is added to meanwhile is never taken for finished."""
    folder, wanted = exporting.make(Values.EXACT), module._wanted
    city_id = exporting.world.city_id("hangzhou")

    def added_to(*arguments: Any) -> Any:
        found = wanted(*arguments)
        with transaction() as session:
            session.execute(
                update(CityMeasure)
                .where(CityMeasure.day == exporting.yesterday)
                .values(value=CityMeasure.value + 100)
            )
            note_days([(city_id, exporting.yesterday)])
        return found

    monkeypatch.setattr(module, "_wanted", added_to)
    exporting.run(folder, "hangzhou")
    monkeypatch.undo()
    assert exporting.run(folder, "hangzhou")["hangzhou"].written == 1
    assert exported(folder, "zhejiang", "hangzhou") == stored(exporting, "hangzhou")
