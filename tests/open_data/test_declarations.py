"""What a dataset may hold: declared columns, of which none is of a table with personal data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from smartcity_saas.catalog.datasets import (
    Column,
    ColumnType,
    Dataset,
    DatasetQuery,
    Frequency,
)
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.extensions import OWN_DATASETS
from smartcity_saas.database.models import Base
from smartcity_saas.database.transactions import db
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.open_data.own_datasets import OWN
from smartcity_saas.open_data.performance import last_whole_day
from smartcity_saas.open_data.publication import (
    MOST_DAYS,
    installed_datasets,
    read_days,
    read_table,
)
from smartcity_saas.services.hospital_appointments.models import Patient
from tests.support.clinic import Clinic
from tests.support.world import World

WORDS = {"zh": "字", "en": "word"}


def made_of(source: object) -> Dataset:
    """A dataset of one column of a table."""
    column = Column("name", ColumnType.TEXT, WORDS, WORDS, sources=(source,))  # type: ignore[arg-type]
    return Dataset("people", WORDS, WORDS, (column,), ("name",), lambda query: [])


@pytest.mark.parametrize("source", [Resident.name, Patient.relation, Patient.id], ids=str)
def test_a_column_of_personal_data_cannot_be_declared(source: object) -> None:
    """Promise: no dataset has a column of a table whose rows are about a resident, not even one
    that says little."""
    with pytest.raises(ValueError, match="personal data, which no dataset has"):
        made_of(source)


def test_every_column_says_where_it_comes_from(empty: World) -> None:
    """Promise: of every installed dataset, each column is declared with type, title and meaning in
    both languages, and comes from tables that hold nothing about a resident."""
    found = installed_datasets()
    assert len(found) >= 5
    for dataset in found:
        names = [column.name for column in dataset.columns]
        assert len(set(names)) == len(names)
        assert set(dataset.key) <= set(names), dataset.name
        assert dataset.by_day == ("day" in names and dataset.frequency is Frequency.DAILY)
        for column in dataset.columns:
            assert all([*column.title.values(), *column.description.values()]), column
            assert set(column.title) == set(column.description) == {"zh", "en"}
            for source in column.sources:
                assert getattr(source.class_, "personal_data", None) is None, (dataset, column)


def test_documents_know_the_datasets_by_name(empty: World) -> None:
    """Promise: a document can open and close every dataset that there is, and no name is used twice."""
    names = [one.name for one in installed_datasets()]
    assert tuple(one.name for one in OWN) == OWN_DATASETS
    assert [*empty.app.registry.extensions.datasets] == names
    assert len(set(names)) == len(names)


@pytest.fixture
def read_tables() -> Iterator[set[str]]:
    """The tables that statements name while a test runs."""
    found: set[str] = set()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        words = set(statement.replace('"', " ").replace(",", " ").replace(".", " ").split())
        found.update(words & set(Base.metadata.tables))

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


def test_reading_a_dataset_reads_nothing_about_anybody(
    clinic: Clinic, read_tables: set[str]
) -> None:
    """Promise: what no column declares is not read on the way either: no statement of a dataset
    names a table with personal data."""
    world, city = clinic.world, clinic.world.city("hangzhou")
    clinic.book("zhang")
    personal = {
        mapper.local_table.name
        for mapper in Base.registry.mappers
        if getattr(mapper.class_, "personal_data", None) is not None
    }
    assert {"resident", "appointment", "patient"} <= personal
    days = read_days(city, world.clock(), "", "")
    with world.inside("hangzhou"):
        read_tables.clear()
        for dataset in installed_datasets():
            read_table(dataset, city, world.clock(), days)
    assert "clinic_place" in read_tables
    assert read_tables & personal == set()


def test_a_citys_data_are_its_own(clinic: Clinic) -> None:
    """Promise: no dataset of one city has a row that another city's doings changed."""
    world = clinic.world
    other = Clinic(world, "ningbo")

    def rows(slug: str) -> dict[str, tuple[object, ...]]:
        city = world.city(slug)
        with world.inside(slug):
            days = read_days(city, world.clock(), "", "")
            return {
                one.name: read_table(one, city, world.clock(), days).rows
                for one in installed_datasets()
            }

    before = rows("hangzhou")
    other.bring({"hospital_code": "h9", "hospital_en": "Elsewhere", "capacity": "9"})
    other.book("wang")
    assert rows("hangzhou") == before
    assert any("Elsewhere" in str(found) for found in rows("ningbo").values())
    shanghai = rows("shanghai")
    assert shanghai["clinic_places"] == shanghai["clinic_fees"] == ()


def test_free_places_are_counted(clinic: Clinic) -> None:
    """Promise: a booking takes one of the free places and none of all places; a department whose
    clinic is called off stands there no more."""
    world, city = clinic.world, clinic.world.city("hangzhou")
    dataset = next(one for one in installed_datasets() if one.name == "clinic_places")
    names = [column.name for column in dataset.columns]

    def only() -> dict[str, object]:
        with world.inside("hangzhou"):
            days = (today_in(city.timezone, world.clock()),) * 2
            (row,) = read_table(dataset, city, world.clock(), days).rows
        return dict(zip(names, row, strict=True))

    assert (only()["places"], only()["free"], only()["bookable"]) == (3, 3, True)
    clinic.book("zhang")
    assert (only()["places"], only()["free"]) == (3, 2)


def test_the_days_of_a_file_are_bounded(world: World) -> None:
    """Promise: a file by day has a year at the most; days that are none are said so."""
    city, now = world.city("hangzhou"), world.clock()
    first, last = read_days(city, now, "", "")
    assert last == last_whole_day(city, now)
    assert (last - first).days == MOST_DAYS - 1
    assert [str(day) for day in read_days(city, now, "2024-01-01", "2024-12-31")] == [
        "2024-01-01",
        "2024-12-31",
    ]
    for since, until in (
        ("2024-01-01", "2025-01-01"),
        ("2025-01-02", "2025-01-01"),
        ("yesterday", ""),
        ("", "0001-01-01"),
    ):
        with pytest.raises(Exception, match=r"day"):
            read_days(city, now, since, until)


def test_rows_that_are_too_many_are_cut_and_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a file that does not hold every row says so."""
    monkeypatch.setattr("smartcity_saas.open_data.publication.MOST_ROWS", 2)

    def rows(query: DatasetQuery) -> Iterator[tuple[str]]:
        return iter([(str(uuid.uuid4()),)] * 3)

    column = Column("name", ColumnType.TEXT, WORDS, WORDS)
    dataset = Dataset("many", WORDS, WORDS, (column,), ("name",), rows)
    city, now = world.city("hangzhou"), world.clock()
    table = read_table(dataset, city, now, read_days(city, now, "", ""))
    assert (len(table.rows), table.complete) == (2, False)
