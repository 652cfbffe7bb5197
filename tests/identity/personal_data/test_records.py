"""What a resident may ask of the city: see, take along, take back, delete, know who looked."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, update
from sqlalchemy.orm import Bundle, aliased, load_only

from smartcity_saas.audit import city_audit_events, verify_city_chain
from smartcity_saas.database import CITY, db, run, table_of, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.identity.assisted_service.models import ResidentAccess
from smartcity_saas.identity.personal_data.declaration import PersonalData
from smartcity_saas.identity.personal_data.records import personal_models
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.consents import MESSAGES, PRIVACY, PURPOSES, agrees
from smartcity_saas.identity.residents.models import Resident, ResidentContact, ResidentIdentity
from smartcity_saas.notifications import notify
from smartcity_saas.notifications.models import Message, MessageDelivery
from smartcity_saas.payments.models import Payment
from smartcity_saas.services.hospital_appointments import patients as domain
from smartcity_saas.services.hospital_appointments.models import Patient
from smartcity_saas.services.traffic_tickets.models import Dispute
from smartcity_saas.tenancy.context import tenant_context
from tests.support.bills import HEADER, ROW, linked
from tests.support.residents import NUMBER, PHONE, by_phone
from tests.support.world import World


def the_resident(world: World, city: str = "hangzhou") -> Any:
    with world.inside(city):
        return db.session.scalars(select(Resident).where(Resident.closed_at.is_(None))).first()


def add_patient(world: World, city: str = "hangzhou") -> None:
    """For whoever signed in last."""
    with world.inside(city):
        found = db.session.scalars(select(Resident).order_by(Resident.id.desc())).first()
        assert found is not None
        typed = {"name": "示例", "relation": "self", "phone": PHONE}
        domain.add_patient(SignedInResident(found.id, found.name, False), typed, world.clock())


def add_payment(world: World, resident_id: Any, number: str, state: str) -> None:
    """One of a fen, at Hangzhou."""
    now = world.clock()
    with world.inside("hangzhou"), transaction() as session:
        session.add(
            Payment(
                number=number,
                resident_id=resident_id,
                service="utility_bills",
                title={"zh": "一", "en": "One"},
                amount=1,
                currency="CNY",
                state=state,
                provider="stripe",
                site="x",
                language="zh",
                back="/",
                created_at=now,
                expires_at=now,
            )
        )


def test_every_table_of_residents_says_what_it_is() -> None:
    """A new table with a resident's rows shows up in “my data” by itself; here it is told to say
    what it is called, and what becomes of it when the resident leaves."""
    assert len(personal_models()) > 10
    for model in personal_models():
        held = getattr(model, "personal_data", None)
        assert isinstance(held, PersonalData), f"{model.__name__} needs `held`"
        own = inspect(model)
        roots = {path.partition(".")[0] for path in held.shown}
        assert roots <= {*own.columns.keys(), *own.relationships.keys()}, model
        assert set(held.blank) <= set(inspect(model).columns.keys()), model
        assert (held.erase == "keep") == (held.why is not None), model
        assert {"zh", "en"} == set(held.title)


def test_my_data_shows_everything_and_masks_it(phones: World) -> None:
    """Contact, real name, patients: there, and numbers masked on the screen."""
    browser = by_phone(phones)
    browser.post("/me/verify", real_name="示例", number=NUMBER, agree="1")
    add_patient(phones)
    page = browser.get("/me/data").text
    assert "138****0001" in page
    assert "1****************1" in page
    assert NUMBER not in page
    assert "Patients" in page


def test_the_download_is_whole(phones: World) -> None:
    """As JSON: the number itself, every kind, no key of any door."""
    browser = by_phone(phones)
    browser.post("/me/verify", real_name="示例", number=NUMBER, agree="1")
    add_patient(phones)
    answer = browser.post("/me/data/download", "/me/data")
    assert "attachment" in answer.headers["Content-Disposition"]
    kinds = {one["kind"]: one["rows"] for one in answer.json["held"]}
    assert kinds["resident"][0]["number"] == NUMBER
    assert kinds["resident_contact"][0]["address"] == PHONE
    assert kinds["patient"][0]["phone"] == PHONE
    assert "token_hash" not in json.dumps(answer.json)


def test_what_one_is_linked_to_is_in_it(world: World) -> None:
    """The supplier's account and its bills, the car and its tickets: on the page and in the
    download, without what proves to know the car; unlinked, no longer."""
    browser, _where = linked(world)
    page = browser.get("/me/data").text
    assert "4100280017" in page
    assert "示例路 1 号" in page
    held = {
        one["kind"]: one["rows"]
        for one in browser.post("/me/data/download", "/me/data").json["held"]
    }
    assert held["utility_account"][0]["holder"] == "王某"
    assert [row["amount"] for row in held["utility_bill"]] == [4350]
    other = world.resident("hangzhou", "parents")
    assert "4100280017" not in other.get("/me/data").text
    link = held["utility_link"][0]["id"]
    unlink = f"/services/utility-bills/accounts/{link}/unlink"
    browser.post(unlink, unlink)
    assert "4100280017" not in browser.get("/me/data").text


@pytest.mark.parametrize(
    ("path", "done"),
    [
        ("utility-bills?text=4100280017", "looked at"),
        ("utility-bills/bills.csv", "downloaded it in a table"),
    ],
)
def test_whoever_looks_at_what_one_is_linked_to_is_noted(
    world: World, path: str, done: str
) -> None:
    """A supplier's account is nobody's row, and everybody's who is linked to it."""
    browser, _where = linked(world)
    stranger = world.resident("hangzhou", "parents")
    assert world.city_staff("hangzhou").get(f"/cities/hangzhou/{path}").status_code == 200
    page = browser.get("/me/data/access").text
    assert f"Utility bills: {done}" in page
    assert "Nobody has looked" in stranger.get("/me/data/access").text


def test_a_file_is_not_a_look(world: World) -> None:
    """Rows that an import compares with its lines are shown to nobody."""
    browser, _where = linked(world)
    page = "/cities/hangzhou/utility-bills"
    upload = (io.BytesIO((HEADER + ROW).encode()), "b.csv")
    assert world.city_staff("hangzhou").post(page, file=upload).status_code == 200
    assert "Nobody has looked" in browser.get("/me/data/access").text


def test_who_looked_goes_back_to_the_first(world: World) -> None:
    """By pages, to the very first look."""
    browser = world.resident("hangzhou")
    resident = the_resident(world)
    with world.inside("hangzhou"), transaction() as session:
        session.add_all(
            ResidentAccess(
                resident_id=resident.id,
                at=world.clock(),
                actor=f"staff:clerk-{number}",
                page="city.counter",
                reason="why",
            )
            for number in range(150)
        )
    first = browser.get("/me/data/access").text
    older = re.search(r'href="(/me/data/access\?before=[^"]+)"', first)
    assert older is not None
    pages = first + browser.get(older[1]).text
    assert all(f"account clerk-{number}<" in pages for number in range(150))


def test_nothing_of_others_is_in_it(phones: World) -> None:
    """Another resident's rows, and another city's, are not."""
    phones.resident("hangzhou", "parents")
    add_patient(phones)
    phones.resident("ningbo")
    add_patient(phones, "ningbo")
    browser = by_phone(phones)
    kinds = {one["kind"] for one in browser.post("/me/data/download", "/me/data").json["held"]}
    assert "patient" not in kinds


def test_deleting_leaves_what_the_law_keeps(phones: World) -> None:
    """Typed out, the account is gone for good: nobody comes in as it, its name is blank, patients
    are nobody's; a second sign-in is a new account."""
    browser = by_phone(phones)
    add_patient(phones)
    before = the_resident(phones).id
    assert browser.post("/me/data/delete", word="no").status_code == 422
    answer = browser.post("/me/data/delete", word="delete")
    assert "Your account is deleted" in answer.text
    assert browser.get("/me").status_code == 302
    with phones.inside("hangzhou"):
        row = db.session.scalars(select(Resident).where(Resident.id == before)).one()
        assert (row.name, row.assurance, row.number) == ("", "none", None)
        assert row.closed_at is not None
        patient = db.session.scalars(select(Patient)).one()
        assert (patient.name, patient.sealed, patient.shown, patient.phone_index) == (
            "—",
            None,
            "",
            "",
        )
        assert db.session.scalars(select(ResidentIdentity)).all() == []
        assert verify_city_chain().found is None
    by_phone(phones)
    assert the_resident(phones).id != before


def test_what_is_kept_is_locked_away(phones: World) -> None:
    """Payments of somebody who has left stand in no list; by their own number finance finds one,
    and that it was opened stands in the audit log."""
    browser = by_phone(phones)
    resident = the_resident(phones)
    add_payment(phones, resident.id, "KEPT-0003", "paid")
    staff = phones.city_staff("hangzhou")
    page = "/cities/hangzhou/payments"
    assert "KEPT-0003" in staff.get(page).text
    browser.post("/me/data/delete", "/me/data/delete", word="delete")
    assert "KEPT-0003" not in staff.get(page).text
    with phones.inside("hangzhou"), transaction() as session:
        session.execute(update(Payment).values(state="held", held_reason="amount"))
    assert "KEPT-0003" in staff.get(f"{page}?state=held").text, (
        "money that waits is somebody's work"
    )
    found = re.search(rf'href="({page}/[0-9a-f-]+)"', staff.get(f"{page}?text=KEPT-0003").text)
    assert found is not None
    assert "The payer has deleted their account" in staff.get(found[1]).text
    with phones.inside("hangzhou"):
        assert city_audit_events()[0].action == "payment.open_kept"


def test_what_is_unfinished_comes_first(phones: World) -> None:
    """A payment under way stops it, with the way to it."""
    browser = by_phone(phones)
    resident = the_resident(phones)
    add_payment(phones, resident.id, "P1", "open")
    page = browser.get("/me/data/delete").text
    assert "Payment P1 is not settled yet" in page
    assert browser.post("/me/data/delete", "/me/data", word="delete").status_code == 409
    assert the_resident(phones).id == resident.id


def test_consent_comes_first(phones: World) -> None:
    """Before it one sees only one's data; a new version asks again."""
    browser = by_phone(phones)
    assert browser.get("/me").status_code == 200
    with phones.inside("hangzhou"), transaction() as session:
        session.scalars(select(Resident)).one().consented = "2000-01"
    assert browser.get("/me").headers["Location"].startswith("/me/consent")
    assert browser.get("/me/data").status_code == 200
    browser.post("/me/consent", next="/me")
    assert browser.get("/me").status_code == 200
    assert the_resident(phones).consented == PURPOSES[PRIVACY].version


OWN_PAGES = ("/me/data", "/me/data/consents", "/me/data/access", "/me/sessions", "/me/data/delete")


def test_the_first_consent_is_taken_back_by_one_press(phones: World) -> None:
    """As easily as it was given, and given again as easily: meanwhile the account rests, and one's
    data, the other consents and the way out stay open."""
    browser = by_phone(phones)
    consents = "/me/data/consents"
    browser.post(f"{consents}/messages", consents, give="1")
    browser.post(f"{consents}/privacy", consents, withdraw="1")
    row = the_resident(phones)
    assert row.consented is None
    with phones.inside("hangzhou"):
        assert not agrees(row.id, MESSAGES)
    for path in ("/me", "/me/payments", "/services/utility-bills/link?kind=water"):
        assert browser.get(path).headers["Location"].startswith("/me/consent"), path
    assert [browser.get(path).status_code for path in OWN_PAGES] == [200] * len(OWN_PAGES)
    browser.post(f"{consents}/privacy", consents, give="1")
    assert browser.get("/me").status_code == 200


def test_taking_back_the_real_name_erases_it(phones: World) -> None:
    """And the level falls to what is left."""
    browser = by_phone(phones)
    browser.post("/me/verify", real_name="示例", number=NUMBER, agree="1")
    assert the_resident(phones).assurance == "real_name"
    browser.post("/me/data/consents/real_name", "/me/data/consents", withdraw="1")
    row = the_resident(phones)
    assert (row.assurance, row.number, row.number_index) == ("contact", None, None)


def test_messages_stop_with_their_consent(phones: World) -> None:
    """A verified number alone is not written to; with a yes it is; taken back, no longer."""
    browser = by_phone(phones)
    resident = the_resident(phones)

    def told(key: str) -> bool:
        with phones.inside("hangzhou"):
            notify(
                resident.id,
                key,
                {"zh": key, "en": key},
                {"zh": "一", "en": "one"},
                "/",
                phones.clock(),
            )
        phones.work()
        with phones.inside("hangzhou"):
            query = select(Message.key).join(
                MessageDelivery, MessageDelivery.message_id == Message.id
            )
            return key in db.session.scalars(query).all()

    assert not told("first")
    browser.post("/me/data/consents/messages", "/me/data/consents", give="1")
    assert told("second")
    browser.post("/me/data/consents/messages", "/me/data/consents", withdraw="1")
    assert not told("third")


def test_whoever_looks_is_noted(world: World) -> None:
    """Staff open the finance desk: the resident whose payment is on it sees who, where and why;
    nobody else does, and looking at one's own data notes nothing."""
    browser = world.resident("hangzhou")
    resident = the_resident(world)
    add_payment(world, resident.id, "P2", "paid")
    browser.get("/me/data")
    assert "Nobody has looked" in browser.get("/me/data/access").text
    world.city_staff("hangzhou").get("/cities/hangzhou/payments")
    page = browser.get("/me/data/access").text
    assert "account staff-hangzhou" in page
    assert "Finance team: payments and refunds" in page
    with world.inside("hangzhou"):
        assert len(db.session.scalars(select(ResidentAccess)).all()) == 1
    other = world.resident("hangzhou", "parents")
    assert "Nobody has looked" in other.get("/me/data/access").text


def test_sessions_are_listed_and_ended(world: World) -> None:
    """Signed in twice: the one here ends the other, there and at once; never another's."""
    here, there = world.resident("hangzhou"), world.resident("hangzhou")
    page = here.get("/me/sessions").text
    assert page.count("Sign out that device") == 1
    path = page.partition('action="/me/sessions/')[2].partition('"')[0]
    other = world.resident("hangzhou", "parents")
    assert other.post(f"/me/sessions/{path}", "/me/sessions").status_code in (400, 404)
    assert here.post(f"/me/sessions/{path}", "/me/sessions").status_code == 302
    assert there.get("/me").status_code == 302
    assert here.get("/me").status_code == 200


def test_the_console_reads_no_column_in_core(world: World) -> None:
    """Promise: no statement in Core, which loads no row that could be noted, tells the console of a resident,
    by whatever union, alias or subquery, and whoever runs it."""
    city, app = world.city("hangzhou").id, world.app
    world.resident()
    person = table_of(Resident)
    other, identity = person.alias(), table_of(ResidentIdentity)
    keys = select(person.c.id).where(person.c.city_id == CITY)
    names = select(person.c.name).where(person.c.city_id == CITY)
    lowered = select(func.lower(person.c.name).label("n")).where(person.c.city_id == CITY)
    counted = select(func.count(person.c.name).label("n")).where(person.c.city_id == CITY)
    kinds = select(identity.c.id).where(identity.c.city_id == CITY)
    fine = [
        keys,
        counted,
        select(counted.subquery().c.n),
        keys.union(kinds),
        select(keys.union_all(kinds).subquery().c.id),
    ]
    refused = [
        names,
        lowered,
        select(other.c.name).where(other.c.city_id == CITY),
        keys.union(names),
        kinds.union_all(keys.union(names)),
        keys.except_(lowered),
        select(names.subquery().c.name),
        select(lowered.cte().c.n),
        select(keys.union(names).subquery().c.id),
    ]
    with app.test_request_context("/", base_url="http://console.localhost"), tenant_context(city):
        for harmless in fine:
            run(harmless).all()
        for query in refused:
            with pytest.raises(TenantIsolationError, match="without its row"):
                run(query)
            with pytest.raises(TenantIsolationError, match="without its row"):
                db.session.execute(query, {"city": city})
    with app.test_request_context("/", base_url="http://hangzhou.localhost"), tenant_context(city):
        assert run(refused[0]).all()  # a resident's own page


def test_the_console_reads_no_column_without_its_row(world: World) -> None:
    """A page that would show somebody's name without loading their row is stopped, since nobody
    would see that it was looked at; keys, counts, and what stands beside a whole row are fine."""
    city, app = world.city("hangzhou").id, world.app
    world.resident()
    fine = [
        select(Resident),
        select(Resident.id),
        select(func.count(Resident.name)),
        select(ResidentIdentity.name, Resident).join(
            Resident, Resident.id == ResidentIdentity.resident_id
        ),
        select(ResidentContact.kind),
        select(func.count(Resident.name).label("n")),
        select(aliased(Resident)),
        select(Dispute.state),
    ]
    refused = [
        select(Resident.name),
        select(Resident.id, Resident.name),
        select(Patient.name, Patient.resident_id),
        select(aliased(Resident).name),
        select(Resident).with_only_columns(Resident.real_name),
        select(Resident.name.label("n")),
        select(func.lower(Resident.name)),
        select(Resident.name + "x"),
        select(Bundle("b", Resident.id, Resident.name)),
        select(Resident.id).union(select(Resident.name)),
        select(Resident.id).union_all(select(Resident.id).union(select(Resident.name))),
        select(select(Resident.id).union(select(Resident.name)).subquery().c.id),
        select(select(Resident.name).subquery().c.name),
        select(select(Resident.name).cte().c.name),
        select(select(Resident.name).scalar_subquery()),
    ]
    with app.test_request_context("/", base_url="http://console.localhost"), tenant_context(city):
        for query in fine:
            db.session.execute(query).all()
        for query in refused:
            with pytest.raises(TenantIsolationError, match="without its row"):
                db.session.execute(query).all()
        only_keys = select(ResidentIdentity).options(load_only(ResidentIdentity.id))
        with pytest.raises(TenantIsolationError, match="without its owner"):
            db.session.scalars(only_keys).all()
    with app.test_request_context("/", base_url="http://hangzhou.localhost"), tenant_context(city):
        assert db.session.execute(select(Resident.name)).all()  # a resident's own page
