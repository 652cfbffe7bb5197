"""The search of a city's site: services and what is inside them, announcements, one's own pages, and who
does what is not offered here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.elsewhere import find_elsewhere
from smartcity_saas.catalog.entries import CatalogItem, catalog_items, item_texts, service_texts
from smartcity_saas.catalog.service import DashboardItem, Service
from smartcity_saas.configuration.search_terms import SLIP, Query
from smartcity_saas.identity.authorization import current_resident
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import product
from smartcity_saas.tenancy.announcements import Announcement, published
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.texts import Text

LONGEST_QUERY = 60
MOST_NOTICES = 5


@dataclass(frozen=True)
class OwnPage:
    """A page that every resident has, and the words by which it is looked for."""

    title: Text
    url: str
    icon: str
    keywords: Sequence[str]


OWN_PAGES = (
    OwnPage(
        _("Payments and receipts"),
        "/me/payments",
        "receipt-yen",
        [
            "发票",
            "收据",
            "票据",
            "缴费记录",
            "付款",
            "支付",
            "退款",
            "电子票",
            "receipt",
            "invoice",
            "payment",
            "refund",
        ],
    ),
    OwnPage(
        _("Announcements"), "/announcements", "speakerphone", ["公告", "停水通知", "notice", "news"]
    ),
    OwnPage(
        _("Smart city scorecard"),
        "/scorecard",
        "list-check",
        ["智慧城市", "评价", "得分", "指标", "scorecard", "smart city", "evaluation"],
    ),
    OwnPage(
        _("How we are doing"),
        "/transparency",
        "trending-up",
        [
            "办事效率",
            "满意度",
            "好评率",
            "透明",
            "按时",
            "transparency",
            "performance",
            "satisfaction",
        ],
    ),
    OwnPage(
        _("Open data"),
        "/data",
        "stack-2",
        ["数据开放", "开放数据", "数据集", "公共数据", "open data", "dataset", "csv"],
    ),
    OwnPage(_("Messages"), "/me/messages", "bell", ["消息", "通知", "短信", "提醒", "message"]),
    OwnPage(
        _("My data"),
        "/me/data",
        "lock",
        [
            "个人信息",
            "隐私",
            "我的数据",
            "下载数据",
            "谁看过",
            "注销",
            "删除账户",
            "授权",
            "data",
            "privacy",
            "delete",
            "account",
        ],
    ),
    OwnPage(
        _("Ways to sign in"),
        "/me/ways-in",
        "link",
        [
            "登录方式",
            "绑定",
            "解绑",
            "换手机号",
            "微信",
            "支付宝",
            "login",
            "password",
            "phone",
            "number",
        ],
    ),
    OwnPage(
        _("Verification"),
        "/me/verify",
        "shield-check",
        ["实名", "认证", "实名认证", "验证", "身份验证", "real", "name", "verify", "identity"],
    ),
    OwnPage(
        _("Accessibility"),
        "/accessibility",
        "text-size",
        ["大字", "字太小", "老人", "无障碍", "字号", "large", "text", "accessibility"],
    ),
)


@dataclass(frozen=True)
class Results:
    """What a query found."""

    offers: Sequence[CatalogItem]
    inside: Sequence[DashboardItem]
    own: Sequence[DashboardItem]
    pages: Sequence[OwnPage]
    announcements: Sequence[Announcement]
    closed: Sequence[Service]
    elsewhere: Sequence[Any]

    @property
    def here(self) -> bool:
        """Whether anything of this site was found."""
        return any((self.offers, self.inside, self.own, self.pages, self.announcements))


@blueprint.page("/search", who="everyone")
def find() -> ResponseReturnValue:
    """What a query finds, by Chinese, pinyin or English."""
    typed = request.args.get("q", "")[:LONGEST_QUERY]
    query = Query.of(typed)
    every = catalog_items(request_city(), city_services(request_city()))
    return render_template(
        "resident/search.html",
        query=typed,
        found=results(query, typed, every) if query else None,
        every=every,
        tab="services",
    )


def results(query: Query, typed: str, every: list[CatalogItem]) -> Results:
    """Everything that a query finds on the present city's site."""
    services = city_services(request_city())
    offered = {offer.service.name for offer in every}
    closed = [one for name, one in services.items() if name not in offered]
    by_words = query.best(every, item_texts)
    inside = {o.service.name: o.service.search(typed) for o in every if o.entry.is_open}
    found = by_words + [o for o in every if inside.get(o.service.name) and o not in by_words]
    numbered = _numbered(typed)
    return Results(
        offers=found,
        inside=[line for lines in inside.values() for line in lines],
        own=numbered or _own(query, every),
        pages=query.best(OWN_PAGES, lambda one: (str(one.title), *one.keywords)),
        announcements=_announcements(query),
        closed=[one for one in closed if query.score(service_texts(one)) > SLIP],
        elsewhere=[] if numbered or _answers(query, by_words) else find_elsewhere(query),
    )


def _answers(query: Query, offers: Sequence[CatalogItem]) -> bool:
    """Whether a service of the city's own is called what a query asks for, so that nobody is sent
    elsewhere. By a keyword alone it may be beside what is meant: a power cut is no bill."""
    return any(query.score(one.service.title.values()) > SLIP for one in offers)


def _numbered(typed: str) -> list[DashboardItem]:
    """What the signed-in resident has under the number that was typed."""
    resident = current_resident()
    if resident is None or resident.acting:
        return []
    told = as_told(typed)
    return [one for part in product().parts for one in part.find_number(resident, told)]


def _own(query: Query, every: list[CatalogItem]) -> list[DashboardItem]:
    """What the signed-in resident has under the names that the query asks for."""
    resident = current_resident()
    if resident is None or resident.acting:
        return []
    lines = [line for offer in every for line in offer.service.dashboard_items(resident)]
    return [line for line in lines if query.score((line.title, line.detail)) > SLIP]


def as_told(typed: str) -> str:
    """What was typed with any number in it as people are told it: without full-width forms, small letters,
    other dashes and spaces around them."""
    whole = unicodedata.normalize("NFKC", typed)
    return re.sub(r"\s*[-\u2010-\u2015\u2212]\s*", "-", whole).upper()


def _announcements(query: Query) -> list[Announcement]:
    return [
        one
        for one in published()
        if query.score(one.title.values()) > SLIP
        or any(query.within(text) for text in one.body.values())
    ][:MOST_NOTICES]
