"""The service, put together."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.measured import Measured
from smartcity_saas.catalog.rateable import PAYMENT, rateable_payment
from smartcity_saas.catalog.service import DashboardItem, Service, Task
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.utility_bills import api, demo
from smartcity_saas.services.utility_bills.back_office import (
    PAID,
    REVERSED,
    send_paid,
    send_reversed,
)
from smartcity_saas.services.utility_bills.bills import masked
from smartcity_saas.services.utility_bills.csv_import import import_bills
from smartcity_saas.services.utility_bills.datasets import tariffs
from smartcity_saas.services.utility_bills.desk import blueprint as desk
from smartcity_saas.services.utility_bills.document import extension
from smartcity_saas.services.utility_bills.linked_accounts import (
    Bill,
    LinkedAccount,
    due_bills,
    linked_accounts,
)
from smartcity_saas.services.utility_bills.models import KIND_NAMES
from smartcity_saas.services.utility_bills.names import PAID_IN_TIME, ROOT, SERVICE
from smartcity_saas.services.utility_bills.notifications import remind
from smartcity_saas.services.utility_bills.payable import payable
from smartcity_saas.services.utility_bills.views import ICONS
from smartcity_saas.services.utility_bills.views import blueprint as resident
from smartcity_saas.web.money import format_sums


def _task(kind: str, zh: str, en: str, *keywords: str) -> Task:
    return Task(
        title={"zh": zh, "en": en},
        icon=ICONS[kind],
        endpoint="utility_bills.by_kind",
        arguments={"kind": kind},
        keywords=keywords,
        shown=lambda settings: kind in settings.get("kinds", ()),
    )


def _dashboard(resident: SignedInResident) -> list[DashboardItem]:
    due = due_bills(resident)
    return [
        _line(one, [bill for bill in due if bill.account_id == one.account_id])
        for one in linked_accounts(resident)
    ]


def _line(account: LinkedAccount, due: list[Bill]) -> DashboardItem:
    return DashboardItem(
        title=f"{account.nickname} · {KIND_NAMES[account.kind]}",
        detail=masked(account.number),
        url=f"{ROOT}/accounts/{account.id}",
        icon=ICONS[account.kind],
        amount=format_sums((bill.amount, bill.currency) for bill in due),
        by=due[0].due_on if due else None,
    )


service = Service(
    name=SERVICE,
    title={"zh": "水电燃气账单", "en": "Utility bills"},
    help={"zh": "缴水电燃气费，比用量", "en": "Pay bills, compare usage"},
    icon="receipt-yen",
    category="bills",
    resident=resident,
    api=api.blueprint,
    scopes={api.READ: _("read all bills in the city"), api.WRITE: _("push bills")},
    landing="utility_bills.landing",
    desk=desk,
    desk_landing="utility_bills_desk.desk",
    measured=Measured(
        acts={"zh": "笔缴费", "en": "payments"},
        wait={"zh": "从付款到入账", "en": "from pressing “pay” to the money’s arrival"},
        in_time={"zh": "付款后 15 分钟内入账", "en": "the money arrived within 15 minutes"},
    ),
    settings=extension.settings,
    events=extension.events,
    unmet={PAID_IN_TIME: {"zh": "过了期限才缴", "en": "paid after it was due"}},
    datasets=(tariffs,),
    connectors=extension.connectors,
    while_paused={
        "zh": "已绑定的户号和账单照常可看。",
        "en": "Linked accounts and their bills can still be seen.",
    },
    keywords=(
        *(
            "水费",
            "电费",
            "燃气费",
            "煤气",
            "天然气",
            "账单",
            "用量",
            "用水量",
            "用电量",
            "用气量",
            "阶梯",
            "欠费",
            "缴费",
            "交费",
        ),
        *("停水", "停电", "停气", "户号", "水表", "电表"),
        *("bill", "water", "power", "electric", "gas", "utility", "meter", "outage"),
    ),
    tasks=(
        _task("water", "水费", "Water", "自来水"),
        _task("electricity", "电费", "Electricity", "power"),
        _task("gas", "燃气费", "Gas", "煤气", "天然气"),
    ),
    dashboard=_dashboard,
    demo=demo.fill,
    payable=payable,
    rateable={PAYMENT: rateable_payment(SERVICE)},
    work={PAID: send_paid, REVERSED: send_reversed},
    daily=remind,
    importer=import_bills,
    acts={
        "utility_bills.link": _("Linked an account"),
        "utility_bills.unlink": _("Unlinked an account"),
        "utility_bills.import": _("Imported bills"),
    },
    keeps={
        "zh": "你绑定的户号和你起的名字，直到你解绑。",
        "en": "The accounts that you link, under the names that you give them, until you unlink them.",
    },
)
