"""How the city's services did: for everybody, in words that no city can change."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from smartcity_saas.measures import Window
from smartcity_saas.open_data.performance import last_whole_day
from smartcity_saas.open_data.publication import published_datasets
from smartcity_saas.open_data.transparency import Report, read_reports
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import request_city, time_by_day
from smartcity_saas.texts import LazyText
from smartcity_saas.web.durations import duration, percent
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import FIGURES_LAST, Availability

OUTAGE_TOLD = 60
"""From so many minutes on, an outage is what a service's sentence is about."""
POINTS_TOLD = 2
GROWTH_TOLD = 0.1


@dataclass(frozen=True)
class Span:
    """A span that can be chosen: how many days, and its name."""

    path: str
    days: int
    title: LazyText


SPANS = (
    Span("/transparency", 30, _("30 days")),
    Span("/transparency/3-months", 91, _("3 months")),
    Span("/transparency/12-months", 365, _("12 months")),
)


@blueprint.page(
    "/transparency",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=FIGURES_LAST,
)
def transparency() -> ResponseReturnValue:
    """The last thirty days."""
    return _page(SPANS[0])


@blueprint.page(
    "/transparency/3-months",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=FIGURES_LAST,
)
def transparency_of_quarter() -> ResponseReturnValue:
    """The last three months."""
    return _page(SPANS[1])


@blueprint.page(
    "/transparency/12-months",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=FIGURES_LAST,
)
def transparency_of_year() -> ResponseReturnValue:
    """The last twelve months."""
    return _page(SPANS[2])


def _page(span: Span) -> str:
    city = request_city()
    window = Window.ending(last_whole_day(city, time_by_day(city.timezone)), span.days)
    whole, reports = read_reports(city, city_services(city), window)
    return render_template(
        "resident/transparency.html",
        span=span,
        spans=SPANS,
        window=window,
        whole=whole,
        reports=reports,
        opens_data=any(one.name == "performance" for one in published_datasets(city)),
        compared=compared,
        explained=explained,
        duration=duration,
        percent=percent,
        tab="services",
    )


def compared(report: Report) -> str:
    """The whole city beside the same days of last year, in words; empty where they are not known."""
    found = [one for one in (_growth(report), _in_time(report)) if one]
    return local({"zh": "", "en": " "}).join(found)


def explained(report: Report) -> str:
    """What stands out of a service's numbers, in one sentence: what is missing comes first."""
    told = report.told
    if told is None:
        return str(gettext("Nothing was recorded on these days, so nothing can be told."))
    if report.missing:
        return str(
            ngettext(
                "Of %(num)s day there is no data; it is left out, not counted as zero.",
                "Of %(num)s days there is no data; they are left out, not counted as zero.",
                report.missing,
            )
        )
    if told.outage_minutes >= OUTAGE_TOLD:
        time = duration(told.outage_minutes * 60)
        return str(gettext("The back office gave no answer for %(time)s in all.", time=time))
    if report.points is not None and abs(report.points) >= POINTS_TOLD:
        return _in_time(report)
    if report.growth is not None and abs(report.growth) >= GROWTH_TOLD:
        return _growth(report)
    if told.in_time is None:
        return str(gettext("Too little was done to tell shares."))
    return str(gettext("Nothing stands out."))


def _growth(report: Report) -> str:
    if report.growth is None:
        return ""
    share = f"{abs(report.growth):.0%}"
    if round(report.growth * 100) == 0:
        return str(gettext("As much was done as on the same days last year."))
    if report.growth > 0:
        return str(gettext("%(share)s more was done than on the same days last year.", share=share))
    return str(gettext("%(share)s less was done than on the same days last year.", share=share))


def _in_time(report: Report) -> str:
    points = report.points
    if not points:
        return ""
    if points > 0:
        return str(
            ngettext(
                "The share in time is %(num)s point higher than last year.",
                "The share in time is %(num)s points higher than last year.",
                points,
            )
        )
    return str(
        ngettext(
            "The share in time is %(num)s point lower than last year.",
            "The share in time is %(num)s points lower than last year.",
            -points,
        )
    )
