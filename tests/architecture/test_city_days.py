"""A day, a month and a year are the city's own: no place in the code takes one of UTC.

Moments are stored in UTC. What makes a day of one without naming a zone shows yesterday's date,
or last year's tiers, for the first eight hours of every day in UTC+8, and nobody sees it in the
afternoon, when tests run. `smartcity_saas.clock` alone makes days of moments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import SOURCE

CLOCKS = {"now", "clock", "current_time", "utc_now", "CLOCK"}
PARTS = {"year", "month", "day", "hour", "weekday", "isoweekday", "isocalendar", "timetuple"}
SQL_DAYS = {"date", "current_date", "date_trunc", "strftime", "extract", "now", "localtimestamp"}
ADVICE = "take today_in(zone, at) or local_time(at, zone) of smartcity_saas.clock"


def days_of_utc(code: str) -> Iterator[int]:
    """The lines on which a moment becomes a day, or a part of one, without a zone."""
    for node in ast.walk(ast.parse(code)):
        if (
            (isinstance(node, ast.Call) and _makes_a_day(node.func))
            or (isinstance(node, ast.Attribute) and node.attr in PARTS and _is_moment(node.value))
            or (isinstance(node, ast.FormattedValue) and _prints_a_day(node, code))
            or (isinstance(node, ast.Subscript) and "isoformat(" in ast.unparse(node.value))
        ):
            yield node.lineno


def _makes_a_day(call: ast.expr) -> bool:
    if not isinstance(call, ast.Attribute):
        return False
    owner = ast.unparse(call.value)
    return (
        call.attr in {"date", "utcnow", "utcfromtimestamp"}
        or (call.attr == "today" and owner in {"date", "datetime"})
        or (call.attr in SQL_DAYS and owner in {"func", "sa.func"})
        or (call.attr == "strftime" and _is_moment(call.value))
    )


def _prints_a_day(node: ast.FormattedValue, code: str) -> bool:
    """Times of UTC may be printed where the text says so."""
    if node.format_spec is None or not _is_moment(node.value):
        return False
    line = code.splitlines()[node.lineno - 1]
    return "%" in ast.unparse(node.format_spec) and " UTC" not in line


def _is_moment(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return _name(node.func) in CLOCKS
    return _name(node) in CLOCKS or _name(node).endswith("_at") or _name(node) == "at"


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def modules() -> list[Path]:
    return [
        path
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name != "clock.py" and "migrations" not in path.parts
    ]


def test_no_module_takes_a_day_of_utc() -> None:
    """Every place in the product; a new one fails here with what to write instead."""
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {ADVICE}"
        for path in modules()
        for line in days_of_utc(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "x = now.date()",
        "x = current_time().date()",
        "x = self.clock().year",
        "x = utc_now().year",
        "x = bill.paid_at.month",
        "x = row.created_at.weekday()",
        "x = date.today()",
        "x = datetime.utcnow()",
        "x = func.date(Row.created_at)",
        "x = func.current_date()",
        "x = func.extract('year', Row.created_at)",
        "x = f'{now:%Y-%m-%d}'",
        "x = row.starts_at.strftime('%Y-%m')",
        "x = now.isoformat()[:10]",
    ],
)
def test_the_scan_sees(code: str) -> None:
    """Each way in which a day of UTC was, or could be, taken: a scan that is blind holds nothing."""
    assert list(days_of_utc(code)) == [1]


@pytest.mark.parametrize(
    "code",
    [
        "x = today_in(city.timezone, now).year",
        "x = f'{local_time(one.starts_at, zone):%H:%M}'",
        "x = f'{bill.period:%Y-%m}'",
        "x = bill.period.year",
        "x = func.count(Row.id)",
        "x = f'{row.created_at:%Y-%m-%d} UTC'",
    ],
)
def test_the_scan_lets_pass(code: str) -> None:
    """What names its zone, and what is a date already."""
    assert list(days_of_utc(code)) == []


def test_one_zone_is_named_once() -> None:
    """A city's zone comes from its document; the common one stands in ``clock`` alone. Alipay's
    protocol counts in Beijing's time."""
    allowed = {SOURCE / "identity/federation/channels/alipay.py"}
    found = [
        str(path.relative_to(SOURCE))
        for path in set(modules()) - allowed
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value == "Asia/Shanghai"
    ]
    assert found == []


def test_no_template_takes_a_day_of_utc() -> None:
    """The filters ``moment``, ``day`` and ``clock`` know the zone of the page; parts of a moment,
    taken in a template, do not."""
    parts = r"(?:\w+_at|now|\bat)\.(?:year|month|day|date|hour|weekday|strftime)\b"
    found = [
        f"{path.relative_to(SOURCE)}: {match[0]}"
        for path in sorted(SOURCE.rglob("*.html"))
        for match in re.finditer(parts + r"(?!\(\"[^\"]*Z\"\))", path.read_text("utf-8"))
    ]
    assert found == []
