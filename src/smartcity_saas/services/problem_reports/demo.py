"""Sample reports in every state for demo mode, plainly marked as sample."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smartcity_saas.audit import system
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.services.problem_reports import lifecycle
from smartcity_saas.services.problem_reports.categories import Category, report_rules
from smartcity_saas.services.problem_reports.names import SERVICE
from smartcity_saas.services.problem_reports.positions import Position
from smartcity_saas.services.problem_reports.reading import NewReport
from smartcity_saas.services.problem_reports.reporting import Reporter, report_problem

MIDDLE = Position(36.0671, 120.3826)
DESK = system("demo")


@dataclass(frozen=True)
class SampleReport:
    """A sample report: when it came, of which of the city's categories, where, and how far it has
    come."""

    days_ago: int
    category: int
    place: str
    words: str
    east: float
    until: str


SAMPLES: Sequence[SampleReport] = (
    SampleReport(20, 3, "海风路 3 号（示例）", "示例：树枝压到电线。", 0.016, "confirmed"),
    SampleReport(
        6, 1, "示例路 12 号门前（示例）", "示例：井盖松动，车过有响声。", 0.004, "waiting"
    ),
    SampleReport(
        3, 0, "示例路和海风路路口（示例）", "示例：路口东北角的灯三天没亮。", 0.0, "solved"
    ),
    SampleReport(1, 2, "海风路小公园北门（示例）", "示例：垃圾桶满了，没人清。", 0.008, "assigned"),
    SampleReport(0, 4, "示例路地铁口（示例）", "示例：夜里有施工声。", 0.012, "received"),
)
"""The oldest first, as they would have come."""


def fill(city: City, now: datetime) -> None:
    """Fill the current city, where problems can be reported: five reports of one resident, each
    as far as none of the others."""
    categories = list(report_rules(city).categories.values())
    if not city.catalog[SERVICE].is_open or not categories:
        return
    resident = sample_resident("household", now)
    for sample in SAMPLES:
        began = now - timedelta(days=sample.days_ago, hours=2)
        category = categories[sample.category % len(categories)]
        told = NewReport(
            category,
            sample.place,
            Position(MIDDLE.latitude, MIDDLE.longitude + sample.east),
            sample.words,
        )
        reporter = Reporter(resident.actor, resident, told=True)
        made = report_problem(reporter, told, (), began)
        _go_on(made.report.id, category, sample.until, began, now, city.timezone)


def _go_on(
    report_id: uuid.UUID, category: Category, until: str, began: datetime, now: datetime, zone: str
) -> None:
    if until == "received":
        return
    lifecycle.assign(DESK, report_id, category.department, began + timedelta(hours=1))
    if until == "assigned":
        return
    if until == "waiting":
        day = today_in(zone, now) + timedelta(days=2)
        words = "示例：配件缺货，到货就换。"
        lifecycle.wait(DESK, report_id, words, day, began + timedelta(hours=20))
        return
    solved = began + timedelta(hours=30)
    lifecycle.solve(DESK, report_id, "示例：换了镇流器，同杆两盏一起查过。", (), solved)
    if until == "confirmed":
        lifecycle.confirm(DESK, report_id, solved + timedelta(hours=5))
