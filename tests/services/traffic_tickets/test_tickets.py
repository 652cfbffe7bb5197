"""Traffic tickets: looked up, linked, paid, disputed; plates cannot be walked."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.refunds import request_refund
from smartcity_saas.services.traffic_tickets.csv_import import OPTIONAL, REQUIRED
from smartcity_saas.services.traffic_tickets.disputes import answer
from smartcity_saas.services.traffic_tickets.models import (
    Dispute,
    DisputePhoto,
    TrafficLicence,
    Violation,
)
from smartcity_saas.services.traffic_tickets.tickets import MOST_LOOK_UPS, MOST_LOOK_UPS_OF_PLATE
from tests.support.browser import Browser, fresh
from tests.support.documents import HANGZHOU
from tests.support.storage import fill_storage
from tests.support.tickets import LICENCE, RED, ROOT, ROW, bring, linked, tickets
from tests.support.world import World


def test_looking_up_without_signing_in(world: World) -> None:
    """With the plate and a piece of the VIN or engine number; open ones, without anything
    personal."""
    bring(world, {}, {**RED, "status": "paid"})
    client = world.client("hangzhou.localhost")
    for tail in ("A00017", "e00017"):
        sent = client.post(f"{ROOT}/look-up", ROOT, plate="浙a12345", tail=tail)
        assert (sent.status_code, sent.headers["Location"]) == (303, f"{ROOT}/look-up")
        page = client.get(f"{ROOT}/look-up?text=x")
        assert page.status_code == 200
        assert "Parking" in page.text
        assert "T-2" not in page.text
        assert "1 ticket due, ¥100.00" in page.text


OWN = "http://hangzhou.localhost"


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": OWN}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": OWN}, True),
        ({"Origin": "https://hangzhou.localhost"}, True),
        ({"Origin": "http://ningbo.localhost", "Referer": f"{OWN}{ROOT}"}, False),
        ({"Origin": "http://hangzhou.localhost.evil.example"}, False),
        ({"Origin": "null", "Referer": f"{OWN}{ROOT}"}, False),
        ({"Referer": f"{OWN}{ROOT}"}, True),
        ({"Referer": "http://evil.example/?http://hangzhou.localhost"}, False),
        ({}, False),
    ],
)
def test_a_look_up_comes_from_our_own_page(world: World, said: dict[str, str], taken: bool) -> None:
    """CSRF: the form is the same for everyone and has no token, so it is taken only where the browser
    says that it stood on this city's site; anything else looks nothing up and is told what to do."""
    bring(world)
    client = world.client("hangzhou.localhost")
    assert "csrf_token" not in client.get(ROOT).text
    for language, told in (
        ("en", "not sent from a page of this site"),
        ("zh", "不是从本网站的页面"),
    ):
        answer = fresh(
            client.client.post,
            f"{ROOT}/look-up",
            base_url=OWN,
            headers={"Accept-Language": language, **said},
            data={"plate": "浙A12345", "tail": "A00017"},
        )
        assert answer.status_code == (303 if taken else 400)
        assert taken or told in answer.text
    assert client.get(f"{ROOT}/look-up").status_code == (200 if taken else 302)


def test_what_was_looked_up_is_this_browsers_for_ten_minutes(world: World) -> None:
    """Promise: what was found can be loaded again, in another language too, by the browser that
    knew the piece of the number; nobody else finds it there, nor at another city."""
    bring(world)
    client = world.client("hangzhou.localhost")
    client.post(f"{ROOT}/look-up", ROOT, plate="浙A12345", tail="A00017")
    assert "浙A" in client.get(f"{ROOT}/look-up").text
    assert world.client("hangzhou.localhost").get(f"{ROOT}/look-up").status_code == 302
    client.host = "ningbo.localhost"
    assert client.get(f"{ROOT}/look-up").status_code == 302
    client.host = "hangzhou.localhost"
    world.clock.move(minutes=10)
    assert client.get(f"{ROOT}/look-up").headers["Location"] == ROOT


def test_a_wrong_plate_and_a_wrong_piece_answer_alike(world: World) -> None:
    """So that nobody learns which plates exist; what was typed is kept."""
    bring(world)
    client = world.client("hangzhou.localhost")
    pages = [
        client.post(f"{ROOT}/look-up", ROOT, plate=plate, tail=tail)
        for plate, tail in (("浙A12345", "X00000"), ("浙A99999", "X00000"))
    ]
    assert [page.status_code for page in pages] == [422, 422]
    said = [re.findall(r'field-error"[^>]*>.*?</svg>([^<]+)', page.text) for page in pages]
    assert said[0] == said[1] != []
    assert "浙A12345" in pages[0].text
    other = world.client("ningbo.localhost")
    assert other.post(f"{ROOT}/look-up", ROOT, plate="浙A12345", tail="A00017").status_code == 422


def test_plates_cannot_be_walked(world: World) -> None:
    """One address runs out, and so does one plate from many addresses."""
    bring(world)
    client = world.client("hangzhou.localhost")
    answers = [
        client.post(f"{ROOT}/look-up", ROOT, plate=f"浙A{n:05d}", tail="A00017").status_code
        for n in range(MOST_LOOK_UPS + 2)
    ]
    assert answers[MOST_LOOK_UPS:] == [429, 429]
    world.clock.move(minutes=6)
    last = 0
    for n in range(MOST_LOOK_UPS_OF_PLATE + 1):
        browser = world.client("hangzhou.localhost")
        last = fresh(
            browser.client.post,
            f"{ROOT}/look-up",
            base_url="http://hangzhou.localhost",
            environ_base={"REMOTE_ADDR": f"127.0.0.{n + 10}"},
            headers={"Origin": "http://hangzhou.localhost"},
            data={"plate": "浙A12345", "tail": "X00000"},
        ).status_code
    assert last == 429


def test_paying_a_fine(world: World) -> None:
    """One posting, the ticket paid; the receipt from the ticket's page."""
    bring(world)
    stripe = world.open_payments()
    browser = linked(world)
    (ticket,) = tickets(browser)
    assert browser.post(f"{ROOT}/pay", "/me", ticket=[ticket["id"]]).status_code == 303
    stripe.pay()
    stripe.send_all()
    assert tickets(browser)[0]["status"] == "paid"
    assert "Receipt" in browser.get(f"{ROOT}/{ticket['id']}").text
    bring(world)
    assert tickets(browser)[0]["status"] == "paid", "the police's file may be older than that"


def test_points_need_the_licence_that_takes_them(world: World) -> None:
    """Without one the ticket cannot be paid here; with it the points are counted on it."""
    bring(
        world,
        RED,
        {
            "number": "T-0",
            "status": "paid",
            "points": "1",
            "licence_number": LICENCE,
            "licence_file_tail": "000017",
            "licence_first_issued_on": "2015-11-01",
        },
    )
    stripe = world.open_payments()
    browser = linked(world)
    red = next(one for one in tickets(browser) if one["number"] == "T-2")
    assert browser.post(f"{ROOT}/pay", "/me", ticket=[red["id"]]).status_code == 409
    wrong = browser.post(f"{ROOT}/licence", number=LICENCE, file_tail="999999")
    assert wrong.status_code == 422
    assert browser.post(f"{ROOT}/licence", number=LICENCE, file_tail="000017").status_code == 302
    assert browser.get("/api/v1/traffic-tickets").json["points"]["counted"] == 1  # type: ignore[index]
    assert browser.post(f"{ROOT}/pay", "/me", ticket=[red["id"]]).status_code == 303
    stripe.pay()
    stripe.send_all()
    assert browser.get("/api/v1/traffic-tickets").json["points"]["counted"] == 7  # type: ignore[index]
    with world.inside("hangzhou"):
        row = db.session.scalars(select(TrafficLicence)).one()
        assert LICENCE not in (row.number_index, row.number_end)


def photo(mode: str = "JPEG") -> io.BytesIO:
    out = io.BytesIO()
    picture = Image.new("RGB", (2400, 300), "red")
    exif = picture.getexif()
    exif[0x010E] = "where it was taken"
    picture.save(out, mode, exif=exif) if mode == "JPEG" else picture.save(out, mode)
    out.seek(0)
    return out


def test_a_dispute_without_room_for_its_photo_keeps_the_words(world: World) -> None:
    """A city whose storage is full takes no photo: the resident reads it at the field, what was typed
    still stands there, nothing is disputed yet, and without the photo it goes through."""
    world.save(HANGZHOU + "quotas: {storage_megabytes: 1}\n")
    bring(world)
    browser = linked(world)
    fill_storage(world, "hangzhou", 999_999)
    (ticket,) = tickets(browser)
    page = f"{ROOT}/{ticket['id']}"
    reason = "我当时不在那里，车也不在。"
    refused = browser.post(f"{page}/dispute", page, reason=reason, photos=(photo(), "p.jpg"))
    assert refused.status_code == 422
    assert "Send it without photos." in refused.text
    assert reason in refused.text
    assert tickets(browser)[0]["status"] == "open"
    assert browser.post(f"{page}/dispute", page, reason=reason).status_code == 302


def test_a_dispute_from_reason_to_answer(world: World) -> None:
    """With a photo, made anew; the desk answers; the resident is told and sees it. While it
    lasts the ticket is not to be paid."""
    bring(world)
    browser = linked(world)
    (ticket,) = tickets(browser)
    page = f"{ROOT}/{ticket['id']}"
    sent = browser.post(
        f"{page}/dispute", page, reason="我当时不在那里，车也不在。", photos=(photo(), "p.jpg")
    )
    assert sent.status_code == 302, sent.text
    assert tickets(browser)[0]["status"] == "disputed"
    assert browser.post(f"{ROOT}/pay", "/me", ticket=[ticket["id"]]).status_code == 409
    with world.inside("hangzhou"):
        kept = db.session.scalars(select(DisputePhoto.content)).one()
        key = db.session.scalars(select(DisputePhoto.id)).one()
        image = Image.open(io.BytesIO(kept))
        assert (image.format, max(image.size), len(image.getexif())) == ("JPEG", 1600, 0)
    seen = browser.get(f"{ROOT}/photos/{key}")
    assert seen.mimetype == "image/jpeg"
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    stranger = linked(world, "parents")
    assert stranger.get(f"{ROOT}/photos/{key}").status_code == 404
    assert "我当时不在那里" not in stranger.get(page).text
    staff = world.city_staff()
    desk = staff.get("/cities/hangzhou/traffic-tickets").text
    path = re.search(r'"(/cities/hangzhou/traffic-tickets/disputes/[^"]+)"', desk)[1]  # type: ignore[index]
    before = browser.get("/me/data/access").text.count("account staff-")
    assert staff.get(f"/cities/hangzhou/traffic-tickets/photos/{key}").status_code == 200
    after = browser.get("/me/data/access").text.count("account staff-")
    assert after == before + 1, "whoever looks at a photograph is noted"
    assert staff.post(path, decision="", answer="").status_code == 422
    assert staff.post(path, decision="revoked", answer="查实，撤销。").status_code == 200
    assert staff.post(path, "/cities/hangzhou", decision="kept", answer="x").status_code in (
        400,
        409,
    )
    assert tickets(browser)[0]["status"] == "revoked"
    assert "查实，撤销。" in browser.get(page).text
    assert "is cancelled" in browser.get("/me/messages").text
    elsewhere = world.city_staff("ningbo")
    assert elsewhere.get(path.replace("hangzhou", "ningbo")).status_code == 404


@pytest.mark.parametrize(
    "files",
    [
        (io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"), "p.jpg"),
        (io.BytesIO(b"GIF89a" + b"\0" * 40), "p.png"),
        (io.BytesIO(b"PK\x03\x04"), "photo.jpg"),
    ],
)
def test_a_disguised_file_is_refused(world: World, files: Any) -> None:
    """Judged by what it is, not by its name; the reason that was typed is kept."""
    bring(world)
    browser = linked(world)
    page = f"{ROOT}/{tickets(browser)[0]['id']}"
    files = (io.BytesIO(files[0].getvalue()), files[1])
    sent = browser.post(f"{page}/dispute", page, reason="一二三四五六七八九十", photos=files)
    assert sent.status_code == 422
    assert "not a photo" in sent.text
    assert "一二三四五六七八九十" in sent.text
    assert tickets(browser)[0]["status"] == "open"


BAD = {
    "plate": "A12345",
    "vin_tail": "123",
    "number": "T 1",
    "at": "yesterday",
    "act_code": "x",
    "points": "13",
    "fine": "-1",
    "status": "maybe",
    "act_zh": "x" * 201,
    "licence_number": "110105194912310021",
}


@pytest.mark.parametrize("column", BAD)
def test_a_bad_line_is_named_and_stops_itself_alone(world: World, column: str) -> None:
    """Line and column; the good rows go in, or none if so chosen."""
    bad = {"number": "T-9", column: BAD[column]}
    result = bring(world, {}, bad)
    assert result.added == 1
    assert any(f"/3/{column}" == one.pointer for one in result.problems)
    assert bring(world, {"number": "T-5"}, bad, all_or_nothing=True).stored == 0


def test_importing_again_changes_nothing_and_takes_new_status(world: World) -> None:
    """The same file is the same; the police's revocation counts."""
    assert bring(world).added == 1
    assert bring(world).same == 1
    assert bring(world, {"status": "revoked"}).changed == 1
    with world.inside("hangzhou"):
        assert db.session.scalars(select(Violation.status)).one() == "revoked"
    text = world.city_staff().get("/cities/hangzhou/traffic-tickets/tickets.csv").text
    assert "T-1,浙A12345,2026-11-10T08:15+08:00,1039,0,100.00,revoked" in text
    assert bring(world, {"plate": "浙A54321"}).problems != []


def test_tickets_of_others_do_not_exist(world: World) -> None:
    """A resident without the vehicle, another city."""
    bring(world)
    ticket = tickets(linked(world))[0]["id"]
    stranger = world.resident(subject="newcomer")
    assert stranger.get(f"{ROOT}/{ticket}").status_code == 404
    assert tickets(stranger) == []
    assert stranger.post(f"{ROOT}/pay", "/me", ticket=[ticket]).status_code == 404
    assert world.resident("ningbo").get(f"{ROOT}/{ticket}").status_code == 404


def disputed(world: World, decision: str | None) -> Browser:
    bring(world)
    browser = linked(world)
    page = f"{ROOT}/{tickets(browser)[0]['id']}"
    browser.post(f"{page}/dispute", page, reason="我当时不在那里，车也不在。")
    if decision is not None:
        with world.inside("hangzhou"):
            key = db.session.scalars(select(Dispute.id)).one()
            answer(system("desk"), key, decision, "查过。", world.clock())
    return browser


@pytest.mark.parametrize(
    "decision, theirs, ours",
    [
        (None, "open", "disputed"),
        (None, "paid", "paid"),
        ("revoked", "open", "revoked"),
        ("revoked", "disputed", "revoked"),
        ("kept", "disputed", "open"),
        ("kept", "open", "open"),
        ("kept", "revoked", "revoked"),
    ],
)
def test_a_file_that_is_older_than_a_dispute(
    world: World, decision: str | None, theirs: str, ours: str
) -> None:
    """What was asked and answered here is not undone by a file that does not know it."""
    browser = disputed(world, decision)
    bring(world, {"status": theirs})
    assert tickets(browser)[0]["status"] == ours


def test_a_dispute_at_the_counter_comes_and_goes(world: World) -> None:
    """Disputed elsewhere, then open: payable again."""
    bring(world, {"status": "disputed"})
    bring(world, {"status": "open"})
    assert tickets(linked(world))[0]["status"] == "open"


def test_a_whole_refund_takes_the_points_back(world: World) -> None:
    """The ticket is open again, and nobody's."""
    licence = {
        "number": "T-0",
        "status": "paid",
        "licence_number": LICENCE,
        "licence_file_tail": "000017",
        "licence_first_issued_on": "2015-11-01",
    }
    bring(world, RED, licence)
    stripe = world.open_payments()
    browser = linked(world)
    browser.post(f"{ROOT}/licence", number=LICENCE, file_tail="000017")
    red = next(one for one in tickets(browser) if one["number"] == "T-2")
    browser.post(f"{ROOT}/pay", "/me", ticket=[red["id"]])
    stripe.pay()
    stripe.send_all()
    with world.inside("hangzhou"):
        payment = db.session.scalars(select(Payment)).one()
        request_refund(system("t"), payment.id, 20_000, "all", world.clock())
    world.work()
    assert browser.get("/api/v1/traffic-tickets").json["points"]["counted"] == 0  # type: ignore[index]
    other = linked(world, "parents")
    assert other.post(f"{ROOT}/pay", "/me", ticket=[red["id"]]).status_code == 409


def test_a_plate_on_another_vehicle_is_proven_anew(world: World) -> None:
    """The former owner sees no new ticket."""
    bring(world)
    browser = linked(world)
    bring(world, {"number": "T-7", "vin_tail": "B99999", "engine_tail": "F99999"})
    assert tickets(browser) == []


def test_a_crafted_photo_and_a_strangers_ticket(world: World) -> None:
    """Never a fault, and nothing is decoded for a ticket that is not one's own."""
    bring(world)
    browser = linked(world)
    page = f"{ROOT}/{tickets(browser)[0]['id']}"
    data = bytearray(photo().getvalue())
    place = data.find(b"Exif") + 12
    data[place : place + 20] = b"\xff" * 20
    sent = browser.post(
        f"{page}/dispute", page, reason="一二三四五六七八九十", photos=(io.BytesIO(data), "p.jpg")
    )
    assert sent.status_code in (302, 422)
    stranger = world.resident(subject="newcomer")
    gone = stranger.post(f"{page}/dispute", "/me", reason="x", photos=(photo(), "p.jpg"))
    assert gone.status_code == 404


def test_a_paused_service_answers_programs_as_problem(world: World) -> None:
    """JSON for programs, also where people read a notice."""
    live = world.documents().live_revision("hangzhou")
    world.save(
        f"{live.text}services:\n  traffic_tickets:\n    state: paused\n"
        "    notice: {zh: 维护, en: Maintenance.}\n"
    )
    browser = world.resident()
    token = browser.get("/api/v1/session").json["csrf_token"]  # type: ignore[index]
    for body in (b"{}", b"[" * 100_000):
        answered = fresh(
            browser.client.post,
            "/api/v1/traffic-tickets/payments",
            base_url="http://hangzhou.localhost",
            data=body,
            headers={"X-CSRFToken": token, "Content-Type": "application/json"},
        )
        assert (answered.status_code, answered.mimetype) == (503, "application/problem+json")


def test_a_file_with_a_disputed_ticket_at_the_desk(world: World) -> None:
    """The desk imports the police's file as before, whatever is disputed."""
    disputed(world, None)
    desk, page = world.city_staff(), "/cities/hangzhou/traffic-tickets"
    columns = [*REQUIRED, *OPTIONAL]
    line = ",".join(ROW.get(column, "") for column in columns)
    data = "\n".join([",".join(columns), line]).encode()
    assert desk.post(page, page, file=(io.BytesIO(data), "t.csv")).status_code == 200


def test_a_warning_is_not_to_be_paid(world: World) -> None:
    """An open ticket without a fine: no tag, count, list or button calls it due, for strangers, its
    owner or the desk; it can still be disputed."""
    bring(world, {"fine": "0.00"})
    client = world.client("hangzhou.localhost")
    client.post(f"{ROOT}/look-up", ROOT, plate="浙A12345", tail="A00017")
    found = client.get(f"{ROOT}/look-up").text
    assert " due, " not in found
    browser = linked(world)
    (ticket,) = tickets(browser)
    for path in (ROOT, f"{ROOT}/{ticket['id']}"):
        page = browser.get(path).text
        assert "Warning only, nothing to pay" in page
        assert "Due" not in page
    assert "No open ticket" in browser.get("/me").text
    assert "Dispute it" in page
    desk = world.city_staff().get("/cities/hangzhou/traffic-tickets?text=T-1").text
    assert "Warning only, nothing to pay" in desk
    assert browser.post(f"{ROOT}/pay", "/me", ticket=ticket["id"]).status_code == 409
