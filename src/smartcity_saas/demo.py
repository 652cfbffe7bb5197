"""The demo: accounts, residents, bills, announcements. All of it sample, and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import Service
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.models import Installation
from smartcity_saas.configuration.repository import live_documents
from smartcity_saas.database import transaction
from smartcity_saas.identity.federation.channels.demo import RESIDENTS
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.roles import CITY_ADMIN, OPERATOR, PROVINCE_ADMIN
from smartcity_saas.measures.demo import fill_measures
from smartcity_saas.product import product
from smartcity_saas.scorecard.demo import fill_scorecard
from smartcity_saas.tenancy.announcements import publish
from smartcity_saas.tenancy.context import tenant_context

PASSWORD = "smart-city-demo"  # noqa: S105 -- the demo's, public on purpose
STAFF: tuple[dict[str, Any], ...] = (
    {"username": "operator", "name": "运维员（示例）", "roles": (OPERATOR,)},
    {
        "username": "zhejiang",
        "name": "浙江省管理员（示例）",
        "roles": (PROVINCE_ADMIN,),
        "province": "zhejiang",
    },
    {
        "username": "guangdong",
        "name": "广东省管理员（示例）",
        "roles": (PROVINCE_ADMIN,),
        "province": "guangdong",
    },
    {
        "username": "hangzhou",
        "name": "杭州市工作人员（示例）",
        "roles": (CITY_ADMIN,),
        "city": "hangzhou",
    },
    {
        "username": "guangzhou",
        "name": "广州市工作人员（示例）",
        "roles": (CITY_ADMIN,),
        "city": "guangzhou",
    },
    {
        "username": "shanghai",
        "name": "上海市工作人员（示例）",
        "roles": (CITY_ADMIN,),
        "city": "shanghai",
    },
)
NOTICES = (
    (
        {
            "zh": "停水：示例路以北，今晚 11 点起",
            "en": "Water off north of Sample Road, tonight from 23:00",
        },
        {
            "zh": "管道检修，预计明早 5 点恢复。请提前存水。",
            "en": "Pipes are being repaired until about 05:00. Store some water before.",
        },
        {"zh": "市供水公司（示例）", "en": "Water Supply (sample)"},
        True,
    ),
    (
        {"zh": "采暖季阶梯气量 12 月起调整", "en": "Gas tiers change for the heating season"},
        {
            "zh": "第一档每户增加 60 立方米，不用申请。",
            "en": "The first tier grows by 60 m³ a household. No need to apply.",
        },
        {"zh": "市燃气公司（示例）", "en": "Gas Company (sample)"},
        False,
    ),
    (
        {"zh": "元旦假期社区医院门诊安排", "en": "Community clinics over New Year"},
        {
            "zh": "1 月 1 日停诊，1 月 2 日起照常。急诊不受影响。",
            "en": "Closed on 1 January, open from the 2nd. Emergency care as always.",
        },
        {"zh": "市卫生健康委（示例）", "en": "Health Commission (sample)"},
        False,
    ),
)


SHOWN = frozenset({"hangzhou", "quzhou"})
"""Cities with sample measures of more than a year."""


def fill_demo(progress: Callable[[str], None], now: datetime) -> None:
    """Fill an empty platform, whose documents are live, with sample rows."""
    with transaction() as session:
        session.execute(update(Installation).values(demo=True))
    create_sample_staff(now)
    product().registry.refresh()
    for city in product().registry.snapshot.cities.values():
        progress(city.slug)
        with tenant_context(city.id):
            _fill_city(city, now)
        fill_measures(city, now, long=city.slug in SHOWN)
        with tenant_context(city.id):
            fill_scorecard(city, now, figures=city.province == "zhejiang")


def create_sample_staff(now: datetime) -> None:
    """The sample accounts of the operator and of every sample place that is stored."""
    stored = {found.name for found in live_documents(filter(None, map(_place, STAFF)))}
    for account in STAFF:
        if _place(account) is None or _place(account) in stored:
            create_staff(system("demo"), password=PASSWORD, demo=True, now=now, **account)


def _place(account: Mapping[str, Any]) -> str | None:
    """The document of an account's place; None for the platform."""
    province = account.get("province")
    return f"province:{province}" if province else account.get("city")


def demo_accounts(
    address: Callable[[str], str], cities: Mapping[str, City], services: Mapping[str, Service]
) -> dict[str, Any]:
    """The demo's accounts and how each signs in, as ``GET /demo.json`` gives them."""
    console = f"{address('console')}/sign-in"
    return {
        "note": "Sample accounts. They exist in demo mode only.",
        "services": {
            name: {
                "page": f"/services/{service.path}",
                "api": f"/api/v1/{service.path}" if service.api else None,
            }
            for name, service in services.items()
        },
        "api": "GET /api/v1/session gives csrf_token; send it as X-CSRFToken with every write.",
        "staff": [
            {
                "username": account["username"],
                "password": PASSWORD,
                "role": _kind(account),
                "roles": list(account["roles"]),
                "province": account.get("province"),
                "city": account.get("city"),
                "sign_in": {
                    "url": console,
                    "method": "POST",
                    "fields": ["username", "password", "csrf_token"],
                },
            }
            for account in STAFF
        ],
        "residents": [
            {
                "city": slug,
                "subject": subject,
                "name": name["zh"],
                "sign_in": {
                    "page": f"{address(slug)}/sign-in",
                    "url": f"{address(slug)}/sign-in/demo",
                    "method": "POST",
                    "fields": ["subject", "csrf_token"],
                },
            }
            for slug in sorted(cities)
            if cities[slug].is_live
            for subject, name in RESIDENTS.items()
        ],
    }


def _kind(account: Mapping[str, Any]) -> str:
    """Which of the three kinds of staff an account is."""
    if "city" in account:
        return "city_staff"
    return "province_admin" if "province" in account else "operator"


def _fill_city(city: City, now: datetime) -> None:
    for place, (title, body, source, urgent) in enumerate(NOTICES):
        published = now - timedelta(hours=5, days=place * 3)
        publish(system("demo"), title, body, source, published, urgent=urgent, sample=True)
    for part in product().parts:
        entry = city.catalog.get(part.name)  # none of what the forms of a city share
        if part.demo is not None and (entry is None or entry.settings):
            part.demo(city, now)
