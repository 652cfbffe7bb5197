"""The datasets of every city: its services with their states, and its announcements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from smartcity_saas.catalog.categories import CATEGORIES
from smartcity_saas.catalog.datasets import (
    Column,
    ColumnType,
    Dataset,
    DatasetQuery,
    Row,
    localized_columns,
    sample_column,
)
from smartcity_saas.catalog.entries import catalog_items
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db
from smartcity_saas.open_data.performance import performance
from smartcity_saas.tenancy.announcements import Announcement, last_change
from smartcity_saas.tenancy.city_services import city_services

STATES = {"open": {"zh": "开放", "en": "Open"}, "paused": {"zh": "暂停", "en": "Paused"}}


def _services(query: DatasetQuery) -> Iterator[Row]:
    zone = ZoneInfo(query.city.timezone)
    for item in catalog_items(query.city, city_services(query.city)):
        entry, service = item.entry, item.service
        notice = entry.notice or {}
        back = datetime.fromisoformat(entry.until).replace(tzinfo=zone) if entry.until else None
        yield (
            *(service.name, service.title["zh"], service.title["en"], service.category),
            *(entry.state.value, entry.since, notice.get("zh"), notice.get("en"), back),
        )


def _services_changed(city: City, now: datetime) -> datetime | None:
    """When the state of a service last changed; None where none is known."""
    known = [entry.since for entry in city.catalog.values() if entry.since is not None]
    return max(known, default=None)


def _announcements(query: DatasetQuery) -> Iterator[Row]:
    rows = db.session.scalars(
        select(Announcement)
        .where(Announcement.withdrawn_at.is_(None))
        .order_by(Announcement.published_at.desc(), Announcement.id)
        .limit(query.most)
    )
    for one in rows:
        yield (
            *(str(one.id), one.published_at, one.title["zh"], one.title["en"]),
            *(one.body["zh"], one.body["en"], one.source["zh"], one.source["en"]),
            *(one.urgent, one.sample),
        )


services = Dataset(
    name="services",
    title={"zh": "服务和状态", "en": "Services and their states"},
    description={
        "zh": "本市开放和暂停的服务，从什么时候起，暂停的写明原因。",
        "en": "The services that the city offers, open or paused, since when, and why they are paused.",
    },
    columns=(
        Column(
            "service",
            ColumnType.TEXT,
            {"zh": "服务代码", "en": "Service code"},
            {"zh": "服务的代码，不会变", "en": "The service's code, which never changes"},
        ),
        *localized_columns(
            "title",
            {"zh": "服务", "en": "Service"},
            {"zh": "服务的名称", "en": "The service's name"},
        ),
        Column(
            "category",
            ColumnType.TEXT,
            {"zh": "类别", "en": "Category"},
            {"zh": "在哪一类里", "en": "Under which heading it stands"},
            words=CATEGORIES,
        ),
        Column(
            "state",
            ColumnType.TEXT,
            {"zh": "状态", "en": "State"},
            {
                "zh": "开放还是暂停；关闭的不在表里",
                "en": "Open or paused; closed ones are not listed",
            },
            words=STATES,
        ),
        Column(
            "since",
            ColumnType.MOMENT,
            {"zh": "从何时起", "en": "Since"},
            {"zh": "现在的状态从什么时候开始", "en": "When its present state began"},
            empty=True,
        ),
        *localized_columns(
            "notice",
            {"zh": "暂停说明", "en": "Notice"},
            {"zh": "暂停时给居民看的说明", "en": "What residents read while it is paused"},
            empty=True,
        ),
        Column(
            "expected_back",
            ColumnType.MOMENT,
            {"zh": "预计恢复", "en": "Expected back"},
            {"zh": "预计什么时候恢复", "en": "When it is expected back"},
            empty=True,
        ),
    ),
    key=("service",),
    rows=_services,
    changed=_services_changed,
)
announcements = Dataset(
    name="announcements",
    title={"zh": "公告", "en": "Announcements"},
    description={
        "zh": "本市网站上的公告，新的在前；撤下的不在表里。",
        "en": "The announcements on the city's site, newest first; withdrawn ones are not listed.",
    },
    columns=(
        Column(
            "announcement",
            ColumnType.TEXT,
            {"zh": "编号", "en": "Identifier"},
            {"zh": "公告的编号，也在它的网址里", "en": "Its identifier, which its address has too"},
            sources=(Announcement.id,),
        ),
        Column(
            "published_at",
            ColumnType.MOMENT,
            {"zh": "发布时间", "en": "Published"},
            {"zh": "什么时候发布的", "en": "When it was published"},
            sources=(Announcement.published_at,),
        ),
        *localized_columns(
            "title",
            {"zh": "标题", "en": "Title"},
            {"zh": "公告的标题", "en": "Its title"},
            (Announcement.title,),
        ),
        *localized_columns(
            "body",
            {"zh": "正文", "en": "Text"},
            {"zh": "公告的正文", "en": "Its text"},
            (Announcement.body,),
        ),
        *localized_columns(
            "source",
            {"zh": "来源", "en": "Source"},
            {"zh": "由谁发布", "en": "Who says it"},
            (Announcement.source,),
        ),
        Column(
            "urgent",
            ColumnType.BOOLEAN,
            {"zh": "紧急", "en": "Urgent"},
            {"zh": "是不是紧急公告", "en": "Whether it is urgent"},
            sources=(Announcement.urgent,),
        ),
        sample_column(Announcement.sample),
    ),
    key=("announcement",),
    rows=_announcements,
    changed=lambda city, now: last_change(),
)
OWN = (services, announcements, performance)
"""In the order of a city's page; ``configuration.extensions.OWN_DATASETS`` names them for documents."""
