"""The service, put together."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.measured import Measured
from smartcity_saas.catalog.service import DashboardItem, Service, Task
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.traffic_tickets import api, demo
from smartcity_saas.services.traffic_tickets.attention import disputes_attention
from smartcity_saas.services.traffic_tickets.back_office import REPORT, send_report
from smartcity_saas.services.traffic_tickets.csv_import import import_tickets
from smartcity_saas.services.traffic_tickets.desk import blueprint as desk
from smartcity_saas.services.traffic_tickets.document import extension
from smartcity_saas.services.traffic_tickets.models import Violation
from smartcity_saas.services.traffic_tickets.names import ROOT, SERVICE, SETTLED_IN_TIME
from smartcity_saas.services.traffic_tickets.payable import payable
from smartcity_saas.services.traffic_tickets.rateable import acts as rateable
from smartcity_saas.services.traffic_tickets.tickets import own_violations, vehicle_links
from smartcity_saas.services.traffic_tickets.views import blueprint as resident
from smartcity_saas.web.money import format_sums
from smartcity_saas.web.plates import shown


def _dashboard(person: SignedInResident) -> list[DashboardItem]:
    links = vehicle_links(person)
    if not links:
        return []
    due = [one for one in own_violations(person) if one.due]
    return [
        DashboardItem(
            title=shown(link.vehicle.plate),
            detail=_waiting(sum(1 for one in due if one.vehicle_id == link.vehicle_id)),
            url=ROOT,
            icon="car",
            amount=_sum([one for one in due if one.vehicle_id == link.vehicle_id]),
        )
        for link in links
    ]


def _sum(due: list[Violation]) -> str:
    return format_sums((one.fine, one.currency) for one in due)


def _waiting(count: int) -> str:
    if not count:
        return str(gettext("No open ticket"))
    return str(ngettext("%(num)s open ticket", "%(num)s open tickets", count))


def _unfinished(person: SignedInResident) -> list[tuple[Any, str]]:
    return [
        (_("A dispute is waiting for an answer."), f"{ROOT}/{one.id}")
        for one in own_violations(person)
        if one.is_disputed
    ]


service = Service(
    name=SERVICE,
    title={"zh": "交通违法", "en": "Traffic tickets"},
    help={"zh": "查违法、缴罚款", "en": "Look up and pay tickets"},
    icon="car",
    category="travel",
    resident=resident,
    api=api.blueprint,
    scopes={api.READ: _("read all tickets in the city"), api.WRITE: _("push tickets")},
    landing="traffic_tickets.landing",
    desk=desk,
    desk_landing="traffic_tickets_desk.desk",
    measured=Measured(
        acts={"zh": "件，罚款缴清和申诉答复", "en": "fines paid and disputes answered"},
        wait={
            "zh": "罚款从付款到入账，申诉从提交到答复",
            "en": "a fine until the money arrived, a dispute until its answer",
        },
        in_time={
            "zh": "罚款 15 分钟内入账，申诉 30 天内答复",
            "en": "a fine arrived within 15 minutes, a dispute was answered within 30 days",
        },
    ),
    settings=extension.settings,
    events=extension.events,
    unmet={SETTLED_IN_TIME: {"zh": "过了期限才处理", "en": "settled after its time"}},
    connectors=extension.connectors,
    while_paused={
        "zh": "已有的罚单、收据和申诉照常可看。",
        "en": "Tickets, receipts and disputes can still be seen.",
    },
    keywords=(
        "违章",
        "违法",
        "罚款",
        "罚单",
        "扣分",
        "驾照",
        "车牌",
        "交警",
        "违章停车",
        "超速",
        "闯红灯",
        "交罚款",
        "申诉",
        "销分",
        "行驶证",
        "speeding",
        "parking",
        "licence",
        "dispute",
        "ticket",
        "fine",
        "points",
    ),
    tasks=(
        Task(
            title={"zh": "查违法", "en": "Look up"},
            icon="search",
            endpoint="traffic_tickets.landing",
        ),
        Task(
            title={"zh": "绑定车辆", "en": "Link a vehicle"},
            icon="car",
            endpoint="traffic_tickets.link_form",
        ),
    ),
    dashboard=_dashboard,
    demo=demo.fill,
    attention=disputes_attention,
    payable=payable,
    rateable=rateable,
    unfinished=_unfinished,
    work={REPORT: send_report},
    importer=import_tickets,
    acts={
        "traffic_tickets.link_vehicle": _("Linked a vehicle"),
        "traffic_tickets.unlink_vehicle": _("Unlinked a vehicle"),
        "traffic_tickets.link_licence": _("Linked a licence"),
        "traffic_tickets.dispute": _("Disputed a ticket"),
        "traffic_tickets.reopen": _("Had a dispute looked at again"),
        "traffic_tickets.kept": _("Answered a dispute: ticket upheld"),
        "traffic_tickets.revoked": _("Answered a dispute: ticket cancelled"),
        "traffic_tickets.import": _("Imported tickets"),
    },
    keeps={
        "zh": "你绑定的车辆、比对驾驶证用的信息（不存号码本身）、申诉和照片。",
        "en": "The vehicles that you link, what it takes to find your licence again (never its "
        "number), and your disputes with their photos.",
    },
)
