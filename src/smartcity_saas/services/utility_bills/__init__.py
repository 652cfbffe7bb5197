"""Utility bills: link an account, see what is due, what was used, and what it cost."""

from __future__ import annotations

from typing import Any

from smartcity_saas.catalog.service import Mine, Service, Task
from smartcity_saas.configuration.extensions import EmptySchema
from smartcity_saas.services.utility_bills import demo
from smartcity_saas.services.utility_bills.bills import accounts_of, links, masked
from smartcity_saas.services.utility_bills.desk import blueprint as desk
from smartcity_saas.services.utility_bills.settings import UtilityBillsSettings
from smartcity_saas.services.utility_bills.views import ICONS, KIND_NAMES, ROOT
from smartcity_saas.services.utility_bills.views import blueprint as resident


def _task(kind: str, zh: str, en: str, *keywords: str) -> Task:
    return Task(
        title={"zh": zh, "en": en},
        icon=ICONS[kind],
        endpoint="utility_bills.by_kind",
        arguments={"kind": kind},
        keywords=keywords,
        shown=lambda settings: kind in settings.get("kinds", ()),
    )


def _mine(resident: Any) -> list[Mine]:
    found = links(resident)
    accounts = accounts_of(found)
    return [
        Mine(
            title=f"{link.nickname} · {KIND_NAMES[accounts[link.account_id].kind]}",
            detail=masked(accounts[link.account_id].number),
            url=f"{ROOT}/accounts/{link.id}",
            icon=ICONS[accounts[link.account_id].kind],
        )
        for link in found
    ]


service = Service(
    name="utility_bills",
    title={"zh": "水电燃气账单", "en": "Utility bills"},
    help={"zh": "看账单，和去年比用量", "en": "See bills, compare with last year"},
    icon="receipt-yen",
    category="bills",
    resident=resident,
    landing="utility_bills.landing",
    desk=desk,
    desk_landing="utility_bills_desk.desk",
    settings=UtilityBillsSettings,
    connectors={"local": EmptySchema},
    continues={
        "zh": "已绑定的户号和账单照常可看。",
        "en": "Linked accounts and their bills can still be seen.",
    },
    keywords=("水费", "电费", "燃气费", "煤气", "账单", "用量", "bill", "water", "power"),
    tasks=(
        _task("water", "水费", "Water", "自来水"),
        _task("electricity", "电费", "Electricity", "power"),
        _task("gas", "燃气费", "Gas", "煤气", "天然气"),
    ),
    mine=_mine,
    demo=demo.fill,
)
