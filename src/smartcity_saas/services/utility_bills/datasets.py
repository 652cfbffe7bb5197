"""What the service gives away as open data: the tariffs, as the city's document has them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from smartcity_saas.catalog.datasets import (
    Column,
    ColumnType,
    Dataset,
    DatasetQuery,
    Row,
    currency_column,
    localized_columns,
)
from smartcity_saas.services.utility_bills.names import KINDS, SERVICE, TARIFFS, UNITS


def _tariffs(query: DatasetQuery) -> Iterator[Row]:
    """A row for each tier of each kind that the city bills."""
    settings = query.city.catalog[SERVICE].settings
    for kind in KINDS:
        supplier = settings.get("suppliers", {}).get(kind)
        if kind not in settings.get("kinds", ()) or supplier is None:
            continue
        above = 0
        for tier, step in enumerate(supplier.get("tiers", ()), start=1):
            price, up_to = Decimal(step["price"]), step.get("up_to")
            name = supplier["name"]
            yield (
                *(kind, name["zh"], name["en"], tier, above, up_to),
                *(UNITS[kind], price, query.city.currency),
            )
            above = up_to


tariffs = Dataset(
    name=TARIFFS,
    title={"zh": "水电燃气价格", "en": "Utility tariffs"},
    description={
        "zh": "水、电、燃气的阶梯价格，按一个公历年的用量分档。",
        "en": "What water, electricity and gas cost, by tiers of the usage in a calendar year.",
    },
    columns=(
        Column(
            "kind",
            ColumnType.TEXT,
            {"zh": "种类", "en": "Kind"},
            {"zh": "水、电或燃气", "en": "Water, electricity or gas"},
            words={
                "water": {"zh": "水", "en": "Water"},
                "electricity": {"zh": "电", "en": "Electricity"},
                "gas": {"zh": "燃气", "en": "Gas"},
            },
        ),
        *localized_columns(
            "supplier",
            {"zh": "供应单位", "en": "Supplier"},
            {"zh": "由谁供应", "en": "Who supplies it"},
        ),
        Column(
            "tier",
            ColumnType.INTEGER,
            {"zh": "档", "en": "Tier"},
            {"zh": "第几档，从 1 起", "en": "Which tier, from 1"},
        ),
        Column(
            "above",
            ColumnType.INTEGER,
            {"zh": "超过", "en": "Above"},
            {"zh": "一年用量超过多少起", "en": "From which usage in a year, not included"},
        ),
        Column(
            "up_to",
            ColumnType.INTEGER,
            {"zh": "到", "en": "Up to"},
            {
                "zh": "一年用量到多少为止，含；最后一档空着",
                "en": "To which usage in a year, included; empty for the last tier",
            },
            empty=True,
        ),
        Column(
            "unit",
            ColumnType.TEXT,
            {"zh": "单位", "en": "Unit"},
            {"zh": "用量的单位", "en": "The unit of the usage"},
        ),
        Column(
            "price",
            ColumnType.DECIMAL,
            {"zh": "单价", "en": "Price"},
            {"zh": "每单位的价格", "en": "The price of one unit"},
        ),
        currency_column(),
    ),
    key=("kind", "tier"),
    rows=_tariffs,
)
