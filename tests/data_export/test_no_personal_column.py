"""No personal column can reach an export: every column, by its declaration."""

from __future__ import annotations

import re

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.audit import AuditEvent
from smartcity_saas.catalog.datasets import Column, ColumnType
from smartcity_saas.data_export import DATASETS, ExportedDataset
from smartcity_saas.data_export.datasets import TABLES_OF_SUMS, WORD
from smartcity_saas.database import CityModel, PlatformModel
from smartcity_saas.database.models import Base
from smartcity_saas.identity.staff.models import Staff
from smartcity_saas.measures import MeasureEvent
from smartcity_saas.measures.export_folder import Level
from tests.support.exporting import Exporting

TEXT = {"zh": "某列", "en": "A column"}
MADE = {"suppressed"}
"""Columns that come from no table: whether a value is left out."""


def every_model() -> list[type]:
    """Every table's class."""
    return [mapper.class_ for mapper in Base.registry.mappers]


def test_every_exported_column_comes_from_a_table_of_sums() -> None:
    """Each column of each dataset, by what it says of itself: keys, words and sums, nobody's row."""
    assert DATASETS
    for dataset in DATASETS:
        for column in dataset.columns:
            assert column.sources or column.name in MADE, column.name
            for source in column.sources:
                owner = source.class_
                assert owner in TABLES_OF_SUMS
                assert issubclass(owner, PlatformModel)
                assert getattr(owner, "personal_data", None) is None
                assert source.key == column.name
    for table in TABLES_OF_SUMS:
        names = {column.name for column in table.__table__.columns}
        assert not any(re.search("resident|patient|staff|name|phone|holder", one) for one in names)
        assert not any(column.foreign_keys for column in table.__table__.columns)


def test_no_other_table_can_be_exported() -> None:
    """A column of a city's own table, of staff, of the audit log or of what is appended one by one
    cannot be declared: whoever adds one is told why."""
    others = [model for model in every_model() if model not in TABLES_OF_SUMS]
    assert {AuditEvent, Staff, MeasureEvent} <= set(others)
    assert any(issubclass(model, CityModel) for model in others)
    for model in others:
        source = getattr(model, next(iter(model.__mapper__.column_attrs)).key)
        with pytest.raises(ValueError, match=r"personal data|no table of sums"):
            ExportedDataset("x", (Column("x", ColumnType.TEXT, TEXT, TEXT, sources=(source,)),))


def test_a_file_has_the_declared_columns_and_no_other(exporting: Exporting) -> None:
    """What is written is what is declared, by day and by month."""
    [dataset] = DATASETS
    declared = [column.name for column in dataset.columns]
    for level, names in ((Level.MONTH, declared), (Level.DAY, declared[1:])):
        folder = exporting.make(level=level, name=level.value)
        exporting.run(folder, "hangzhou")
        for path in folder.root.rglob("*.parquet"):
            assert pyarrow.parquet.read_schema(path).names == names


@given(st.from_regex(r"[1-9]\d{10}|\d{17}[\dX]|浙[A-Z]\d{5}|.* .*|.*@.*", fullmatch=True))
def test_what_could_be_somebodys_is_no_word(text: str) -> None:
    """Telephones, resident numbers, plates, sentences and addresses are none."""
    assert not WORD.fullmatch(text)


def test_the_words_that_are_counted_are_words() -> None:
    """Reasons, buckets, currencies, times of day and channels pass."""
    for word in ("", "provider_unreachable", "15552000", "more", "CNY", "08:15", "web", "desk-2"):
        assert WORD.fullmatch(word)
