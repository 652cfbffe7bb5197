"""The desk of ratings: late ones first, answered with words, and no way to a rating itself."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from smartcity_saas.attention import Attention
from smartcity_saas.audit import system
from smartcity_saas.identity.staff.roles import DESK as DESK_ROLE
from smartcity_saas.ratings.answers import answer
from smartcity_saas.ratings.attention import ratings_attention
from smartcity_saas.ratings.models import Rating
from smartcity_saas.working_days import working_days_after
from tests.support.payments import Paid
from tests.support.ratings import DESK, disputed, key_of, one_answer, rated, rows
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")


def bad(world: World) -> tuple[Paid, str]:
    """A payment that was rated badly, and the rating's page of its resident."""
    paid = Paid(world)
    return paid, rated(paid.browser, f"/me/payments/{paid.key}", "dissatisfied")


def test_a_bad_rating_is_answered(world: World) -> None:
    """Promise: the desk reads level, tags and words, answers in words, and the resident is told; who
    answered and when stands there, and in the audit log."""
    paid, mine = bad(world)
    paid.browser.post(mine, tags=["slow"], words="It took an hour.")
    staff, page = world.city_staff(), f"{DESK}/{key_of(mine)}"
    assert "Utility bills" in staff.get(DESK).text
    text = staff.get(page).text
    for seen in ("It took an hour.", "Slow", "Dissatisfied", "(5 working days left)"):
        assert seen in text
    empty = staff.post(page, answer=" ")
    assert empty.status_code == 422
    assert staff.post(page, answer="We have added a second desk.").status_code == 303
    assert "Answered by Staff-Hangzhou" in staff.get(page).text
    assert "We have added a second desk." in paid.browser.get(mine).text
    assert "Your rating was answered" in paid.browser.get("/me/messages").text
    assert staff.post(page, DESK, answer="Again").status_code == 409
    assert one_answer(world)["answer"] == "We have added a second desk."
    assert "Answered a rating" in staff.get("/cities/hangzhou/audit").text


def test_the_desk_sees_nothing_of_who_rated(world: World) -> None:
    """Promise: neither the name nor the payment; and whoever looked stands in the resident's log."""
    paid, mine = bad(world)
    paid.browser.post(mine, words="It took an hour.")
    staff = world.city_staff()
    name = paid.browser.get("/api/v1/session").json["resident"]["name"]  # type: ignore[index]
    for page in (DESK, f"{DESK}/{key_of(mine)}"):
        text = staff.get(page).text
        assert name not in text
        assert str(paid.key) not in text
        assert paid.payment().number not in text
    assert "Ratings: looked at" in paid.browser.get("/me/data/access").text


def test_a_good_rating_waits_for_nobody(world: World) -> None:
    """Promise: the desk lists what it owes; a satisfied resident's words are not looked at."""
    paid = Paid(world)
    mine = rated(paid.browser, f"/me/payments/{paid.key}", "very_satisfied")
    staff = world.city_staff()
    assert "No rating waits for an answer." in staff.get(DESK).text
    assert staff.get(f"{DESK}/{key_of(mine)}").status_code == 404


def test_staff_can_neither_change_nor_delete_a_rating(world: World) -> None:
    """Promise: whatever is sent to the desk's pages, and to the resident's as staff, the rating stays
    as it was given, to the last column."""
    _paid, mine = bad(world)
    before = rows(world, Rating)
    staff, key = world.city_staff(), key_of(mine)
    fields = {"level": "very_satisfied", "words": "Fine.", "tags": "fast", "answer": "Thank you."}
    for path in (DESK, f"{DESK}/{key}", f"{DESK}/{key}/delete"):
        staff.post(path, DESK, **fields)
        for method in ("delete", "put", "patch"):
            sent = getattr(staff.client, method)(path, base_url="http://console.localhost")
            assert sent.status_code in (400, 403, 404, 405)
    staff.host = "hangzhou.localhost"
    assert staff.post(mine, **fields).status_code in (302, 400)
    assert rows(world, Rating) == before
    rules = [rule for rule in world.app.url_map.iter_rules() if "/ratings" in rule.rule]
    writing = [rule.rule for rule in rules if rule.host == "console" and "POST" in rule.methods]
    assert writing == ["/cities/<city>/ratings/<uuid:rating_id>"]


def test_an_answer_that_is_late_stands_first_and_says_so(world: World) -> None:
    """Promise: five working days of the calendar, the last one included; on the next day it is late,
    for the desk and for the resident, and stands before what came later."""
    _paid, mine = bad(world)
    today = world.clock().astimezone(ZONE).date()
    due_on = working_days_after(today, 5)
    assert one_answer(world)["due_on"] == due_on
    world.clock.now = datetime.combine(due_on, time(23, 59), ZONE)
    text = world.city_staff().get(DESK).text
    assert "Late" not in text
    assert "Today" in text
    browser, page = disputed(world)
    rated(browser, page, "dissatisfied")
    world.clock.now = datetime.combine(due_on + timedelta(days=1), time(0, 1), ZONE)
    text = world.staff("second", "city_admin", city="hangzhou").get(DESK).text
    assert text.count("Late") == 1
    assert text.index("Late") < text.index("Traffic tickets", text.index("<table"))
    assert "It is late" in world.resident().get(mine).text


def test_a_desk_has_its_own_services_alone(world: World) -> None:
    """Promise: whoever works at one service's desk sees and answers its ratings, no other's; an
    auditor reads and does not answer; another city's staff find nothing."""
    _paid, mine = bad(world)
    page = f"{DESK}/{key_of(mine)}"
    own = world.staff("bills", f"{DESK_ROLE}:utility_bills", city="hangzhou")
    other = world.staff("tickets", f"{DESK_ROLE}:traffic_tickets", city="hangzhou")
    auditor = world.staff("auditor", "auditor", city="hangzhou")
    assert own.get(page).status_code == 200
    assert auditor.get(page).status_code == 200
    assert str(key_of(mine)) not in other.get(DESK).text
    assert other.get(page).status_code == 404
    assert other.post(page, DESK, answer="x").status_code == 404
    assert auditor.post(page, page, answer="x").status_code == 403
    assert world.city_staff("ningbo").get(page).status_code == 404
    assert one_answer(world)["answered_at"] is None
    assert own.post(page, answer="Sorry.").status_code == 303


def test_what_waits_is_told_to_the_overview(world: World) -> None:
    """Promise: one row a service, with the day by which the oldest is due; none once answered, and
    none in another city."""
    _paid, mine = bad(world)
    owed = one_answer(world)
    (found,) = _attention(world)
    assert (found.kind, found.number, found.by) == ("ratings.utility_bills", 1, owed["due_on"])
    assert str(found.title) == "1 rating waits for an answer: Utility bills"
    assert world.city_staff().get(f"/cities/hangzhou/{found.page}").status_code == 200
    assert _attention(world, "ningbo") == []
    with world.inside("hangzhou"):
        answer(system("t"), key_of(mine), ["utility_bills"], "Sorry.", world.clock())
    assert _attention(world) == []


def _attention(world: World, city: str = "hangzhou") -> list[Attention]:
    with world.inside(city):
        return list(ratings_attention(world.clock()))


def test_the_list_is_filtered_by_service(world: World) -> None:
    """Promise: one service's alone, and nothing for a service that there is not."""
    _paid, mine = bad(world)
    staff = world.city_staff()
    assert str(key_of(mine)) in staff.get(f"{DESK}?service=utility_bills").text
    for other in ("traffic_tickets", "nothing"):
        assert str(key_of(mine)) not in staff.get(f"{DESK}?service={other}").text
