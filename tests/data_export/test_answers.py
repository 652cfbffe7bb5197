"""Long windows from the installation's own folder: always what the database alone would answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from smartcity_saas.database import db
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.measures import (
    Measure,
    Window,
    count,
    count_offered,
    exported_days,
    fold_all,
    series_of,
    totals_of,
)
from smartcity_saas.measures.export_folder import ExportFolder, Level, Values
from tests.support.exporting import BILLS, CITIES, CLINIC, DAYS, Exporting
from tests.support.product import other_settings


@pytest.fixture
def own(exporting: Exporting) -> Iterator[ExportFolder]:
    """The installation's own folder, filled and named in the settings."""
    folder = exporting.make(Values.EXACT, Level.MONTH, "own")
    exporting.run(folder)
    with other_settings(exporting.world.app, data_dir=folder.root):
        yield folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many days the engine was asked for, each time."""
    found: list[int] = []
    real = exported_days.sum_files

    def spy(files: Any, cities: Any, days: Any, question: Any) -> Any:
        found.append(len(days))
        return real(files, cities, days, question)

    monkeypatch.setattr(exported_days, "sum_files", spy)
    return found


def answers(exporting: Exporting, cities: list[int], window: Window) -> list[Any]:
    """Every kind of question."""
    db.session.rollback()
    return [
        totals_of(cities, window),
        totals_of(cities, window, [BILLS]),
        totals_of(cities, window, []),
        series_of(cities, window),
        series_of(cities, window, Measure.AMOUNT),
        series_of(cities, list(window)[::7]),
        series_of(cities, window, Measure.WAIT, [CLINIC]),
    ]


def same(exporting: Exporting, window: Window, *slugs: str) -> None:
    """The folder's answers are the database's."""
    cities = [exporting.world.city_id(slug) for slug in slugs or CITIES]
    found = answers(exporting, cities, window)
    with other_settings(exporting.world.app, data_dir=None):
        assert found == answers(exporting, cities, window)
    assert found[0], "an empty answer says nothing"


def year(exporting: Exporting) -> Window:
    """A year up to today."""
    return Window.ending(exporting.yesterday + timedelta(days=1), 365)


def test_a_long_window_is_the_same_from_either(
    exporting: Exporting, own: ExportFolder, asked: list[int]
) -> None:
    """Sums, days behind them, outages and series, of all cities and of one; a short one is the
    database's."""
    same(exporting, year(exporting))
    same(exporting, year(exporting), "ningbo")
    same(exporting, Window.ending(exporting.yesterday - timedelta(days=9), 91))
    assert set(asked) == {DAYS, 91}
    asked.clear()
    same(exporting, Window.ending(exporting.yesterday, 90))
    assert asked == []


def test_days_after_the_export_come_from_the_database(
    exporting: Exporting, own: ExportFolder, asked: list[int]
) -> None:
    """Today's, folded or not, and days that were added to since: none twice, none left out."""
    world, now = exporting.world, exporting.world.clock()
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, now, waited=timedelta(seconds=4))
        count_offered(now)
        count(BILLS, Measure.DONE, now - timedelta(days=31))
    same(exporting, year(exporting))
    assert asked[0] == DAYS - 1  # the day to which something waits to be added is the database's
    fold_all()
    same(exporting, year(exporting))
    world.clock.move(days=2)
    with world.inside("shanghai"):
        count(CLINIC, Measure.DONE, world.clock(), channel="alipay")
    same(exporting, year(exporting))
    exporting.run(own)
    asked.clear()
    same(exporting, year(exporting))
    assert asked[0] == DAYS + 1


def test_a_fold_in_between_is_noticed(
    exporting: Exporting, own: ExportFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is folded while the files are read is in neither half; then the database answers."""
    real = exported_days.sum_files

    def meanwhile(*arguments: Any) -> Any:
        found = real(*arguments)
        db.session.rollback()
        with exporting.world.inside("hangzhou"):
            count(BILLS, Measure.DONE, exporting.world.clock() - timedelta(days=31))
        fold_all()
        return found

    window, city = year(exporting), exporting.world.city_id("hangzhou")
    before = totals_of([city], window)[city, BILLS][Measure.DONE]
    monkeypatch.setattr(exported_days, "sum_files", meanwhile)
    db.session.rollback()
    assert totals_of([city], window)[city, BILLS][Measure.DONE] == before + 1


def test_a_city_that_is_not_in_the_folder_is_answered_too(
    exporting: Exporting, asked: list[int]
) -> None:
    """Its failure in the night's run costs the others nothing."""
    folder = exporting.make(Values.EXACT, Level.MONTH, "own")
    exporting.run(folder, "hangzhou", "shanghai")
    with other_settings(exporting.world.app, data_dir=folder.root):
        same(exporting, year(exporting))
        assert asked[0] == DAYS
        same(exporting, year(exporting), "ningbo")


def _gone(folder: ExportFolder) -> None:
    for path in folder.root.rglob("*.parquet"):
        path.unlink()


def _half(folder: ExportFolder) -> None:
    for path in folder.root.rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:50])


def _no_manifests(folder: ExportFolder) -> None:
    for path in folder.root.rglob("_manifest.json"):
        path.write_text("{")


def _of_another_version(folder: ExportFolder) -> None:
    (folder.root / "_folder.json").write_text('{"format": 99}')


@pytest.mark.parametrize("harm", [_gone, _half, _no_manifests, _of_another_version])
def test_a_folder_that_cannot_be_read_costs_no_answer(
    exporting: Exporting, own: ExportFolder, harm: Callable[[ExportFolder], None]
) -> None:
    """Then the database answers as without it."""
    harm(own)
    same(exporting, year(exporting))


def test_figures_that_are_given_away_answer_nothing(exporting: Exporting, asked: list[int]) -> None:
    """A folder with counts left out is never read for an overview."""
    folder = exporting.make(level=Level.MONTH)
    exporting.run(folder)
    with other_settings(exporting.world.app, data_dir=folder.root):
        same(exporting, year(exporting))
    assert asked == []


def test_a_city_reads_its_own_days_alone(
    exporting: Exporting, own: ExportFolder, asked: list[int]
) -> None:
    """From inside a city another's are out of reach in the folder as well."""
    world, window = exporting.world, year(exporting)
    here, other = world.city_id("hangzhou"), world.city_id("ningbo")
    with world.inside("hangzhou"):
        assert set(totals_of([here], window)) == {(here, BILLS), (here, CLINIC)}
        assert asked == [DAYS]
        for cities in ([other], [here, other]):
            with pytest.raises(TenantIsolationError):
                totals_of(cities, window)
    assert asked == [DAYS]


def test_a_city_that_had_the_slug_before_is_another_one(
    exporting: Exporting, own: ExportFolder
) -> None:
    """What lies under a slug counts only for the city that it was written of."""
    manifest = own.manifest("zhejiang", "hangzhou")
    manifest.city_id = 999
    own.keep_manifest("zhejiang", "hangzhou", manifest)
    same(exporting, year(exporting))
