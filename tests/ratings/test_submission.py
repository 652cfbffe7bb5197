"""Rating what one finished: one press, one rating an act, words once, nobody else's, not too late."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, select

from smartcity_saas.catalog.rateable import PAYMENT
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.personal_data.records import erase
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.ratings.models import Rating, RatingAnswer
from smartcity_saas.ratings.submission import ActReference, rate, rating_prompt
from smartcity_saas.services.hospital_appointments.models import ClinicSession
from smartcity_saas.services.hospital_appointments.rateable import VISIT
from smartcity_saas.services.traffic_tickets.models import Dispute
from tests.support.browser import Browser
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU
from tests.support.payments import Paid
from tests.support.ratings import DESK, MINE, disputed, one_answer, press, rated, rows
from tests.support.world import World


def paid_page(paid: Paid) -> str:
    return f"/me/payments/{paid.key}"


def test_one_press_rates_a_payment(world: World) -> None:
    """Promise: a paid bill asks once, on the page of its payment; a good rating owes no answer, and
    stands among the resident's own."""
    paid = Paid(world)
    page = paid_page(paid)
    assert paid.browser.get(page).text.count('name="level"') == 5
    mine = rated(paid.browser, page, "satisfied")
    (row,) = rows(world)
    assert (row["service"], row["act"], row["level"]) == ("utility_bills", PAYMENT, "satisfied")
    assert rows(world, RatingAnswer) == []
    assert 'name="level"' not in paid.browser.get(page).text
    assert "Satisfied" in paid.browser.get(mine).text
    assert "Satisfied" in paid.browser.get(MINE).text
    assert rows(world, city="ningbo") == []


def test_a_level_stands_as_it_was_given(world: World) -> None:
    """Promise: pressing again, also another level, changes nothing and leads to the same rating."""
    paid = Paid(world)
    fields = {"service": "utility_bills", "act": PAYMENT, "key": str(paid.key)}
    first = paid.browser.post(MINE, "/me", **fields, level="dissatisfied")
    again = paid.browser.post(MINE, "/me", **fields, level="very_satisfied")
    assert first.headers["Location"] == again.headers["Location"]
    assert [row["level"] for row in rows(world)] == ["dissatisfied"]


def test_what_is_not_over_is_not_rated(world: World) -> None:
    """Promise: a payment that is open, a dispute that waits and a visit to come ask nothing."""
    browser, page = disputed(world, None)
    assert 'name="level"' not in browser.get(page).text
    key = page.rpartition("/")[2]
    sent = browser.post(
        MINE, "/me", service="traffic_tickets", act="dispute", key=key, level="satisfied"
    )
    assert sent.status_code == 404
    assert rows(world) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": "nothing"},
        {"act": "nothing"},
        {"service": "traffic_tickets"},
        {"key": "1"},
        {"key": str(uuid.uuid4())},
    ],
)
def test_what_does_not_exist_is_not_rated(world: World, wrong: dict[str, str]) -> None:
    """Promise: another service's, another kind's, no key, a key of nothing: all the same 404."""
    paid = Paid(world)
    assert press(paid.browser, paid_page(paid), "satisfied", **wrong).status_code == 404
    assert press(paid.browser, paid_page(paid), "best of all").status_code == 422
    assert rows(world) == []


def test_nobody_rates_or_reads_what_is_another_s(world: World) -> None:
    """Promise: another resident of the city, and one of another city, get the answer of what does
    not exist: to rate it, to read the rating, to add to it."""
    paid = Paid(world)
    fields = {"service": "utility_bills", "act": PAYMENT, "key": str(paid.key)}
    strangers = [world.resident(subject="parents"), world.resident("ningbo")]
    for stranger in strangers:
        assert stranger.post(MINE, "/me", **fields, level="satisfied").status_code == 404
    mine = rated(paid.browser, paid_page(paid), "satisfied")
    for stranger in strangers:
        assert stranger.get(mine).status_code == 404
        assert stranger.post(mine, "/me", words="x").status_code == 404
        assert mine not in stranger.get(MINE).text
    assert len(rows(world)) == 1


def test_it_is_too_late_after_the_days_of_the_city(world: World) -> None:
    """Promise: to the last second of the days that the city's document gives, and not after them;
    what was rated in time can still be read."""
    world.save(HANGZHOU + "ratings: {days: 3}\n")
    paid = Paid(world)
    paid_at = paid.payment().paid_at
    assert paid_at is not None
    page = paid_page(paid)
    fields = {"service": "utility_bills", "act": PAYMENT, "key": str(paid.key)}
    world.clock.now = paid_at
    world.clock.move(days=3)
    assert 'name="level"' not in paid.browser.get(page).text
    late = paid.browser.post(MINE, "/me", **fields, level="satisfied")
    assert late.status_code == 409
    assert "It is too late now" in late.text
    world.clock.move(seconds=-1)
    rated(paid.browser, page, "satisfied")
    world.clock.move(days=3)
    assert "Satisfied" in paid.browser.get(page).text


def test_a_visit_is_rated_once_it_is_over(world: World, clinic: Clinic) -> None:
    """Promise: neither before the clinic has ended nor after it was missed; once, after it."""
    appointment = clinic.book("patient")
    who, _patient = clinic.person("patient")
    of = ActReference("hospital_appointments", VISIT, appointment.id)
    ends_at = _ends_at(world)
    assert _rate(world, who, of) == "NotFound"
    world.clock.now = ends_at
    assert _rate(world, who, of) == "fairly_satisfied"
    assert rows(world, RatingAnswer) == []
    other = clinic.person("other")[0]
    assert _rate(world, other, of) == "NotFound"


def test_two_presses_at_once_are_one_rating(world: World, clinic: Clinic) -> None:
    """Promise: however many press in the same moment, an act has one rating and one answer owed."""
    appointment = clinic.book("patient")
    who, _patient = clinic.person("patient")
    of = ActReference("hospital_appointments", VISIT, appointment.id)
    world.clock.now = _ends_at(world)

    def act() -> Any:
        with world.inside("hangzhou"):
            return rate(who, of, "dissatisfied", world.clock()).level

    assert clinic.at_once(*[act] * 4) == ["dissatisfied"] * 4
    assert len(rows(world)) == 1
    assert one_answer(world)["answered_at"] is None


def test_words_are_added_once(world: World) -> None:
    """Promise: tags of the list and words are kept, others are not; a second time is refused, and
    what stands there stays."""
    paid = Paid(world)
    mine = rated(paid.browser, paid_page(paid), "dissatisfied")
    long = paid.browser.post(mine, tags=["slow"], words="x" * 501)
    assert long.status_code == 422
    assert "At most 500 characters." in long.text
    sent = paid.browser.post(mine, tags=["slow", "fast", "<b>"], words="  It took an hour.  ")
    assert sent.status_code == 303
    (row,) = rows(world)
    assert (row["tags"], row["words"], row["not_solved"]) == (["slow"], "It took an hour.", False)
    assert "It took an hour." in paid.browser.get(mine).text
    assert paid.browser.post(mine, "/me", words="Other words").status_code == 409
    assert rows(world) == [row]


def test_sending_nothing_uses_nothing_up(world: World) -> None:
    """Promise: pressed with nothing filled in, the form says what to do and can still be sent."""
    paid = Paid(world)
    mine = rated(paid.browser, paid_page(paid), "dissatisfied")
    for empty in ({}, {"words": "  "}, {"tags": ["fast"]}):
        sent = paid.browser.post(mine, **empty)
        assert sent.status_code == 422
        assert "Write something or tick something, then send it." in sent.text
    assert rows(world)[0]["completed_at"] is None
    assert paid.browser.post(mine, words="It took an hour.").status_code == 303


def test_what_is_not_solved_is_answered_though_rated_well(world: World) -> None:
    """Promise: a payment is not opened again; whoever says that it is not solved gets an answer."""
    paid = Paid(world)
    mine = rated(paid.browser, paid_page(paid), "satisfied")
    assert "within 5 working days" in paid.browser.get(mine).text
    assert paid.browser.post(mine, not_solved="1").status_code == 303
    (row,) = rows(world)
    assert (row["not_solved"], row["reopened"]) == (True, False)
    assert one_answer(world)["answered_at"] is None
    assert "The city answers you" in paid.browser.get(mine).text


def test_a_rating_leaves_with_its_resident(world: World) -> None:
    """Promise: erased with the account, the answer as well; another's stay."""
    paid = Paid(world)
    rated(paid.browser, paid_page(paid), "dissatisfied")
    who = _signed_in(world, paid.browser)
    with world.inside("hangzhou"):
        erase(who, world.clock())
    assert rows(world) == []
    assert rows(world, RatingAnswer) == []


def test_nobody_rates_at_the_counter(world: World) -> None:
    """Promise: staff who act for a resident are neither asked on the page nor let in where one rates."""
    paid = Paid(world)
    who = _signed_in(world, paid.browser)
    of = ActReference("utility_bills", PAYMENT, paid.key)
    acting = replace(who, acting=accounts.Acting("staff:x", "hash", "why"))
    with world.inside("hangzhou"):
        assert rating_prompt(who, of, world.clock()) is not None
        assert rating_prompt(acting, of, world.clock()) is None
    for endpoint in ("resident.rate", "resident.rating", "resident.complete_rating"):
        assert not world.app.policies[endpoint].assisted_service


def test_a_rating_without_its_act_can_still_be_read(world: World) -> None:
    """Promise: where what was rated is gone, the rating and the answer stand without it."""
    browser, page = disputed(world)
    mine = rated(browser, page, "dissatisfied")
    with world.inside("hangzhou"), transaction() as session:
        session.execute(delete(Dispute))
    assert "Dissatisfied" in browser.get(mine).text
    assert world.city_staff().get(DESK).status_code == 200


def _ends_at(world: World) -> datetime:
    with world.inside("hangzhou"):
        return db.session.scalars(select(ClinicSession.ends_at)).one()


def _rate(world: World, who: SignedInResident, of: ActReference) -> str:
    with world.inside("hangzhou"):
        try:
            return rate(who, of, "fairly_satisfied", world.clock()).level.value
        except Exception as error:  # the name says enough
            return type(error).__name__


def _signed_in(world: World, browser: Browser) -> SignedInResident:
    (row,) = rows(world, Rating) or [None]
    key = browser.get("/api/v1/session").json["resident"]["id"]  # type: ignore[index]
    assert row is None or str(row["resident_id"]) == key
    return SignedInResident(uuid.UUID(key), "x", demo=True)
