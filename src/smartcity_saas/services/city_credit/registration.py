"""The service, put together."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.measured import Measured
from smartcity_saas.catalog.service import DashboardItem, Service
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.city_credit import api, demo
from smartcity_saas.services.city_credit.appeals import decide_overdue
from smartcity_saas.services.city_credit.attention import appeals_attention
from smartcity_saas.services.city_credit.benefits import Benefits
from smartcity_saas.services.city_credit.certificates import forget_codes
from smartcity_saas.services.city_credit.csv_import import import_entries
from smartcity_saas.services.city_credit.desk import blueprint as desk
from smartcity_saas.services.city_credit.document import extension
from smartcity_saas.services.city_credit.entries import Listener
from smartcity_saas.services.city_credit.expiry import forget_expired
from smartcity_saas.services.city_credit.figures import write_figures
from smartcity_saas.services.city_credit.membership import membership_of
from smartcity_saas.services.city_credit.names import SERVICE, TITLE
from smartcity_saas.services.city_credit.rateable import acts as rateable
from smartcity_saas.services.city_credit.views import MINE
from smartcity_saas.services.city_credit.views import blueprint as resident
from smartcity_saas.web.languages import local

ICON = "id-badge-2"


def _dashboard(resident: SignedInResident) -> list[DashboardItem]:
    if membership_of(resident.id) is None:
        return []
    detail = str(_("Your level and why"))
    return [DashboardItem(title=local(TITLE), detail=detail, url=MINE, icon=ICON)]


def _daily(now: datetime) -> None:
    decide_overdue(now)
    forget_codes(now)
    forget_expired(now)
    write_figures(now)


service = Service(
    name=SERVICE,
    title=TITLE,
    help={"zh": "做得好，少交押金", "en": "Good record, fewer deposits"},
    icon=ICON,
    category="home",
    resident=resident,
    api=api.blueprint,
    scopes={
        api.VERIFY: _("ask whether a benefit holds, by a code that a resident shows"),
        api.WRITE: _("push city credit entries"),
    },
    landing=f"{SERVICE}.landing",
    desk=desk,
    desk_landing=f"{SERVICE}_desk.desk",
    measured=Measured(
        acts={"zh": "件申诉答复", "en": "appeals answered"},
        wait={"zh": "从申诉到答复", "en": "from the appeal to its answer"},
        in_time={"zh": "在承诺的工作日内答复", "en": "answered within the promised working days"},
    ),
    settings=extension.settings,
    connectors=extension.connectors,
    effect=extension.effect,
    while_paused={
        "zh": "已有的记录照常可看，可以申诉，也可以退出。",
        "en": "Entries can still be seen and appealed against, and you can leave.",
    },
    keywords=(
        *("信用", "信用分", "城市信用分", "免押金", "先诊后付", "志愿服务", "守信"),
        *("credit", "deposit", "pay after treatment", "volunteer", "level"),
    ),
    dashboard=_dashboard,
    demo=demo.fill,
    attention=appeals_attention,
    daily=_daily,
    assisted_service=False,
    importer=import_entries,
    listener=Listener(),
    benefits=Benefits(),
    rateable=rateable,
    acts={
        f"{SERVICE}.join": _("Joined city credit"),
        f"{SERVICE}.leave": _("Left city credit"),
        f"{SERVICE}.sources": _("Chose the sources of city credit"),
        f"{SERVICE}.declined": _("Agreed to nothing new in city credit"),
        f"{SERVICE}.appeal": _("Appealed against an entry"),
        f"{SERVICE}.withdraw": _("Withdrew an appeal"),
        f"{SERVICE}.upheld": _("Upheld an appeal"),
        f"{SERVICE}.rejected": _("Rejected an appeal"),
        f"{SERVICE}.overdue": _("Decided an overdue appeal for the resident"),
        f"{SERVICE}.import": _("Imported entries"),
        f"{SERVICE}.verify": _("Checked a certificate"),
    },
    keeps={
        "zh": "你打开的各项的记录和申诉，到期后再留 3 个月；谁查过你的权益，留到你退出。关掉一项或退出，当场删除。",
        "en": "Entries of the sources that you have on, with appeals, until 3 months after they expire; "
        "who asked about your benefits, until you leave. Turning a source off, or leaving, erases at once.",
    },
)
