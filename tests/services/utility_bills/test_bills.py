"""Utility bills: linking, seeing, importing."""

from __future__ import annotations

import io
import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.notifications import Message
from smartcity_saas.services.utility_bills import bills as domain
from smartcity_saas.services.utility_bills import demo
from smartcity_saas.services.utility_bills.bills import tiers_used, usage_of
from smartcity_saas.services.utility_bills.models import UtilityBill
from smartcity_saas.services.utility_bills.notifications import remind
from tests.support.bills import HEADER, ROOT, ROW, bring, linked
from tests.support.world import World


def test_linking_an_account_shows_its_bills(world: World) -> None:
    """Number and holder together open the bills: what, how much, by when."""
    browser, account = linked(world)
    page = browser.get(account).text
    assert "43.50" in page
    assert "30 November" in page
    assert "••••••0017" in page
    assert "4100280017" not in page
    assert "我家" in browser.get("/me").text
    assert browser.get(ROOT).headers["Location"] == account
    assert browser.get(f"{ROOT}/water").headers["Location"] == account


@pytest.mark.parametrize(
    "typed, said",
    [
        ({"number": ""}, "Enter the account number"),
        ({"number": "410028"}, "You entered 6 characters. It must have 10 digits."),
        ({"holder": "李某"}, "We cannot find an account with this number and holder."),
        ({"number": "4100280018"}, "We cannot find an account with this number and holder."),
        ({"kind": "oil"}, "Choose water, electricity or gas."),
        ({"nickname": ""}, "Account name"),
        ({"holder": ""}, "holder"),
    ],
)
def test_a_wrong_form_says_what_and_keeps_what_was_typed(
    world: World, typed: dict[str, str], said: str
) -> None:
    """A summary, a message at the field, and everything typed is still there."""
    bring(world)
    browser = world.resident()
    good = {"kind": "water", "number": "4100280017", "holder": "王某", "nickname": "我家"}
    answer = browser.post(f"{ROOT}/link", **{**good, **typed})
    assert answer.status_code == 422
    assert said in answer.text
    for name, value in {**good, **typed}.items():
        if name != "kind" and value:
            assert f'value="{value}"' in answer.text


def test_numbers_cannot_be_walked(world: World) -> None:
    """A wrong holder and an unknown number read alike, and ten tries are the most."""
    bring(world)
    browser = world.resident()
    token = browser.token(f"{ROOT}/link")
    codes = []
    for number in range(12):
        answer = browser.client.post(
            f"{ROOT}/link",
            base_url="http://hangzhou.localhost",
            data={
                "csrf_token": token,
                "kind": "water",
                "number": f"41002800{number:02d}",
                "holder": "x",
                "nickname": "x",
            },
        )
        codes.append(answer.status_code)
    assert codes == [422] * 10 + [429] * 2


def test_others_accounts_do_not_exist(world: World) -> None:
    """Another resident's link, and another city's, answer as one that does not exist."""
    _browser, account = linked(world)
    _other, foreign = linked(world, "shanghai")
    nothing = f"{ROOT}/accounts/00000000-0000-7000-8000-000000000000"
    neighbour = world.resident(subject="parents")
    expected = neighbour.get(nothing)
    for path in (account, foreign):
        answer = neighbour.get(path)
        assert answer.status_code == 404
        assert answer.text.replace(path, nothing) == expected.text
        assert neighbour.post(f"{path}/unlink", "/me").status_code == 404
    assert world.client("hangzhou.localhost").get(account).status_code == 302


def test_unlinking(world: World) -> None:
    """One press, and the account is gone from one's own page."""
    browser, account = linked(world)
    assert "Keep it" in browser.get(f"{account}/unlink").text
    assert browser.post(f"{account}/unlink").status_code == 302
    assert browser.get(account).status_code == 404


def test_a_paused_service_still_shows_what_one_has(world: World) -> None:
    """New links stop; linked accounts and their bills stay readable, also when closed."""
    browser, account = linked(world)
    state = ("services", "utility_bills", "state")
    notice = {"zh": "升级", "en": "Upgrade"}
    world.documents().change("hangzhou", 1, "", {state: "paused", (*state[:2], "notice"): notice})
    world.app.registry.refresh()
    page = browser.get(account)
    assert page.status_code == 200
    assert "Upgrade" in page.text
    assert browser.get(f"{ROOT}/link").status_code == 503
    assert account in browser.get(ROOT).text
    world.documents().change("hangzhou", 2, "", {state: "closed"}, [(*state[:2], "notice")])
    world.app.registry.refresh()
    assert browser.get(account).status_code == 200
    assert browser.get(ROOT).status_code == 404
    assert account in browser.get("/me").text


BAD_ROWS = {
    "kind": "oil,1,王某,路,2026-10,1,1,2026-11-03,2026-11-30,",
    "account_number": "water,41,王某,路,2026-10,1,1,2026-11-03,2026-11-30,",
    "holder": "water,4100280017,,路,2026-10,1,1,2026-11-03,2026-11-30,",
    "period": "water,4100280017,王某,路,2026-13,1,1,2026-11-03,2026-11-30,",
    "usage": "water,4100280017,王某,路,2026-10,-1,1,2026-11-03,2026-11-30,",
    "amount": "water,4100280017,王某,路,2026-10,1,1e9,2026-11-03,2026-11-30,",
    "issued_on": "water,4100280017,王某,路,2026-10,1,1,2026-02-30,2026-11-30,",
    "due_on": "water,4100280017,王某,路,2026-10,1,1,2026-11-03,2026-11-01,",
    "paid_on": "water,4100280017,王某,路,2026-10,1,1,2026-11-03,2026-11-30,soon",
}


@pytest.mark.parametrize("column", BAD_ROWS)
def test_a_bad_line_is_named_and_stops_itself_alone(world: World, column: str) -> None:
    """Line and column are told; the good line goes in, or none if all or nothing was chosen."""
    text = HEADER + ROW + BAD_ROWS[column] + "\n"
    result = bring(world, text, all_or_nothing=True)
    assert result.stored == 0
    assert [(p.line, p.pointer) for p in result.problems] == [(3, f"/3/{column}")]
    with world.inside("hangzhou"):
        assert domain.counts_of_city() == (0, 0)
    result = bring(world, text)
    assert (result.added, len(result.problems)) == (1, 1)
    with world.inside("hangzhou"):
        assert domain.counts_of_city() == (1, 1)


def test_importing_again_changes_nothing(world: World) -> None:
    """The same file twice makes no second bill; a corrected one changes it."""
    assert bring(world).added == 1
    again = bring(world)
    assert (again.added, again.changed, again.same) == (0, 0, 1)
    assert bring(world, HEADER + ROW.replace("43.50", "44.00")).changed == 1
    twice = bring(world, HEADER + ROW + ROW)
    assert [p.line for p in twice.problems] == [3]
    with world.inside("shanghai"):
        assert domain.counts_of_city() == (0, 0)


def test_the_desk_imports_a_file(world: World) -> None:
    """Staff send a CSV and read what became of each line."""
    staff = world.city_staff()
    page = "/cities/hangzhou/utility-bills"
    good = staff.post(page, file=(io.BytesIO((HEADER + ROW).encode()), "b.csv"))
    assert good.status_code == 200
    assert "1 added" in good.text
    bad = staff.post(page, file=(io.BytesIO((HEADER + BAD_ROWS["due_on"]).encode()), "b.csv"))
    assert bad.status_code == 422
    assert "due before it is issued" in bad.text
    none = staff.post(page, file=(io.BytesIO(b"a,b\n"), "b.csv"))
    assert "Missing columns" in none.text
    assert "The file was not imported." in none.text
    odd = staff.post(
        page, file=(io.BytesIO((HEADER + ROW).replace("王某", "王\u200b某").encode()), "b.csv")
    )
    assert "There is an invisible character here" in odd.text


def test_the_desk_searches_accounts(world: World) -> None:
    """By number or holder: what is unpaid stands beside it; what nobody has is said."""
    bring(world)
    staff = world.city_staff()
    number = ROW.split(",")[1]
    found = staff.get(f"/cities/hangzhou/utility-bills?text={number}")
    assert (found.status_code, "43.50" in found.text) == (200, True)
    assert staff.get("/cities/hangzhou/utility-bills?text=000").status_code == 200


@pytest.mark.parametrize("day", [1, 2, 3, 5, 6, 15, 28])
def test_sample_data_is_complete_and_marked(world: World, day: int) -> None:
    """Two years for each sample resident on any day of a month, every row marked as sample."""
    while today_in("Asia/Shanghai", world.clock()).day != day:
        world.clock.move(days=1)
    with world.inside("hangzhou"):
        demo.fill(world.app.registry.snapshot.cities["hangzhou"], world.clock())
        assert domain.counts_of_city() == (9, 9 * 24)
    page = world.resident().get(ROOT)
    shown = world.resident().get(page.headers["Location"]).text
    assert "Sample" in shown
    assert "in 12 months" in shown
    assert "last year" in shown


TIERS = [
    {"up_to": 216, "price": Decimal("2.90")},
    {"up_to": 300, "price": Decimal("3.85")},
    {"price": Decimal("6.70")},
]


@given(st.lists(st.integers(0, 60_000), max_size=12))
def test_a_year_stands_in_exactly_one_tier(usages: list[int]) -> None:
    """Whatever was used: one tier is current, shares are between 0 and 1 and never fall behind
    a later tier's."""
    found = [
        SimpleNamespace(period=date(2026, month + 1, 1), usage=usage)
        for month, usage in enumerate(usages)
    ]
    tiers = tiers_used(TIERS, found, 2026)  # type: ignore[arg-type]
    assert sum(tier.current for tier in tiers) == 1
    shares = [tier.share for tier in tiers]
    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares, reverse=True)


def test_the_year_is_compared_with_the_year_before() -> None:
    """The newest twelve months, each with the same month a year earlier; no guess without it."""
    months = [date(2024 + (m // 12), m % 12 + 1, 1) for m in range(10, 34)]
    bills = [
        SimpleNamespace(period=month, usage=1000 * (1 + (month.year > 2025))) for month in months
    ]
    usage = usage_of(bills)  # type: ignore[arg-type]
    assert len(usage.months) == 12
    assert usage.months[-1][0] == date(2026, 10, 1)
    assert usage.difference == 10_000
    assert usage_of(bills[-12:]).difference is None  # type: ignore[arg-type]


MONTHS = st.lists(
    st.integers(0, 47).map(lambda place: date(2023 + place // 12, place % 12 + 1, 1)), unique=True
)


@given(MONTHS)
def test_usage_is_of_calendar_months(months: list[date]) -> None:
    """Twelve in a row at the most, up to the newest bill; a month without one is a gap and no
    zero; what is added up lies within; years are compared only where they have the same months."""
    found = [SimpleNamespace(period=month, usage=1000) for month in months]
    usage = usage_of(found)  # type: ignore[arg-type]
    shown = [month for month, _now, _before in usage.months]
    assert len(shown) <= 12
    assert all(
        (later.year - earlier.year) * 12 + later.month - earlier.month == 1
        for earlier, later in itertools.pairwise(shown)
    )
    if months:
        assert shown[-1] == max(months)
        assert shown[0] >= min(months)
    assert {month for month, now, _before in usage.months if now is not None} == {
        month for month in months if month in shown
    }
    assert set(usage.gaps) == set(shown) - set(months)
    assert usage.total == 1000 * len(set(shown) & set(months))
    if usage.difference is not None:
        assert all((now is None) == (before is None) for _m, now, before in usage.months)


def test_bills_every_two_months(world: World) -> None:
    """Twelve bills over 24 months: six of them in a year, the others' months drawn and named as
    gaps; the year before had as many."""
    months = [(2024 + place // 12, place % 12 + 1) for place in range(0, 24, 2)]
    rows = "".join(
        f"water,4100280017,王某,示例路 1 号,{year}-{month:02},20,58.00,2026-01-03,2026-01-30,\n"
        for year, month in months
    )
    bring(world, HEADER + rows)
    browser = world.resident()
    form = {"kind": "water", "number": "4100280017", "holder": "王某", "nickname": "家"}
    page = browser.get(browser.post(f"{ROOT}/link", **form).headers["Location"]).text
    assert "120 m³ in 12 months" in page
    assert "6 months without a bill" in page
    assert page.count('class="gap" fill="url(#gap)" x=') == 6
    assert page.count("no bill</td>") == 6


def test_a_bill_of_nothing_is_not_due(world: World) -> None:
    """On the page, at the desk, in its file, in reminders, by the API, and nobody can pay it."""
    zero = ROW.replace("43.50", "0.00").replace("2026-10", "2026-09")
    bring(world, HEADER + zero)
    world.clock.now = datetime(2026, 11, 28, 4, tzinfo=UTC)
    browser = world.resident()
    form = {"kind": "water", "number": "4100280017", "holder": "王某", "nickname": "家"}
    page = browser.get(browser.post(f"{ROOT}/link", **form).headers["Location"]).text
    assert "nothing to pay" in page
    assert ">Due</span>" not in page
    assert "Nothing to pay</span>" in page
    staff = world.city_staff()
    desk = "/cities/hangzhou/utility-bills"
    assert "¥0.00" not in staff.get(f"{desk}?text=4100280017").text
    assert "4100280017" not in staff.get(f"{desk}/bills.csv?unpaid=1").text
    with world.inside("hangzhou"):
        remind(world.clock())
        assert db.session.scalars(select(Message)).all() == []
        bill = db.session.scalars(select(UtilityBill)).one()
        assert (bill.due, db.session.scalars(select(UtilityBill).where(UtilityBill.due)).all()) == (
            False, [],
        )  # fmt: skip
    said = browser.get("/api/v1/utility-bills").json["accounts"][0]["bills"][0]  # type: ignore[index]
    assert said["due"] is False
    refused = browser.post(f"{ROOT}/pay", "/me", bill=str(bill.id))
    assert (refused.status_code, "is for 0" in refused.text) == (409, True)
