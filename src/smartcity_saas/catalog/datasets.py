"""The contract of a dataset: what a city gives away, declared column by column.

A column says which columns of tables it comes from, and none of a table that holds personal data
can be one: a dataset that names such a column cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from smartcity_saas.configuration.city import City, Localized

Row = Sequence[Any]
"""The values of a row, in the order of the dataset's columns; None where one is not known."""


class ColumnType(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    """A ``Decimal`` of at most four places, such as a price."""
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    """A day of the city's own."""
    MOMENT = "moment"
    """An aware ``datetime``, written in UTC."""


class Frequency(StrEnum):
    """How often a dataset changes, in words of the Dublin Core Collection Description Frequency
    Vocabulary."""

    CONTINUOUS = "continuous"
    """It is what stands there as it is asked for."""
    DAILY = "daily"
    IRREGULAR = "irregular"


@dataclass(frozen=True)
class Column:
    """One column of a dataset.

    ``unit`` is that of its numbers (``m³``, ``s``, ``%``). ``sources`` are the columns of tables
    that it comes from; it has none where it comes from the city's document or the code. ``words``
    has what its codes mean, where it holds codes; no other code may then stand in it. Where
    ``empty`` it may say nothing.
    """

    name: str
    type: ColumnType
    title: Localized
    description: Localized
    unit: str = ""
    sources: tuple[InstrumentedAttribute[Any], ...] = ()
    words: Mapping[str, Localized] = field(default_factory=dict)
    empty: bool = False


@dataclass(frozen=True)
class DatasetQuery:
    """What to read of a dataset: of which city, as of when, at most how many rows; of a dataset by
    day from ``since`` to ``until``, both included."""

    city: City
    now: datetime
    most: int
    since: date
    until: date


@dataclass(frozen=True)
class Dataset:
    """A table that everybody may take, without a row or a column about anybody.

    ``rows`` reads it within the tenant context of the query's city, in the order of ``columns``;
    ``changed`` tells when it last changed, None where only the reading of it can tell. ``key``
    are the columns that no two rows share. ``by_day`` datasets have a row for each day, and a
    column ``day``. ``shown`` says of which cities it can be had, by their documents.
    """

    name: str
    title: Localized
    description: Localized
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows: Callable[[DatasetQuery], Iterable[Row]]
    frequency: Frequency = Frequency.IRREGULAR
    by_day: bool = False
    changed: Callable[[City, datetime], datetime | None] = lambda city, now: None
    shown: Callable[[City], bool] = lambda city: True

    def __post_init__(self) -> None:
        for column in self.columns:
            for source in column.sources:
                refuse_personal(self.name, column.name, source)

    @property
    def path(self) -> str:
        """The dataset's name in addresses."""
        return self.name.replace("_", "-")

    @property
    def is_live(self) -> bool:
        """Whether it is another one each time it is asked for."""
        return self.frequency is Frequency.CONTINUOUS


def refuse_personal(dataset: str, column: str, source: InstrumentedAttribute[Any]) -> None:
    """Raise ``ValueError`` for a column of a table that holds personal data."""
    if getattr(source.class_, "personal_data", None) is not None:
        raise ValueError(
            f"{dataset}.{column}: {source} is personal data, which no dataset has. "
            "Give what can be counted instead, such as the measures."
        )


def localized_columns(
    name: str,
    title: Localized,
    description: Localized,
    sources: tuple[InstrumentedAttribute[Any], ...] = (),
    *,
    empty: bool = False,
) -> tuple[Column, Column]:
    """The two columns of a text in both languages: ``name_zh`` and ``name_en``."""
    chinese = {"zh": f"{title['zh']}（中文）", "en": f"{title['en']} (Chinese)"}
    english = {"zh": f"{title['zh']}（英文）", "en": f"{title['en']} (English)"}
    return (
        Column(f"{name}_zh", ColumnType.TEXT, chinese, description, sources=sources, empty=empty),
        Column(f"{name}_en", ColumnType.TEXT, english, description, sources=sources, empty=empty),
    )


def currency_column(*sources: InstrumentedAttribute[Any]) -> Column:
    """The column of the currency that the amounts of a row are in."""
    return Column(
        "currency",
        ColumnType.TEXT,
        {"zh": "币种", "en": "Currency"},
        {"zh": "ISO 4217 代码", "en": "The code of ISO 4217"},
        sources=sources,
    )


def sample_column(source: InstrumentedAttribute[Any]) -> Column:
    """The column that marks a row as made up."""
    return Column(
        "sample",
        ColumnType.BOOLEAN,
        {"zh": "示例", "en": "Sample"},
        {"zh": "是不是编造的示例", "en": "Whether it is made up, as a sample"},
        sources=(source,),
    )
