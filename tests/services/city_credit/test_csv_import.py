"""Entries that the city brings itself: for members, and silent about everybody else."""

from __future__ import annotations

from typing import Any

import pytest

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.identity.residents.assurance import verify_real_name
from smartcity_saas.services.city_credit.csv_import import REQUIRED, import_entries
from smartcity_saas.services.city_credit.membership import join
from tests.support.api_client import Office
from tests.support.city_credit import CreditCity
from tests.support.clinic import Clinic

NUMBER = "11010519491231002X"
ROW = {
    "source": "volunteer_hours",
    "reference": "V-1",
    "id_number": NUMBER,
    "day": "2026-11-01",
    "quantity": "6",
}


def bring(credit: CreditCity, *rows: dict[str, str]) -> Any:
    """Import rows, each told by what differs."""
    lines = [",".join(REQUIRED)]
    lines += [",".join({**ROW, **row}[c] for c in REQUIRED) for row in rows or ({},)]
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


@pytest.fixture
def named(credit: CreditCity) -> CreditCity:
    """With a member whose real name is verified."""
    resident, _patient = Clinic(credit.world).person("a")
    with credit.world.inside("hangzhou"):
        verify_real_name(resident, "示例", NUMBER, credit.world.clock())
        join(resident, credit.world.clock())
    return credit


def test_an_entry_of_a_member_is_kept_once(named: CreditCity) -> None:
    """Promise: imported again, nothing changes; another quantity is told as a change."""
    first, again = bring(named), bring(named)
    assert (first.added, again.added, again.same) == (1, 0, 1)
    assert bring(named, {"quantity": "8"}).changed == 1
    assert named.rows() == 1


def test_rows_of_others_are_not_kept(credit: CreditCity) -> None:
    """Promise: what somebody did who does not take part is not kept."""
    found = bring(credit)
    assert (found.added, found.problems) == (0, [])
    assert credit.rows() == 0


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
    assert found.added == 1


def test_an_office_pushes_entries_with_its_own_scope(named: CreditCity) -> None:
    """Promise: what a table takes, a push takes by the same rules, with ``credit:write`` alone."""
    item = {**ROW, "quantity": 6}
    office = Office(named.world, "hangzhou", "credit:write")
    answer = office.call("POST", "/city-credit/entries", {"items": [item, {**item, "day": "x"}]})
    assert [one["status"] for one in answer.json["results"]] == ["stored", "refused"]
    other = Office(named.world, "hangzhou", "credit:verify")
    assert other.call("POST", "/city-credit/entries", {"items": [item]}).status_code == 403
