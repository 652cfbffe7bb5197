"""What is exported: each column by its declaration, and of tables of sums alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smartcity_saas.catalog.datasets import Column, ColumnType, refuse_personal
from smartcity_saas.measures import CityMeasure

TABLES_OF_SUMS = (CityMeasure,)
"""The tables that an export may read: counts by day, without a row about anybody."""
WORD = re.compile(r"(?!.*\d{9})[\w.:+-]{0,40}", re.ASCII)
"""What stands in a column of words: short, without blanks, without as many digits in a row as a
telephone, a number of a card or of a person has."""


@dataclass(frozen=True)
class ExportedDataset:
    """A table of the export: ``columns`` in the order of its files.

    Raises:
        ValueError: A column comes from a table that holds personal data, or from none of sums.
    """

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        for column in self.columns:
            for source in column.sources:
                refuse_personal(self.name, column.name, source)
                if source.class_ not in TABLES_OF_SUMS:
                    raise ValueError(
                        f"{self.name}.{column.name}: {source} is of no table of sums "
                        f"({', '.join(one.__name__ for one in TABLES_OF_SUMS)}), and no other is "
                        "exported."
                    )


MEASURES = ExportedDataset(
    "measures",
    (
        Column(
            "day",
            ColumnType.DATE,
            {"zh": "日期", "en": "Day"},
            {"zh": "城市当地的日期", "en": "A day of the city's own zone"},
            sources=(CityMeasure.day,),
        ),
        Column(
            "service",
            ColumnType.TEXT,
            {"zh": "服务", "en": "Service"},
            {
                "zh": "服务的代码，空的不属于任何服务",
                "en": "The service's code; empty where it is of none",
            },
            sources=(CityMeasure.service,),
        ),
        Column(
            "channel",
            ColumnType.TEXT,
            {"zh": "渠道", "en": "Channel"},
            {"zh": "居民从哪里进来", "en": "How residents came in"},
            sources=(CityMeasure.channel,),
        ),
        Column(
            "measure",
            ColumnType.TEXT,
            {"zh": "指标", "en": "Measure"},
            {"zh": "数的是什么，见 docs/scale.md", "en": "What was counted; see docs/scale.md"},
            sources=(CityMeasure.measure,),
        ),
        Column(
            "detail",
            ColumnType.TEXT,
            {"zh": "细分", "en": "Detail"},
            {
                "zh": "指标的细分，例如等待时间的上限（秒）、币种、拒绝的原因",
                "en": "Of the measure: a waiting time's upper bound in seconds, a currency, a reason",
            },
            sources=(CityMeasure.detail,),
        ),
        Column(
            "value",
            ColumnType.INTEGER,
            {"zh": "数值", "en": "Value"},
            {
                "zh": "次数，金额为最小货币单位；没有给出的为空",
                "en": "How many, or money in minor units; empty where it is left out",
            },
            sources=(CityMeasure.value,),
            empty=True,
        ),
        Column(
            "suppressed",
            ColumnType.BOOLEAN,
            {"zh": "不公布", "en": "Suppressed"},
            {
                "zh": "数值太小，或能推出太小的数值，所以没有给出",
                "en": "Left out because it is of few, or another of few would follow from it",
            },
        ),
    ),
)
DATASETS = (MEASURES,)
"""Everything that is exported."""
