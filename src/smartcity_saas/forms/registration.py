"""The kind of service, put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.kinds import ServiceKind
from smartcity_saas.catalog.measured import Measured
from smartcity_saas.catalog.service import Service
from smartcity_saas.configuration.city import CatalogEntry, Localized
from smartcity_saas.forms import (
    api,
    demo,
    desk_act_views,
    own_views,
    retention,
    step_views,
    verify_views,
)
from smartcity_saas.forms.attention import applications_attention
from smartcity_saas.forms.dashboard import dashboard, dashboard_of, find_number, unfinished
from smartcity_saas.forms.definition import Period, definition_of
from smartcity_saas.forms.desk_views import blueprint as desk
from smartcity_saas.forms.drafts import KEPT_FOR
from smartcity_saas.forms.fees import RETURN_FEE, return_fee
from smartcity_saas.forms.names import APPLICATIONS, KIND
from smartcity_saas.forms.payable import payable
from smartcity_saas.forms.rateable import acts as rateable
from smartcity_saas.forms.supply_deadline import keep_deadlines
from smartcity_saas.forms.views import blueprint as resident

__all__ = ["desk_act_views", "kind", "own_views", "step_views", "verify_views"]


def _daily(now: datetime) -> None:
    keep_deadlines(now)
    retention.erase_expired(now)


shared = Service(
    name=APPLICATIONS,
    title={"zh": "办事申请", "en": "Applications"},
    help={"zh": "填表办事，看进度", "en": "Apply, and follow what becomes of it"},
    icon="list-check",
    category="papers",
    resident=resident,
    api=api.blueprint,
    landing=f"{APPLICATIONS}.mine",
    desk=desk,
    desk_landing=f"{APPLICATIONS}_desk.all_queues",
    attention=applications_attention,
    measured=Measured(
        acts={"zh": "件办结", "en": "decided"},
        wait={"zh": "从提交到办结", "en": "from sending to the decision"},
        in_time={"zh": "在承诺的工作日内办结", "en": "decided within the promised working days"},
    ),
    while_paused={
        "zh": "已经开始的申请可以接着办、看进度或撤回。",
        "en": "What was begun can be finished, followed or withdrawn.",
    },
    dashboard=dashboard,
    find_number=find_number,
    payable=payable,
    rateable=rateable,
    work={RETURN_FEE: return_fee},
    unfinished=unfinished,
    daily=_daily,
    demo=demo.fill,
    acts={
        f"{APPLICATIONS}.begin": _("Began an application"),
        f"{APPLICATIONS}.give_up": _("Erased a draft of an application"),
        f"{APPLICATIONS}.send": _("Sent an application"),
        f"{APPLICATIONS}.supply": _("Sent what was missing in an application"),
        f"{APPLICATIONS}.not_supplied": _("Closed an application of which nothing was supplied"),
        f"{APPLICATIONS}.message": _("Wrote about an application"),
        f"{APPLICATIONS}.withdraw": _("Withdrew an application"),
        f"{APPLICATIONS}.reopen": _("Had an application looked at again"),
        f"{APPLICATIONS}.take": _("Took an application over"),
        f"{APPLICATIONS}.put_back": _("Put an application back"),
        f"{APPLICATIONS}.ask": _("Asked for more in an application"),
        f"{APPLICATIONS}.write": _("Wrote to a resident about an application"),
        f"{APPLICATIONS}.approve": _("Approved an application"),
        f"{APPLICATIONS}.refuse": _("Refused an application"),
        f"{APPLICATIONS}.revoke": _("Revoked the paper of an application"),
        f"{APPLICATIONS}.export": _("Downloaded the answers of applications"),
        f"{APPLICATIONS}.erase": _("Erased applications that are not kept any longer"),
    },
)
"""What every form has."""


def _service(entry: CatalogEntry) -> Service:
    form = definition_of(entry)
    return replace(
        shared,
        name=entry.name,
        title=form.title,
        help=form.help or form.title,
        icon=form.icon,
        category=form.category,
        keywords=form.keywords,
        landing=f"{APPLICATIONS}.landing",
        landing_arguments={"form": entry.name.replace("_", "-")},
        desk_landing=f"{APPLICATIONS}_desk.queue",
        dashboard=dashboard_of(entry.name),
        keeps=_keeps(form.keep),
        desk=None,
        api=None,
        daily=None,
    )


def _keeps(period: Period) -> Localized:
    """What a form keeps of a person, and for how long, for the page on privacy."""
    return {
        "zh": f"你填的内容和交的材料，加密保存：没交的草稿 {KEPT_FOR.days} 天，办完后 {period.words('zh')}。",
        "en": f"Your answers and files, encrypted: a draft for {KEPT_FOR.days} days, what is finished for "
        f"{period.words('en')}.",
    }


kind = ServiceKind(KIND, shared, _service)
