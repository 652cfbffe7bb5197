"""Bills from tables: what is absent, what is said of what was paid, whose account it is."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.audit import CityAuditEvent, system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.database import db
from smartcity_saas.notifications.models import Message
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills.csv_import import OPTIONAL, REQUIRED, import_bills
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill, UtilityLink
from tests.support.browser import Browser
from tests.support.world import World

ROOT = "/services/utility-bills"
ROW = {
    "kind": "water",
    "account_number": "4100280017",
    "holder": "王某",
    "address": "示例路 1 号",
    "period": "2026-10",
    "usage": "15",
    "amount": "43.50",
    "issued_on": "2026-11-03",
    "due_on": "2026-11-30",
}
CHANGES: dict[str, str] = {
    "holder": "李某",
    "address": "示例路 2 号",
    "usage": "16",
    "amount": "44.00",
    "issued_on": "2026-11-04",
    "due_on": "2026-12-01",
    "paid_on": "2026-11-10",
}


def bring(world: World, *rows: dict[str, str], city: str = "hangzhou", **options: Any) -> Any:
    """Import rows, each told by what differs; columns are those that any of them has."""
    full = [{**ROW, **row} for row in rows or ({},)]
    columns = [c for c in (*REQUIRED, *OPTIONAL, "remark") if any(c in row for row in full)]
    lines = [",".join(columns), *(",".join(row.get(c, "") for c in columns) for row in full)]
    return bring_text(world, "\n".join(lines).encode(), city, **options)


def bring_text(world: World, data: bytes, city: str = "hangzhou", **options: Any) -> Any:
    served = world.city(city)
    with world.inside(city):
        return import_bills(
            ImportRequest(system("test"), served, data, "b.csv", world.clock(), **options)
        )


def bill(world: World, city: str = "hangzhou") -> Any:
    with world.inside(city):
        return db.session.scalars(select(UtilityBill)).one()


def link(world: World, subject: str = "household", holder: str = "王某") -> tuple[Browser, Any]:
    browser = world.resident(subject=subject)
    answer = browser.post(
        f"{ROOT}/link", kind="water", number="4100280017", holder=holder, nickname="我家"
    )
    return browser, answer


def test_a_column_that_is_left_out_leaves_what_is_stored(world: World) -> None:
    """A paid bill stays paid; an empty cell makes it due again, which is said and counted."""
    bring(world, {"paid_on": "2026-11-10"})
    assert bring(world).same == 1
    assert bill(world).paid_on == date(2026, 11, 10)
    emptied = bring(world, {"paid_on": ""})
    assert (emptied.changed, emptied.paid_differs) == (1, 1)
    assert "due again" in str(emptied.notes[0].message)
    assert bill(world).paid_on is None


@pytest.mark.parametrize("column", CHANGES)
def test_whatever_is_written_is_counted(world: World, column: str) -> None:
    """One cell that differs makes a changed row; the same again changes nothing."""
    bring(world)
    changed = bring(world, {column: CHANGES[column]})
    assert (changed.added, changed.changed, changed.same) == (0, 1, 0)
    again = bring(world, {column: CHANGES[column]})
    assert (again.changed, again.same, again.paid_differs, again.holders_changed) == (0, 1, 0, 0)


def test_another_amount_of_what_is_paid_is_said(world: World) -> None:
    """Paid here, it stays as it was paid; paid elsewhere, the supplier's word counts. Both are
    counted, told by line, and stand in the audit log."""
    stripe = world.open_payments()
    bring(world)
    browser, _answer = link(world)
    browser.post(f"{ROOT}/pay", "/me", bill=[str(bill(world).id)])
    stripe.pay()
    stripe.send_all()
    said = bring(world, {"amount": "44.00"})
    assert (said.same, said.paid_differs, said.problems) == (1, 1, [])
    assert "¥43.50" in str(said.notes[0].message)
    assert "¥44.00" in str(said.notes[0].message)
    assert bill(world).amount == 4350
    assert bring(world, {"amount": "43.50"}).paid_differs == 0
    bring(world, {"paid_on": "2026-11-10"}, city="ningbo")
    elsewhere = bring(world, {"amount": "44.00"}, city="ningbo")
    assert (elsewhere.changed, elsewhere.paid_differs, bill(world, "ningbo").amount) == (1, 1, 4400)
    with world.inside("ningbo"):
        event = db.session.scalars(
            select(CityAuditEvent).order_by(CityAuditEvent.id.desc()).limit(1)
        ).one()
    assert event.detail == {"changed": 1, "paid_differs": 1}


def test_a_changed_holder_ends_the_links(world: World) -> None:
    """Who knew the name before sees nothing of the new holder's, is told, and links again with the
    new name alone; the other city's account of the same number is as it was."""
    for city in ("hangzhou", "ningbo"):
        bring(world, city=city)
    browser, answer = link(world)
    account = answer.headers["Location"]
    said = bring(world, {"holder": "李某"}, {"holder": "李某", "period": "2026-09"})
    assert (said.holders_changed, said.changed, said.added) == (1, 1, 1)
    assert browser.get(account).status_code == 404
    with world.inside("hangzhou"):
        assert db.session.scalars(select(UtilityLink)).all() == []
        assert db.session.scalars(select(Message)).one().path == f"{ROOT}/link"
    assert "我家" in browser.get("/me/messages").text
    assert link(world)[1].status_code == 422
    assert link(world, holder="李某")[1].status_code == 302
    with world.inside("ningbo"):
        assert db.session.scalars(select(UtilityAccount)).one().holder == "王某"


@pytest.mark.parametrize("padded", ["王　某", " 王 某 ", "王\u00a0某"])
def test_a_padded_name_is_the_same_holder(world: World, padded: str) -> None:
    """It links whichever way it was typed, ends no link, and is found on the desk."""
    bring(world, {"holder": padded})
    browser, answer = link(world)
    assert answer.status_code == 302, answer.text
    said = bring(world)
    assert (said.changed, said.holders_changed) == (1, 0), "the text is another, the holder not"
    assert browser.get(answer.headers["Location"]).status_code == 200
    assert link(world, "parents", "王 某")[1].status_code == 302
    with world.inside("hangzhou"):
        assert len(domain.find_accounts("王　某")) == len(domain.find_accounts("4100 280017")) == 1


def test_a_file_gives_an_account_one_holder(world: World) -> None:
    """Of two the later line is refused, however the first is padded."""
    rows = ({}, {"holder": "王 某", "period": "2026-09"}, {"holder": "李某", "period": "2026-08"})
    said = bring(world, *rows)
    assert (said.added, [one.pointer for one in said.problems]) == (2, ["/4/holder"])
    assert bring(world, *rows, all_or_nothing=True).stored == 0


@pytest.mark.parametrize("column", ["issued_on", "paid_on", "period", "due_on"])
def test_days_that_cannot_be_are_faults(world: World, column: str) -> None:
    """What has happened lies after now by a day at most; nothing lies two years ahead."""
    month = column == "period"
    far = {column: "2062-11" if month else "2062-11-20"}
    assert [one.pointer for one in bring(world, far).problems] == [f"/2/{column}"]
    if column in ("issued_on", "paid_on"):
        today = world.clock().astimezone().date()
        due = {"due_on": str(today + timedelta(60))}
        assert bring(world, {**due, column: str(today + timedelta(1))}).problems == []
        assert len(bring(world, {**due, column: str(today + timedelta(3))}).problems) == 1


def test_dates_of_a_chinese_spreadsheet_are_taken(world: World) -> None:
    """The same days, so nothing changes."""
    bring(world)
    dates = {"issued_on": "2026/11/3", "due_on": "2026年11月30日", "period": "2026/10"}
    assert bring(world, dates).same == 1


def test_full_width_digits_are_digits(world: World) -> None:
    """In numbers of accounts, amounts and usages."""
    bring(world)
    full = {"account_number": "４１００２８００１７", "amount": "４３.５０", "usage": "１５"}
    assert bring(world, full).same == 1


def test_a_row_with_a_rest_stops_itself_alone(world: World) -> None:
    """An amount of 1,234.50 without quotation marks is never 1.00."""
    header = ",".join(c for c in (*REQUIRED,) if c != "amount") + ",amount\n"
    text = header + "water,4100280017,王某,路,2026-10,15,2026-11-03,2026-11-30,1,234.50\n"
    good = "water,4100280018,李某,路,2026-10,15,2026-11-03,2026-11-30,43.50\n,,,,,,,,\n"
    said = bring_text(world, (text + good).encode())
    assert (said.added, [one.line for one in said.problems]) == (1, [2])
    assert bring_text(world, (text + good).encode(), all_or_nothing=True).stored == 0


def test_the_desk_tells_how_a_file_was_read(world: World) -> None:
    """The encoding, the columns that nobody reads, and what changed hands."""
    text = ",".join((*REQUIRED, "remark")) + "\n" + ",".join(ROW.values()) + ",x\n"
    staff = world.city_staff()
    page = "/cities/hangzhou/utility-bills"
    done = staff.post(page, file=(io.BytesIO(text.encode("gb18030")), "b.csv"))
    assert done.status_code == 200
    assert "Read as GB 18030. Columns not read: remark." in done.text
    other = text.replace("王某", "李某")
    done = staff.post(page, file=(io.BytesIO(other.encode()), "b.csv"))
    assert "1 holder has changed." in done.text
    assert "must link it again" in done.text


def test_what_the_desk_exports_imports_again(world: World) -> None:
    """Large usages, names that would be formulas, paid ones: nothing changes."""
    bring(
        world,
        {"usage": "123456.789", "holder": "=样例"},
        {"usage": "1234.5", "holder": "=样例", "period": "2026-09", "paid_on": "2026-11-10"},
        {"account_number": "4100280018", "usage": "100000"},
    )
    data = world.city_staff().get("/cities/hangzhou/utility-bills/bills.csv").data
    assert b"123456.789" in data
    again = bring_text(world, data)
    assert (again.added, again.changed, again.same, again.problems) == (0, 0, 3, [])
    assert again.unread == ("payment",)
