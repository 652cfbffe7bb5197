"""Sample figures for the demo: made up, and marked so."""

from __future__ import annotations

from datetime import datetime, timedelta

from smartcity_saas.audit import system
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.product import product
from smartcity_saas.scorecard.summaries import summarise
from smartcity_saas.scorecard.values import add_value, item_of

FIGURES = (
    ("L1P1-A1", 3_000, 40, "政务服务年报（示例）第 12 页"),
    ("L1P2-A2", 8_640, 75, "公交集团月报（示例）"),
    ("L1P5-A1", 9_215, 400, "教育统计公报（示例）第 3 页"),
)
"""Item, hundredths of a percent, how many days old, and source; the last one is too old to count."""


def fill_scorecard(city: City, now: datetime, *, figures: bool) -> None:
    """Enter sample figures in the current city, a few points apart by its code, and write its
    summary; with ``figures`` false the summary alone."""
    edition = product().editions["gbt_33356_2016"]
    today = today_in(city.timezone, now)
    apart = int(city.division_code[:4]) * 37 % 3_000
    for number, hundredths, age, source in FIGURES if figures else ():
        item, day = item_of(edition, number), today - timedelta(days=age)
        reached = min(hundredths + apart, 10_000)
        add_value(system("demo"), edition, item, reached, source, day, now, sample=True)
    summarise(now)
