"""How every service did, day by day: what the measures of a city let out of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from smartcity_saas.catalog.datasets import (
    Column,
    ColumnType,
    Dataset,
    DatasetQuery,
    Frequency,
    Row,
)
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.measures import CityMeasure, Window, daily_totals, published

_OF = (CityMeasure.value,)
_FEW = {
    "zh": "人数太少时空着，免得认出人来",
    "en": "empty where it would be told of too few people",
}


def last_whole_day(city: City, now: datetime) -> date:
    """Yesterday in the city: the last day of which everything is known."""
    return today_in(city.timezone, now) - timedelta(days=1)


def _rows(query: DatasetQuery) -> Iterator[Row]:
    """A row for each day that is over and each service of which something is known on it."""
    until = min(query.until, last_whole_day(query.city, query.now))
    if until < query.since:
        return
    totals = daily_totals(query.city.id, Window(query.since, until))
    for (day, service), found in sorted(totals.items(), key=lambda one: one[0]):
        if not service or query.city.catalog.get(service) is None:
            continue
        told = published(found)
        yield (
            *(day, service, told.done, told.in_time, told.median_wait, told.answers),
            *(told.satisfied, told.unresolved, told.outage_minutes),
        )


def _changed(city: City, now: datetime) -> datetime:
    """When the last whole day was over: midnight in the city."""
    return datetime.combine(today_in(city.timezone, now), time(), ZoneInfo(city.timezone))


def _number(name: str, zh: str, en: str, means_zh: str, means_en: str, unit: str = "") -> Column:
    return Column(
        name,
        ColumnType.NUMBER,
        {"zh": zh, "en": en},
        {"zh": f"{means_zh}；{_FEW['zh']}", "en": f"{means_en}; {_FEW['en']}"},
        unit=unit,
        sources=_OF,
        empty=True,
    )


performance = Dataset(
    name="performance",
    title={"zh": "每天办得怎么样", "en": "Performance per day"},
    description={
        "zh": "每项服务每天办了多少、按时多少、一般等多久、多少人满意、没解决多少、中断多久。没有数据的日子不在表里。",
        "en": "For each service and day: how much was done, in time, the usual wait, how many were "
        "satisfied, what was not solved, and outages. A day without data has no row.",
    },
    columns=(
        Column(
            "day",
            ColumnType.DATE,
            {"zh": "日期", "en": "Day"},
            {"zh": "本市的日期，只有过完的日子", "en": "A day of the city's own that is over"},
            sources=(CityMeasure.day,),
        ),
        Column(
            "service",
            ColumnType.TEXT,
            {"zh": "服务代码", "en": "Service code"},
            {"zh": "与“服务和状态”里的代码相同", "en": "As in “Services and their states”"},
            sources=(CityMeasure.service,),
        ),
        Column(
            "done",
            ColumnType.INTEGER,
            {"zh": "办成", "en": "Done"},
            {"zh": f"办成多少；{_FEW['zh']}", "en": f"How much was done; {_FEW['en']}"},
            sources=_OF,
            empty=True,
        ),
        _number(
            "in_time",
            "按时",
            "Done in time",
            "办成的里面按时的，0 到 1",
            "Of what was done, the share that was in time, 0 to 1",
        ),
        _number(
            "median_wait",
            "一般等多久",
            "Usual wait",
            "等待时间的中位数",
            "The median of the waiting times",
            "s",
        ),
        Column(
            "answers",
            ColumnType.INTEGER,
            {"zh": "评价人数", "en": "Answers"},
            {"zh": f"多少人评价；{_FEW['zh']}", "en": f"How many rated; {_FEW['en']}"},
            sources=_OF,
            empty=True,
        ),
        _number(
            "satisfied",
            "满意",
            "Satisfied",
            "评价的人里基本满意以上的，0 到 1，满 30 人才有",
            "Of those who rated, the share that was satisfied on the whole, 0 to 1, from 30 answers on",
        ),
        _number(
            "unresolved",
            "没解决",
            "Not solved",
            "没办成或居民说没解决的，0 到 1",
            "The share that failed, or of which residents say that it is not solved, 0 to 1",
        ),
        Column(
            "outage_minutes",
            ColumnType.INTEGER,
            {"zh": "中断", "en": "Outage"},
            {
                "zh": "后台没有回应的时间，按 5 分钟一段算",
                "en": "How long the back office gave no answer, in spans of 5 minutes",
            },
            unit="min",
            sources=_OF,
        ),
    ),
    key=("day", "service"),
    rows=_rows,
    frequency=Frequency.DAILY,
    by_day=True,
    changed=_changed,
)
