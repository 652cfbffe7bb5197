"""Entries that the city brings itself: for members, and silent about everybody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.residents.assurance import verify_real_name
from smartcity_saas.services.city_credit.appeals import answer, appeal
from smartcity_saas.services.city_credit.csv_import import REQUIRED, import_entries
from smartcity_saas.services.city_credit.entries import entries_of
from smartcity_saas.services.city_credit.membership import join, leave
from smartcity_saas.services.city_credit.models import CreditEntry
from tests.support.api_client import Office
from tests.support.city_credit import SOURCES, CreditCity
from tests.support.clinic import Clinic

NUMBER = "11010519491231002X"
OTHER = "110101199003070011"
ROW = {
    "source": "volunteer_hours",
    "reference": "V-1",
    "id_number": NUMBER,
    "quantity": "6",
}


def bring(credit: CreditCity, *rows: dict[str, str]) -> Any:
    """Import rows, each told by what differs."""
    lines = [",".join(REQUIRED)]
    today = str(today_in("Asia/Shanghai", credit.world.clock()))
    full = [{"day": today, **ROW, **row} for row in rows or ({},)]
    lines += [",".join(row[c] for c in REQUIRED) for row in full]
    with credit.world.inside(credit.slug):
        return import_entries(
            ImportRequest(
                system("t"),
                credit.world.city(credit.slug),
                "\n".join(lines).encode(),
                "v.csv",
                credit.world.clock(),
            )
        )


def quantities(credit: CreditCity) -> list[int]:
    """What the city's entries count."""
    db.session.rollback()
    with credit.world.inside(credit.slug):
        return list(db.session.scalars(select(CreditEntry.quantity)))


@pytest.fixture
def named(credit: CreditCity) -> CreditCity:
    """With a member whose real name is verified."""
    resident, _patient = Clinic(credit.world).person("a")
    with credit.world.inside("hangzhou"):
        verify_real_name(resident, "示例", NUMBER, credit.world.clock(), by="alipay")
        join(resident, SOURCES, credit.world.clock())
    return credit


def test_an_entry_of_a_member_is_kept_once(named: CreditCity) -> None:
    """Promise: imported again, nothing changes; another quantity corrects the entry."""
    steps: list[tuple[dict[str, str], int]] = [({}, 6), ({}, 6), ({"quantity": "8"}, 8)]
    for row, quantity in steps:
        assert bring(named, row).problems == []
        assert quantities(named) == [quantity]


def test_an_import_does_not_say_who_takes_part(named: CreditCity) -> None:
    """Promise: a row of a member and one of anybody else are counted alike, and the second is not
    kept."""
    told = [bring(named, row) for row in ({}, {"reference": "V-2", "id_number": OTHER})]
    assert len({(one.added, one.changed, one.same) for one in told}) == 1
    assert quantities(named) == [6]


def test_ones_own_word_is_not_enough(credit: CreditCity) -> None:
    """Promise: nobody receives another person's entries by typing their number."""
    resident, _patient = Clinic(credit.world).person("a")
    with credit.world.inside("hangzhou"):
        verify_real_name(resident, "示例", NUMBER, credit.world.clock())
        join(resident, SOURCES, credit.world.clock())
    bring(credit)
    assert quantities(credit) == []


def test_what_was_done_before_joining_is_not_kept(named: CreditCity) -> None:
    """Promise: entries begin with the day on which one joined, also after leaving and joining anew."""
    bring(named, {"day": str(today_in("Asia/Shanghai", named.world.clock()) - timedelta(days=1))})
    assert quantities(named) == []


def test_an_entry_that_is_somebody_elses_now_takes_nothing_along(named: CreditCity) -> None:
    """Promise: corrected to another person, an entry is a new one: its appeal is erased, and either
    can leave; corrected to nobody who takes part, it is gone."""
    clinic = Clinic(named.world)
    first, _patient = clinic.person("a")
    second, _patient = clinic.person("b")
    now = named.world.clock()
    with named.world.inside("hangzhou"):
        verify_real_name(second, "示例", OTHER, now, by="alipay")
        join(second, SOURCES, now)
    bring(named, {"quantity": "0"})
    with named.world.inside("hangzhou"):
        (one,) = entries_of(first.id)
        appeal(first, one.entry.id, "I was there for six hours.", [], now)
    bring(named, {"quantity": "0", "id_number": OTHER})
    with named.world.inside("hangzhou"):
        (moved,) = entries_of(second.id)
        assert moved.appeal is None
        assert entries_of(first.id) == []
        leave(second, now)
        leave(first, now)
    assert quantities(named) == []


def test_an_amount_can_be_appealed_against(named: CreditCity) -> None:
    """Promise: of an entry that says how much, the resident says how much it should be; it counts
    as recorded until the desk agrees, and bringing the same table again takes nothing back."""
    first, _patient = Clinic(named.world).person("a")
    now = named.world.clock()
    bring(named)
    with named.world.inside("hangzhou"):
        (one,) = entries_of(first.id)
        for wrong in (None, 6, 1_001):
            with pytest.raises(FieldErrors):
                appeal(first, one.entry.id, "I was there for nine hours.", [], now, wrong)
        row = appeal(first, one.entry.id, "I was there for nine hours.", [], now, 9)
        assert [entry.quantity for entry in entries_of(first.id)] == [6]
        answer(system("desk"), row.id, "upheld", "You are right.", now)
        assert [entry.quantity for entry in entries_of(first.id)] == [9]
    bring(named)
    with named.world.inside("hangzhou"):
        assert [entry.quantity for entry in entries_of(first.id)] == [9]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("source", "utility_bills.paid_in_time"),
        ("source", "blood"),
        ("reference", "a b"),
        ("id_number", "110105194912310021"),
        ("day", "2099-01-01"),
        ("day", "yesterday"),
        ("quantity", "-1"),
        ("quantity", "1.5"),
    ],
)
def test_a_faulty_row_is_told_by_line_and_column(
    named: CreditCity, column: str, value: str
) -> None:
    """Promise: every fault names its line and column; sound rows are kept beside it."""
    found = bring(
        named, {column: value, "reference": "V-2"} if column != "reference" else {column: value}, {}
    )
    assert [(one.line, one.pointer.split("/")[2]) for one in found.problems] == [(2, column)]
    assert found.same == 1


def test_an_office_pushes_entries_with_its_own_scope(named: CreditCity) -> None:
    """Promise: what a table takes, a push takes by the same rules, with ``credit:write`` alone."""
    item = {**ROW, "day": str(today_in("Asia/Shanghai", named.world.clock())), "quantity": 6}
    office = Office(named.world, "hangzhou", "credit:write")
    answer = office.call("POST", "/city-credit/entries", {"items": [item, {**item, "day": "x"}]})
    assert [one["status"] for one in answer.json["results"]] == ["stored", "refused"]
    other = Office(named.world, "hangzhou", "credit:verify")
    assert other.call("POST", "/city-credit/entries", {"items": [item]}).status_code == 403
