"""What each signed-in page costs: CPU time, and how many statements it sends.

The pages that a resident, a city's staff, a province and the operator open most. The aim is 10 ms
where the bill page takes 6, so each is measured in turns with that.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Response
from tests.support import postgres
from tests.support.served_world import session_cookie
from tests.support.statements import statements_sent

from benchmarks.setting import application, call_of, signed_in
from benchmarks.table import absolute, compare_costs, seconds
from smartcity_saas.audit import system
from smartcity_saas.clock import utc_now
from smartcity_saas.identity.staff import sessions
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.roles import CITY_ADMIN, OPERATOR, PROVINCE_ADMIN
from smartcity_saas.tenancy.flask_app import SiteFlask

AIM = "≤ 1.67 times"
TURNS, CALLS = 9, 5
PASSWORD = "correct horse battery"
RESIDENTS = ("/", "/me", "/me/messages", "/me/payments", "/me/data", "/search?q=bill")
STAFF = {
    (CITY_ADMIN, "city", "hangzhou"): ("", "/overview", "/announcements", "/payments", "/staff"),
    (PROVINCE_ADMIN, "province", "zhejiang"): ("", "/overview", "/data"),
}
OPERATORS = ("/platform", "/platform/overview", "/cities/hangzhou")


def signed_in_pages(cluster: str) -> None:
    """A row for each page."""
    with postgres.test_database(cluster) as database:
        app = application(database.application, database.owner)
        cookie, bill = signed_in(app)
        bills = call_of(app, "hangzhou.localhost", bill, cookie)
        absolute("page resident bill page, CPU", [_spent(bills) for _turn in range(TURNS)], "ms")
        pages = {
            f"resident {path}": call_of(app, "hangzhou.localhost", path, cookie)
            for path in RESIDENTS
        }
        for (role, kind, place), paths in STAFF.items():
            staff = _staff_cookie(app, role, **{kind: place})
            root = f"/cities/{place}" if kind == "city" else f"/provinces/{place}"
            for path in paths:
                call = call_of(app, "console.localhost", f"{root}{path}", staff)
                pages[f"{role} {path or '/'}"] = call
        operator = _staff_cookie(app, OPERATOR)
        for path in OPERATORS:
            pages[f"operator {path}"] = call_of(app, "console.localhost", path, operator)
        for name, call in pages.items():
            _measure(app, name, call, bills)


def _measure(
    app: SiteFlask, name: str, call: Callable[[], Response], bills: Callable[[], Response]
) -> None:
    answer = call()
    if answer.status_code != 200:
        raise ValueError(f"{name}: {answer.status}")
    compare_costs(
        f"page {name}, CPU in times of the bill page",
        lambda: _spent(call),
        lambda: _spent(bills),
        unit="ms",
        aim=AIM,
        turns=TURNS,
    )
    absolute(f"page {name}, statements", [float(_statements(app, call))], "statements")


def _spent(call: Callable[[], Response]) -> float:
    """Milliseconds of CPU a call."""
    return seconds(call, time.process_time, CALLS) / CALLS * 1000


def _statements(app: SiteFlask, call: Callable[[], Response]) -> int:
    with app.app_context(), statements_sent() as sent:
        call()
    return len(sent)


def _staff_cookie(app: SiteFlask, role: str, **place: str) -> str:
    with app.app_context():
        name = f"bench.{role.replace('_', '.')}"[:30]
        create_staff(
            system("bench"), name, "Bench", (role,), PASSWORD, demo=True, now=utc_now(), **place
        )
        token = sessions.sign_in(name, PASSWORD, "127.0.0.1", utc_now())
    return session_cookie(app, "console.localhost", {"staff": token})
