"""Sample accounts and bills for demo mode, plainly marked as sample."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from smartcity_saas.audit import system
from smartcity_saas.catalog.rateable import PAYMENT
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.ratings.demo import sample_rating
from smartcity_saas.ratings.models import RatingLevel
from smartcity_saas.services.utility_bills.bills import LinkRequest, link_account
from smartcity_saas.services.utility_bills.csv_import import REQUIRED, import_bills
from smartcity_saas.services.utility_bills.names import KINDS, SERVICE

HOLDERS = {"household": "示例住户甲", "parents": "示例住户乙", "newcomer": "示例新住户"}
NICKNAMES = {"household": "我家", "parents": "爸妈家"}
_SHAPE = {
    "water": (13, 4, 290),
    "electricity": (190, 90, 54),
    "gas": (22, 12, 310),
}
"""Kind → usual month, how far the seasons move it, fen a unit."""
_SEASON = (0.3, 0.5, 0.1, -0.4, -0.6, 0.2, 0.9, 1.0, 0.4, -0.3, -0.2, 0.1)


def fill(city: City, now: datetime) -> None:
    """Fill the current city: two sample residents linked, one who has yet to link; two ratings,
    a bad one of them, which waits for an answer."""
    entry = city.catalog[SERVICE]
    settings = entry.settings
    data = sample_csv(settings, today_in(city.timezone, now))
    import_bills(ImportRequest(system("demo"), city, data, "sample.csv", now, sample=True))
    for subject, nickname in NICKNAMES.items():
        resident = sample_resident(subject, now)
        for kind in settings["kinds"]:
            number = sample_number(settings, kind, subject)
            wanted = LinkRequest(kind, number, HOLDERS[subject], nickname)
            link_account(resident, entry, wanted, now)
    words = "示例：账单上的用水量看不明白，打电话也没人接。"
    yesterday = now - timedelta(days=1)
    sample_rating("household", SERVICE, PAYMENT, RatingLevel.DISSATISFIED, words, yesterday)
    sample_rating("parents", SERVICE, PAYMENT, RatingLevel.SATISFIED, "", yesterday)


def sample_number(settings: Mapping[str, Any], kind: str, subject: str) -> str:
    """The sample account's number of a sample resident: the example's, counted up."""
    example = str(settings["suppliers"][kind]["number"]["example"])
    return example[:-1] + str((int(example[-1]) + list(HOLDERS).index(subject)) % 10)


def sample_csv(settings: Mapping[str, Any], today: date) -> bytes:
    """Two years of bills for every sample resident, as a supplier would send them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*REQUIRED, "paid_on"])
    for place, (subject, holder) in enumerate(HOLDERS.items()):
        for kind in KINDS:
            if kind in settings["kinds"]:
                number = sample_number(settings, kind, subject)
                for row in _bills(kind, number, place, today):
                    writer.writerow([kind, number, holder, f"示例路 {place + 1} 号（示例）", *row])
    return out.getvalue().encode()


def _bills(kind: str, number: str, place: int, today: date) -> list[list[str]]:
    usual, swing, fen = _SHAPE[kind]
    rows = []
    for back in range(24, 0, -1):
        month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        for _step in range(back - 1):
            month = (month - timedelta(days=1)).replace(day=1)
        wobble = (int(number[-3:]) * 7 + back * 13) % 5 - 2
        usage = max(1, round(usual + swing * _SEASON[month.month - 1] + wobble - (back < 13)))
        third = (month.replace(day=28) + timedelta(days=8)).replace(day=3)
        issued = min(third, today)
        due = issued + timedelta(days={"water": 27, "electricity": 22, "gas": 5}[kind])
        unpaid = back == 1 and (kind != "gas" or place)
        paid = "" if unpaid else min(due - timedelta(days=2), today).isoformat()
        rows.append(
            [
                f"{month:%Y-%m}",
                str(usage),
                f"{usage * fen / 100:.2f}",
                issued.isoformat(),
                due.isoformat(),
                paid,
            ]
        )
    return rows
