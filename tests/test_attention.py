"""What waits for a person in a city, as rooms and services declare it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import today_in
from smartcity_saas.connectors.attention import outage_attention
from smartcity_saas.database import transaction
from smartcity_saas.measures import Outage, count_outage, recent_outages
from smartcity_saas.measures.outages import outage_at
from smartcity_saas.outbox import enqueue
from smartcity_saas.outbox.queue import PermanentFailure, run_task
from smartcity_saas.product import product
from tests.support.payments import Disputed
from tests.support.tickets import ROOT, bring, linked, tickets
from tests.support.world import World

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def waiting(world: World, city: str = "hangzhou") -> dict[str, Attention]:
    """What waits in a city, by kind."""
    with world.inside(city):
        now = world.clock()
        found = [one for provider in product().attention for one in provider(now)]
        served = world.city(city)
        outages = recent_outages({served.id: served.timezone}, now)
        return {one.kind: one for one in (*found, *outage_attention(served, outages, now))}


def refuse(payload: object, now: datetime) -> None:
    """A task that the other side will not have."""
    raise PermanentFailure


def test_a_task_that_was_given_up_waits_in_its_own_city(world: World) -> None:
    """It is counted with the moment from which it waits, and nowhere else."""
    with world.inside("hangzhou"):
        task = enqueue("note", {}, world.clock())
        assert task is not None
        run_task({"note": refuse}, task, world.clock())
    found = waiting(world)["outbox.failed"]
    assert (found.number, found.since, found.urgency) == (1, world.clock(), Urgency.FAILED)
    assert str(found.title) == "1 task failed"
    assert "outbox.failed" not in waiting(world, "ningbo")


def test_a_dispute_waits_until_it_is_answered(world: World) -> None:
    """It is due thirty days after the resident wrote."""
    bring(world)
    browser = linked(world)
    key = tickets(browser)[0]["id"]
    sent = browser.post(
        f"{ROOT}/{key}/dispute",
        f"{ROOT}/{key}",
        reason="The sign was not there.",
        photos=(io.BytesIO(), ""),
    )
    assert sent.status_code in (302, 303), sent.text
    found = waiting(world)["traffic_tickets.disputes"]
    assert found.by == today_in("Asia/Shanghai", world.clock() + timedelta(days=30))
    assert (found.service, found.page) == ("traffic_tickets", "traffic-tickets")


def test_held_money_and_open_days_wait_for_finance(world: World) -> None:
    """A payment that its bank disputes is held, with its sum; its day is to be closed once over."""
    paid = Disputed(world)
    paid.dispute()
    paid.stripe.send_all()
    found = waiting(world)
    assert str(found["payments.held"].title) == "¥73.50 held in 1 payment"
    assert found["payments.disputes"].number == 1
    assert "payments.closing" not in found, "today cannot be closed yet"
    world.clock.move(days=1)
    assert waiting(world)["payments.closing"].number == 1


def test_an_outage_is_told_for_an_hour(world: World) -> None:
    """Down while it has just failed, over after a quarter of an hour, gone after an hour."""
    with world.inside("hangzhou"), transaction():
        count_outage("traffic_tickets", world.clock(), Outage.NO_ANSWER)
    assert waiting(world)["connectors.down"].urgency is Urgency.DOWN
    assert "connectors.down" not in waiting(world, "ningbo")
    zones = {world.city_id(slug): "Asia/Shanghai" for slug in ("hangzhou", "ningbo")}
    assert list(recent_outages(zones, world.clock())) == [
        (world.city_id("hangzhou"), "traffic_tickets")
    ]
    world.clock.move(minutes=25)
    assert waiting(world)["connectors.down"].urgency is Urgency.WAITING
    world.clock.move(minutes=50)
    assert "connectors.down" not in waiting(world)


@pytest.mark.parametrize(
    ("minutes_ago", "since", "until"),
    [
        ((40, 35, 10), 40, 5),
        ((200, 50, 20), 50, 15),
        ((3,), 3, -2),
    ],
)
def test_failures_close_together_are_one_outage(
    minutes_ago: tuple[int, ...], since: int, until: int
) -> None:
    """Up to half an hour apart; what lies before a longer quiet is another."""
    found = outage_at([NOON - timedelta(minutes=ago) for ago in minutes_ago], NOON)
    assert found is not None
    assert (found.since, found.until) == (
        NOON - timedelta(minutes=since),
        NOON - timedelta(minutes=until),
    )


def test_the_most_urgent_stands_first() -> None:
    """What is down before what failed and what waits; of those the one that is due first, then the oldest."""

    def made(kind: str, urgency: Urgency, by: date | None, hours: int) -> Attention:
        return Attention(
            kind=kind,
            title=kind,
            icon="circle",
            page="",
            permission="city.see",
            urgency=urgency,
            since=NOON - timedelta(hours=hours),
            by=by,
        )

    rows = [
        made("routine", Urgency.ROUTINE, None, 99),
        made("failed", Urgency.FAILED, None, 50),
        made("young", Urgency.WAITING, None, 1),
        made("old", Urgency.WAITING, None, 2),
        made("due", Urgency.WAITING, date(2026, 11, 24), 0),
        made("down", Urgency.DOWN, None, 0),
    ]
    ordered = [one.kind for one in sorted(rows, key=lambda one: one.order)]
    assert ordered == ["down", "failed", "due", "old", "young", "routine"]
