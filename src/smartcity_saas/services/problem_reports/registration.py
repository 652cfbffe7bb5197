"""The service, put together."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.measured import Measured
from smartcity_saas.catalog.service import DashboardItem, Service, Task
from smartcity_saas.clock import today_in
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.problem_reports import api, demo, open311_views
from smartcity_saas.services.problem_reports.attention import reports_attention
from smartcity_saas.services.problem_reports.categories import category_words, report_rules
from smartcity_saas.services.problem_reports.desk import blueprint as desk
from smartcity_saas.services.problem_reports.document import extension
from smartcity_saas.services.problem_reports.lifecycle import close_unanswered, reopen_until
from smartcity_saas.services.problem_reports.models import STATE_NAMES, ProblemReport
from smartcity_saas.services.problem_reports.names import ROOT, SERVICE, TELL, TITLE
from smartcity_saas.services.problem_reports.rateable import acts as rateable
from smartcity_saas.services.problem_reports.reporting import (
    NUMBER,
    forget_forms,
    forget_words,
    going_on_for,
    report_of,
)
from smartcity_saas.services.problem_reports.telling import tell_step
from smartcity_saas.services.problem_reports.views import blueprint as resident
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import local

MOST_ON_DASHBOARD = 5


def _dashboard(person: SignedInResident) -> list[DashboardItem]:
    return [_line(one, person) for one in going_on_for(person, MOST_ON_DASHBOARD)]


def _line(report: ProblemReport, person: SignedInResident) -> DashboardItem:
    """A report; one that is said to be solved waits for whoever reported it to say whether it is."""
    city, state = current_city(), str(STATE_NAMES[report.state])
    own = report.resident_id == person.id
    asked = own and report.is_solved
    return DashboardItem(
        title=f"{local(report_rules(city).category_name(report.category))} {report.number}",
        detail=state if own else gettext("%(state)s; you follow it", state=state),
        url=f"{ROOT}/{report.number}",
        icon="map-pin",
        by=today_in(city.timezone, reopen_until(report)) if asked else None,
        waits=asked,
    )


def _find_number(person: SignedInResident, typed: str) -> list[DashboardItem]:
    number = NUMBER.search(typed)
    found = report_of(person, number[0]) if number else None
    return [_line(found, person)] if found else []


def _daily(now: datetime) -> None:
    close_unanswered(now)
    forget_forms(now)
    forget_words(now)


service = Service(
    name=SERVICE,
    title=TITLE,
    help={"zh": "路灯、井盖，拍下来报", "en": "Street lights, potholes, litter"},
    icon="camera",
    category="home",
    resident=resident,
    api=api.blueprint,
    protocols=(open311_views.blueprint,),
    scopes={api.WRITE: _("report problems by Open311 GeoReport v2")},
    landing=f"{SERVICE}.landing",
    desk=desk,
    desk_landing=f"{SERVICE}_desk.desk",
    measured=Measured(
        acts={"zh": "件上报办好", "en": "reports solved"},
        wait={"zh": "从上报到办好", "en": "from the report until it was solved"},
        in_time={
            "zh": "在这一类承诺的时间内办好",
            "en": "solved within the time that its category promises",
        },
    ),
    settings=extension.settings,
    connectors=extension.connectors,
    while_paused={
        "zh": "已报的照常可查、可补充、可重新打开。",
        "en": "Reports can still be followed, added to and opened again.",
    },
    keywords=(
        *(
            "随手拍",
            "上报",
            "路灯",
            "井盖",
            "路面",
            "坑洼",
            "坑洞",
            "路坏了",
            "垃圾",
            "噪声",
            "噪音",
            "投诉",
            "12345",
        ),
        *("城管", "树木", "漏水", "report", "pothole", "street light", "litter", "noise", "311"),
    ),
    settings_keywords=category_words,
    tasks=(
        Task(
            title={"zh": "查编号", "en": "By number"},
            icon="search",
            endpoint=f"{SERVICE}.track_form",
        ),
        Task(
            title={"zh": "大家报的", "en": "All reports"},
            icon="list-check",
            endpoint=f"{SERVICE}.public_list",
        ),
    ),
    dashboard=_dashboard,
    find_number=_find_number,
    demo=demo.fill,
    attention=reports_attention,
    daily=_daily,
    work={TELL: tell_step},
    rateable=rateable,
    acts={
        f"{SERVICE}.report": _("Reported a problem"),
        f"{SERVICE}.assign": _("Assigned a report"),
        f"{SERVICE}.begin": _("Began work on a report"),
        f"{SERVICE}.wait": _("Said what a report waits for"),
        f"{SERVICE}.solve": _("Answered a report: solved"),
        f"{SERVICE}.refuse": _("Answered a report: not taken on"),
        f"{SERVICE}.merge": _("Merged a report into another"),
        f"{SERVICE}.release": _("Chose what is public of a report"),
        f"{SERVICE}.correct": _("Corrected a report"),
        f"{SERVICE}.confirm": _("Confirmed that it is solved"),
        f"{SERVICE}.reopen": _("Had a report opened again"),
        f"{SERVICE}.add": _("Added to a report"),
        f"{SERVICE}.close": _("Closed a report that nobody answered"),
    },
    keeps={
        "zh": "你报的问题、原话和照片，公开前由城市挑选；没公开的在结束后按城市定的时间删除。删除账户时，原话和照片一起删除，公开的办理记录留下，不含你的名字。",
        "en": "What you report, with your words and photos; nothing of these is public until the city "
        "releases it, and what is not is deleted some time after the report is closed. If you delete your "
        "account, words and photos go; the public record stays without you.",
    },
)
