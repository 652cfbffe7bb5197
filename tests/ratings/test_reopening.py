"""What is not solved is opened again, where the service allows it and only there."""

from __future__ import annotations

from collections import Counter

import pytest

from smartcity_saas.attention import Attention
from smartcity_saas.clock import today_in
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.measures import Measure, Totals, Window, totals_of
from smartcity_saas.ratings.models import RatingAnswer
from smartcity_saas.services.traffic_tickets.attention import disputes_attention
from smartcity_saas.services.traffic_tickets.disputes import ANSWERED_WITHIN, reopen
from smartcity_saas.services.traffic_tickets.models import Dispute
from tests.support.ratings import REASON, decide, disputed, one_answer, rated, rows
from tests.support.tickets import tickets
from tests.support.world import World

AGAIN = "The photograph shows another plate."


def test_a_lost_dispute_is_looked_at_once_more(world: World) -> None:
    """Promise: with the resident's words the dispute waits again, the ticket is not to be paid, and
    the second answer, of which the resident is told, stands beside the first."""
    browser, page = disputed(world)
    mine = rated(browser, page, "very_dissatisfied")
    assert "The authority looks at your dispute once more" in browser.get(mine).text
    short = browser.post(mine, words="no", not_solved="1")
    assert short.status_code == 422
    assert "10 to 1,000 characters" in short.text
    assert tickets(browser)[0]["status"] == "open"
    assert browser.post(mine, words=AGAIN, not_solved="1").status_code == 303
    assert tickets(browser)[0]["status"] == "disputed"
    (row,), (dispute,) = rows(world), rows(world, Dispute)
    assert (row["not_solved"], row["reopened"]) == (True, True)
    assert (dispute["state"], dispute["reopened_reason"]) == ("asked", AGAIN)
    assert dispute["first_answer"] == "The camera shows your car."
    staff = world.city_staff()
    desk = staff.get(f"/cities/hangzhou/traffic-tickets/disputes/{dispute['id']}").text
    assert AGAIN in desk
    assert "The camera shows your car." in desk
    decide(world, "revoked", "You are right, it is another plate.")
    assert tickets(browser)[0]["status"] == "revoked"
    text = browser.get(page).text
    assert "You are right, it is another plate." in text
    assert "The camera shows your car." in text
    titles = browser.get("/me/messages").text
    assert "is upheld" in titles
    assert "is cancelled" in titles


def test_what_was_said_is_counted_without_who_said_it(world: World) -> None:
    """Promise: level, not solved and reopened are counted once each in the city of the resident, and
    pressing again counts nothing."""
    browser, page = disputed(world)
    mine = rated(browser, page, "very_dissatisfied")
    fields = {"service": "traffic_tickets", "act": "dispute", "key": page.rpartition("/")[2]}
    browser.post("/me/ratings", "/me", **fields, level="satisfied")
    browser.post(mine, words=AGAIN, not_solved="1")
    today = today_in("Asia/Shanghai", world.clock())
    for city, counted in (("hangzhou", 1), ("ningbo", 0)):
        key = world.city_id(city)
        found = totals_of([key], Window.ending(today, 1)).get((key, "traffic_tickets"), Totals())
        assert found.ratings == Counter({1: counted} if counted else {})
        assert found[Measure.NOT_SOLVED] == found[Measure.REOPENED] == counted


def test_its_time_begins_anew(world: World) -> None:
    """Promise: the desk has its thirty days from the day on which it was opened again, not from the
    first dispute, and is late only after them."""
    browser, page = disputed(world)
    world.clock.move(days=6)
    browser = world.resident()
    mine = rated(browser, page, "dissatisfied")
    browser.post(mine, words=AGAIN, not_solved="1")
    waiting = {one.kind: one for one in _attention(world)}["traffic_tickets.disputes"]
    assert waiting.since == world.clock()
    assert waiting.by == today_in("Asia/Shanghai", world.clock()) + ANSWERED_WITHIN
    world.clock.move(days=29)
    decide(world, "kept", "It is the same plate.")
    assert _counted(world, Measure.LATE) == 0
    assert _counted(world, Measure.BEGUN) == _counted(world, Measure.DONE) == 2


def _attention(world: World) -> list[Attention]:
    with world.inside("hangzhou"):
        return list(disputes_attention(world.clock()))


def _counted(world: World, measure: Measure) -> int:
    key, today = world.city_id("hangzhou"), today_in("Asia/Shanghai", world.clock())
    found = totals_of([key], Window.ending(today, 60))[key, "traffic_tickets"]
    return found[measure]


def test_it_is_opened_again_once(world: World) -> None:
    """Promise: after the second answer there is no third."""
    browser, page = disputed(world)
    mine = rated(browser, page, "dissatisfied")
    browser.post(mine, words=AGAIN, not_solved="1")
    decide(world, "kept", "It is the same plate.")
    (dispute,) = rows(world, Dispute)
    assert (dispute["state"], dispute["answer"]) == ("kept", "It is the same plate.")
    assert browser.post(mine, "/me", words=AGAIN, not_solved="1").status_code == 409
    who = SignedInResident(dispute["resident_id"], "x", demo=True)
    with world.inside("hangzhou"), pytest.raises(Conflict, match="can no longer be opened again"):
        reopen(who, dispute["violation_id"], AGAIN, world.clock())
    assert rows(world, Dispute) == [dispute]


def test_a_dispute_that_was_won_is_not_opened_again(world: World) -> None:
    """Promise: there is nothing to win; the desk of ratings owes an answer instead."""
    browser, page = disputed(world, "revoked")
    mine = rated(browser, page, "satisfied")
    assert "It is not opened again" in browser.get(mine).text
    assert browser.post(mine, words=AGAIN, not_solved="1").status_code == 303
    (row,), (dispute,) = rows(world), rows(world, Dispute)
    assert (row["not_solved"], row["reopened"]) == (True, False)
    assert dispute["state"] == "revoked"
    assert one_answer(world)["answered_at"] is None


def test_a_ticket_that_was_paid_is_not_opened_again(world: World) -> None:
    """Promise: whoever has paid since gets an answer of the desk; the ticket stays paid."""
    world.open_payments()
    browser, page = disputed(world)
    mine = rated(browser, page, "satisfied")
    stripe = world.open_payments()
    key = tickets(browser)[0]["id"]
    browser.post("/services/traffic-tickets/pay", "/me", ticket=[key])
    stripe.pay()
    stripe.send_all()
    world.work()
    assert tickets(browser)[0]["status"] == "paid"
    assert browser.post(mine, words=AGAIN, not_solved="1").status_code == 303
    assert tickets(browser)[0]["status"] == "paid"
    assert rows(world)[0]["reopened"] is False
    assert len(rows(world, RatingAnswer)) == 1


def test_words_of_a_reopened_dispute_leave_with_their_resident(world: World) -> None:
    """Promise: both reasons are blanked, and nothing of the rating is left."""
    browser, page = disputed(world)
    mine = rated(browser, page, "dissatisfied")
    browser.post(mine, words=AGAIN, not_solved="1")
    decide(world, "kept", "It is the same plate.")
    answer = browser.post("/me/data/delete", "/me/data/delete", word="delete")
    assert answer.status_code == 200, answer.text
    (dispute,) = rows(world, Dispute)
    assert REASON not in str(dispute)
    assert AGAIN not in str(dispute)
    assert rows(world) == []
