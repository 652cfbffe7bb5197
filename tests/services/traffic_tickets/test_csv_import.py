"""Tickets from tables: moments, plates, whose points they are, and what is paid already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.database import db
from smartcity_saas.services.traffic_tickets.csv_import import OPTIONAL, REQUIRED, import_tickets
from smartcity_saas.services.traffic_tickets.models import (
    TrafficLicence,
    TrafficVehicle,
    Violation,
)
from tests.support.tickets import LICENCE, ROOT, ROW, linked, tickets
from tests.support.world import World

POINTS = {
    "licence_number": LICENCE,
    "licence_file_tail": "F00017",
    "licence_first_issued_on": "2015-05-01",
}
CHANGES = {
    "vin_tail": "A00018",
    "engine_tail": "E00018",
    "at": "2026-11-10T08:16",
    "place_zh": "示例二路",
    "place_en": "Second Road",
    "act_code": "1625",
    "act_zh": "闯红灯",
    "act_en": "Red light",
    "points": "3",
    "fine": "150.00",
    "status": "revoked",
    "licence_file_tail": "F00018",
    "licence_first_issued_on": "2016-05-01",
    "licence_number": "",
}


def bring(world: World, *rows: dict[str, str], city: str = "hangzhou", **options: Any) -> Any:
    """Import rows, each told by what differs; columns are those that any of them has."""
    full = [{**ROW, **row} for row in rows or ({},)]
    columns = [c for c in (*REQUIRED, *OPTIONAL) if any(c in row for row in full)]
    lines = [",".join(columns), *(",".join(row.get(c, "") for c in columns) for row in full)]
    data = "\n".join(lines).encode()
    with world.inside(city):
        return import_tickets(
            ImportRequest(system("t"), world.city(city), data, "t.csv", world.clock(), **options)
        )


def ticket(world: World, city: str = "hangzhou") -> Any:
    with world.inside(city):
        return db.session.scalars(select(Violation)).one()


def faults(result: Any) -> list[str]:
    return [one.pointer for one in result.problems]


@pytest.mark.parametrize("column", CHANGES)
def test_whatever_is_written_is_counted(world: World, column: str) -> None:
    """Of the ticket, the vehicle and the licence: one cell that differs makes a changed row."""
    bring(world, POINTS)
    changed = bring(world, {**POINTS, column: CHANGES[column]})
    assert (changed.changed, changed.same, changed.problems) == (1, 0, [])
    again = bring(world, {**POINTS, column: CHANGES[column]})
    assert (again.changed, again.same) == (0, 1)


def test_columns_that_are_left_out_leave_what_is_stored(world: World) -> None:
    """Whose points they are stays; an empty cell makes them nobody's. Of a licence that is known
    its number is enough, and of a new one it is not."""
    bring(world, POINTS)
    assert bring(world).same == 1
    assert ticket(world).licence_id is not None
    known = {"licence_number": LICENCE}
    assert bring(world, known).same == 1
    with world.inside("hangzhou"):
        assert db.session.scalars(select(TrafficLicence)).one().file_tail == "F00017"
    assert bring(world, {"licence_number": ""}).changed == 1
    assert ticket(world).licence_id is None
    assert faults(bring(world, known, city="ningbo")) == ["/2/licence_file_tail"]
    assert bring(world, known, {"number": "T-9"}, city="ningbo", all_or_nothing=True).stored == 0
    with world.inside("ningbo"):
        assert db.session.scalars(select(TrafficVehicle)).all() == []


@pytest.mark.parametrize(
    "at", ["2026-11-20", "2026/11/20", "2062-11-20T08:15", "2026-11-20T25:00", "11/20/2026 8:15"]
)
def test_a_ticket_wants_a_time_that_has_been(world: World, at: str) -> None:
    """A day alone is not midnight; nothing happened in 2062."""
    assert faults(bring(world, {"at": at})) == ["/2/at"]


def test_a_day_s_grace(world: World) -> None:
    """A clock that goes fast makes no fault."""
    for hours, count in ((23, 0), (26, 1)):
        at = f"{world.clock() + timedelta(hours=hours):%Y-%m-%dT%H:%M}Z"
        assert len(bring(world, {"at": at}).problems) == count


def test_a_licence_is_not_issued_in_the_future(world: World) -> None:
    """Nor in another form than a date."""
    for day in ("2062-05-01", "1e3"):
        said = bring(world, {**POINTS, "licence_first_issued_on": day})
        assert faults(said) == ["/2/licence_first_issued_on"]


def test_another_vehicle_s_ticket_stores_nothing_of_the_row(world: World) -> None:
    """Neither the vehicle's pieces; and with all or nothing no other row either."""
    bring(world)
    rows = ({"plate": "浙A54321"}, {"number": "T-3"})
    assert bring(world, *rows, all_or_nothing=True).stored == 0
    with world.inside("hangzhou"):
        assert db.session.scalars(select(TrafficVehicle.plate)).all() == ["浙A12345"]
    said = bring(world, *rows)
    assert (said.added, faults(said)) == (1, ["/2/number"])
    with world.inside("hangzhou"):
        assert db.session.scalars(select(TrafficVehicle.plate)).all() == ["浙A12345"]


def test_a_file_gives_a_vehicle_one_set_of_pieces(world: World) -> None:
    """The later line that contradicts is refused."""
    said = bring(world, {}, {"number": "T-2", "engine_tail": "E99999"})
    assert (said.added, faults(said)) == (1, ["/3/engine_tail"])


def test_another_fine_of_what_is_paid_is_said(world: World) -> None:
    """It stays as it was paid here; one that is revoked afterwards is said too."""
    stripe = world.open_payments()
    bring(world)
    browser = linked(world)
    browser.post(f"{ROOT}/pay", "/me", ticket=[tickets(browser)[0]["id"]])
    stripe.pay()
    stripe.send_all()
    said = bring(world, {"fine": "150.00"})
    assert (said.same, said.paid_differs, ticket(world).fine) == (1, 1, 10_000)
    assert "¥150.00" in str(said.notes[0].message)
    assert bring(world).paid_differs == 0, "their file may be older than the payment"
    said = bring(world, {"status": "revoked"})
    assert (said.changed, said.paid_differs) == (1, 1)


def test_a_plate_on_another_vehicle_is_said(world: World) -> None:
    """The links end, as ever, and that is counted."""
    bring(world)
    browser = linked(world)
    said = bring(world, {"vin_tail": "B00001", "engine_tail": "G00001"})
    assert (said.holders_changed, said.changed) == (1, 1)
    assert tickets(browser) == []


def test_plates_of_embassies_are_taken_and_found(world: World) -> None:
    """In both of their forms, and however they are typed."""
    bring(world, {"plate": "使014578"}, {"plate": "224·578使", "number": "T-2"})
    client = world.client("hangzhou.localhost")
    for plate in ("使 014·578", "224578使"):
        page = client.post(f"{ROOT}/look-up", ROOT, plate=plate, tail="A00017")
        assert (
            "Parking" in client.get(page.headers["Location"]).text if page.location else page.text
        )


def test_a_fine_is_in_the_currency_of_its_file(world: World) -> None:
    """The city goes over to another currency: a ticket that comes again says the new one, and the
    same file once more changes nothing. Never the new number under the old code."""
    bring(world)
    text = world.documents().live_revision("hangzhou").text
    world.save(text + "site: {currency: KRW}\n")
    assert (ticket(world).fine, ticket(world).currency) == (10000, "CNY")
    again = {"fine": "10000"}
    assert (bring(world, again).changed, bring(world, again).same) == (1, 1)
    assert (ticket(world).fine, ticket(world).currency) == (10000, "KRW")
