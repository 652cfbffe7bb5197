"""Sample vehicles and tickets for demo mode, plainly marked as sample."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.clock import local_time
from smartcity_saas.configuration.city import City
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.services.traffic_tickets.csv_import import OPTIONAL, REQUIRED, import_tickets
from smartcity_saas.services.traffic_tickets.disputes import answer, dispute
from smartcity_saas.services.traffic_tickets.models import TicketDisputeState
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.services.traffic_tickets.tickets import (
    link_licence,
    link_vehicle,
    own_violations,
)

PREFIXES = {"11": "京A", "31": "沪A", "33": "浙A", "44": "粤A", "42": "鄂A", "51": "川A"}
LICENCE, FILE_TAIL = "11010519491231002X", "000017"
"""The example of GB 11643's own check, no person's."""
VEHICLES = (
    ("00017", "A00017", "E00017"),
    ("D00028", "A00028", "E00028"),
    ("F00036", "A00036", "E00036"),
)
ACTS = (
    ("1039", "违反规定停放机动车", "Parking against the rules", "0", "100.00"),
    ("1344", "违反禁令标志指示", "Ignoring a prohibition sign", "1", "100.00"),
    ("1625", "不按交通信号灯规定通行", "Passing a red light", "6", "200.00"),
)


def fill(city: City, now: datetime) -> None:
    """Fill the current city: one resident with a car, a licence and three tickets, and a
    second car to link: the piece is ``A00028``. Another resident has disputed a ticket, in vain, and
    can rate that and have it looked at again."""
    data = sample_csv(city, now)
    import_tickets(ImportRequest(system("demo"), city, data, "sample.csv", now, sample=True))
    resident = sample_resident("household", now)
    entry = city.catalog[SERVICE]
    link_vehicle(resident, entry, sample_plate(city, 0), VEHICLES[0][1], now)
    link_licence(resident, LICENCE, FILE_TAIL, now)
    _dispute_in_vain(city, now)


def _dispute_in_vain(city: City, now: datetime) -> None:
    resident = sample_resident("parents", now)
    link_vehicle(resident, city.catalog[SERVICE], sample_plate(city, 2), VEHICLES[2][1], now)
    newest = max(own_violations(resident), key=lambda one: one.at)
    reason = "示例：当时在给病人让路，请看行车记录。"
    asked = dispute(resident, newest.id, reason, (), now - timedelta(days=9))
    said = "示例：照片里没有看到需要让路的车。"
    answer(system("demo"), asked.id, TicketDisputeState.KEPT, said, now - timedelta(days=2))


def sample_plate(city: City, place: int) -> str:
    """A sample vehicle's plate, with the city's province before it."""
    return PREFIXES.get(city.division_code[:2], "浙A") + VEHICLES[place][0]


def sample_csv(city: City, now: datetime) -> bytes:
    """Tickets as the police would send them."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*REQUIRED, *OPTIONAL])
    writer.writeheader()
    today = local_time(now, city.timezone).replace(hour=8, minute=15)
    for vehicle, (_plate, vin, engine) in enumerate(VEHICLES):
        for place, (code, zh, en, points, fine) in enumerate(ACTS):
            paid = vehicle == 0 and place == 2
            writer.writerow(
                {
                    "plate": sample_plate(city, vehicle),
                    "vin_tail": vin,
                    "engine_tail": engine,
                    "number": f"SAMPLE-{vehicle}{place}",
                    "at": f"{today - timedelta(days=9 + 31 * place + vehicle):%Y-%m-%dT%H:%M}",
                    "place_zh": f"示例路 {place + 1} 号路口（示例）",
                    "place_en": f"Crossing {place + 1}, Sample Road (sample)",
                    "act_code": code,
                    "act_zh": zh,
                    "act_en": en,
                    "points": points,
                    "fine": fine,
                    "status": "paid" if paid else "open",
                    "licence_number": LICENCE if paid else "",
                    "licence_file_tail": FILE_TAIL if paid else "",
                    "licence_first_issued_on": "2015-06-10" if paid else "",
                }
            )
    return out.getvalue().encode()
