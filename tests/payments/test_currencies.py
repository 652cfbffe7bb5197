"""Currencies: ISO 4217's own decimals, Stripe's exceptions, over every code a document may name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency, raw_xml
from sqlalchemy import select

from smartcity_saas.configuration.currencies import currency_decimals
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid
from smartcity_saas.payments.stripe_amounts import CURRENCIES, from_stripe, limits, to_stripe
from smartcity_saas.services.utility_bills.models import UtilityBill
from smartcity_saas.web.money import (
    LARGEST_AMOUNT,
    decimals,
    format_money,
    parse_money,
    plain_money,
)
from smartcity_saas.web.numbers import NotPlain
from tests.support.bills import HEADER, ROW, bring, linked
from tests.support.payments import PAY, Paid
from tests.support.world import World

UNITS_OF_ACCOUNT = {"UYW", "XAD"}
WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
WHOLE_AT_STRIPE = set(WHOLE.split())
ENDS_IN_ZERO = {"BHD", "JOD", "KWD", "OMR", "TND"}
EVERY = sorted(currency_decimals())
CHARGED = st.sampled_from(sorted(CURRENCIES))


def test_the_table_is_iso_4217s() -> None:
    """Every currency of the agency's list, with its decimals, and nothing else."""
    funds = {
        node.findtext("Ccy")
        for node in raw_xml.findall("CcyTbl/CcyNtry")
        if node.find("CcyNm").get("IsFund")  # type: ignore[union-attr]
    }
    wanted = {
        one.code: one.exponent
        for one in Currency
        if one.exponent is not None and one.code not in funds | UNITS_OF_ACCOUNT
    }
    assert dict(currency_decimals()) == wanted
    assert set(currency_decimals()) >= CURRENCIES


@pytest.mark.parametrize("currency", EVERY)
def test_one_unit_of_every_currency(currency: str) -> None:
    """One whole unit is written, read and sent to Stripe as Stripe's page says, whichever it is."""
    minor = parse_money("1", currency)
    assert minor == 10 ** decimals(currency)
    assert parse_money(plain_money(minor, currency), currency) == minor
    assert format_money(minor, currency).endswith(plain_money(minor, currency))
    places = 0 if currency in WHOLE_AT_STRIPE else 3 if decimals(currency) == 3 else 2
    assert to_stripe(minor, currency) == 10**places
    assert from_stripe(10**places, currency) == minor


@given(st.integers(1, 10**8), CHARGED)
def test_what_is_allowed_is_sent_exactly(minor: int, currency: str) -> None:
    """An amount in the provider's steps goes there and comes back as it was; three decimals end in
    0; whatever is no amount there is not among what is allowed."""
    allowed = limits(currency)
    if allowed.allow(minor):
        sent = to_stripe(minor, currency)
        assert from_stripe(sent, currency) == minor
        assert currency not in ENDS_IN_ZERO or sent % 10 == 0
        assert currency not in {"ISK", "UGX"} or sent % 100 == 0
    elif minor % allowed.step and currency in WHOLE_AT_STRIPE:
        with pytest.raises(ValueError, match="no amount"):
            to_stripe(minor, currency)
    assert allowed.least % allowed.step == 0


def in_currency(world: World, code: str) -> None:
    """Let Hangzhou bill in a currency."""
    text = world.documents().live_revision("hangzhou").text
    world.save(text + f"site: {{currency: {code}}}\n")


@pytest.mark.parametrize("code", ["XDR", "XXX", "XAU", "CNH", "DEM", "CLF", "BGN", "cny", "EURO"])
def test_what_is_no_currency_is_refused(world: World, code: str) -> None:
    """Metals, funds, withdrawn codes and slips never reach a bill."""
    with pytest.raises(Invalid) as refused:
        in_currency(world, code)
    (problem,) = refused.value.problems
    assert f"“{code}” is not an ISO 4217 currency" in str(problem.message)


def test_what_the_provider_cannot_charge_is_refused(world: World) -> None:
    """Every currency of ISO 4217: taken where the provider takes it, else refused with its name;
    a city without payments may bill in any."""
    refused = []
    for code in EVERY:
        text = world.documents().live_revision("ningbo").text.partition("site:")[0]
        try:
            world.save(f"{text}site: {{currency: {code}}}\n")
        except Invalid as error:
            assert f"stripe does not take payments in {code}" in str(error.problems[0].message)
            refused.append(code)
    assert set(refused) == set(EVERY) - CURRENCIES


@pytest.mark.parametrize(
    ("code", "typed", "sent"),
    [
        ("HUF", "43500", 4_350_000),
        ("IDR", "43500", 4_350_000),
        ("IDR", "1250000.00", 125_000_000),
        ("VND", "1350000", 1_350_000),
        ("COP", "43500.00", 4_350_000),
        ("TWD", "435", 43_500),
        ("JPY", "435", 435),
        ("MGA", "435", 435),
        ("UGX", "435", 43_500),
        ("ISK", "435", 43_500),
        ("KWD", "43.500", 43_500),
        ("CNY", "43.50", 4350),
    ],
)
def test_a_bill_is_charged_as_it_is_written(world: World, code: str, typed: str, sent: int) -> None:
    """From the file to Stripe's page and back into the ledger: the same money."""
    stripe = world.open_payments()
    browser, _account = linked(world)
    in_currency(world, code)
    bring(world, HEADER + ROW.replace("43.50", typed).replace("2026-10", "2026-09"))
    bill = next(b for b in bills(world) if b[1] == code and b[2] == parse_money(typed, code))
    answer = browser.post(PAY, "/me", bill=[bill[0]])
    assert answer.status_code == 303, answer.text
    session = stripe.session()
    assert (session["amount_total"], session["currency"]) == (sent, code.lower())
    stripe.pay()
    page = browser.get(f"/me/payments/{session['client_reference_id']}").text
    assert format_money(parse_money(typed, code) or 0, code) in page


@pytest.mark.parametrize("currency", EVERY)
def test_an_amount_is_bound_in_the_minor_unit(currency: str) -> None:
    """The same number of the smallest part in each currency, said as that currency writes it."""
    largest = plain_money(LARGEST_AMOUNT, currency)
    assert parse_money(largest, currency) == LARGEST_AMOUNT
    with pytest.raises(NotPlain) as refused:
        parse_money(plain_money(LARGEST_AMOUNT + 1, currency), currency)
    assert plain_money(LARGEST_AMOUNT, currency, grouped=True) in str(refused.value.message)


@pytest.mark.parametrize("over", [0, 1])
def test_a_column_holds_the_largest_amount(world: World, over: int) -> None:
    """What is read is stored, on each database; what is more is a fault of its line."""
    in_currency(world, "VND")
    done = bring(world, HEADER + ROW.replace("43.50", str(LARGEST_AMOUNT + over)))
    assert [str(one.message) for one in done.problems] == (
        [f"“{LARGEST_AMOUNT + 1}” is too large. The maximum is 2,000,000,000."] if over else []
    )
    assert [amount for _key, _code, amount in bills(world)] == [LARGEST_AMOUNT] * (1 - over)


@pytest.mark.parametrize(("code", "typed"), [("KWD", "43.505"), ("MGA", "435.20")])
def test_what_has_no_exact_charge_is_not_rounded(world: World, code: str, typed: str) -> None:
    """Refused in words before anything is claimed; never charged as another amount."""
    stripe = world.open_payments()
    browser, _account = linked(world)
    in_currency(world, code)
    bring(world, HEADER + ROW.replace("43.50", typed).replace("2026-10", "2026-09"))
    bill = next(b for b in bills(world) if b[1] == code and b[2] == parse_money(typed, code))
    answer = browser.post(PAY, "/me", bill=[bill[0]])
    assert answer.status_code == 409
    assert "multiples of" in answer.text
    assert not [o for o in stripe.account.objects.values() if o["object"] == "checkout.session"]


CHANGED = [("KRW", "7350", "CNY", 7350), ("CNY", "73.50", "KRW", 7350)]
"""A currency, an amount in it, the one that the city goes over to, the number that both are."""


@pytest.mark.parametrize(("before", "typed", "after", "minor"), CHANGED)
def test_an_amount_is_in_the_currency_of_its_file(
    world: World, before: str, typed: str, after: str, minor: int
) -> None:
    """A city goes over to a currency with other decimals, and its tables come again: each amount
    means what it says. Kept under the old code it would be charged at a hundredth, or a hundredfold.
    What has not come again stays as it was billed; a paid bill keeps what was paid."""
    in_currency(world, before)
    bring(world, HEADER + ROW.replace("43.50", typed))
    text = world.documents().live_revision("hangzhou").text
    world.save(text.replace(f"currency: {before}", f"currency: {after}"))
    assert [row[1:] for row in bills(world)] == [(before, minor)]
    again = HEADER + ROW.replace("43.50", plain_money(minor, after))
    assert (bring(world, again).changed, bring(world, again).same) == (1, 1)
    assert [row[1:] for row in bills(world)] == [(after, minor)]


def test_what_is_owed_in_two_currencies(world: World) -> None:
    """Never one sum; a page lets choose what can be paid together, and says that the rest comes
    after; finance sees both."""
    stripe = world.open_payments()
    browser, account = linked(world)
    in_currency(world, "JPY")
    bring(world, HEADER + ROW.replace("43.50", "500").replace("2026-10", "2026-09"))
    assert "¥43.50 + JPY 500" in browser.get("/me").text
    staff = world.city_staff()
    desk = "/cities/hangzhou/utility-bills"
    assert "¥43.50 + JPY 500" in staff.get(f"{desk}?text=4100280017").text
    page = browser.get(account).text
    assert page.count('name="bill"') == 1
    assert "Pay the rest later" in page
    assert "JPY 500</span></button>" in page, "the city's own first: the old one blocks nothing"
    bill = page.partition('name="bill" value="')[2].partition('"')[0]
    assert browser.post(PAY, account, bill=[bill]).status_code == 303
    stripe.pay()
    browser.get(f"/me/payments/{stripe.session()['client_reference_id']}?from=provider")
    (left,) = [one for one in bills(world) if one[0] != bill]
    assert left[0] in browser.get(account).text


def test_what_was_paid_stays_in_its_currency(world: World) -> None:
    """The city has gone over to another currency since: a payment, its items and its refunds are
    said in the one in which the money moved, on the page of what is held too."""
    paid = Paid(world)
    paid.ask(3000)
    world.work()
    in_currency(world, "JPY")
    page = paid.browser.get("/me/data").text
    for amount in ("¥73.50", "¥43.50", "¥30.00"):
        assert amount in page
    assert "JPY" not in page


def bills(world: World) -> list[tuple[str, str, int]]:
    """Key, currency and amount of every bill."""
    with world.inside("hangzhou"):
        rows = db.session.scalars(select(UtilityBill))
        return [(str(row.id), row.currency, row.amount) for row in rows]
