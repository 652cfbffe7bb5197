"""Hospitals by FHIR R4, against a real server: what it offers can be booked, and it hears of it once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from marshmallow import ValidationError
from ruamel.yaml import YAML
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments import fhir_reports
from smartcity_saas.services.hospital_appointments.back_office import send_report
from smartcity_saas.services.hospital_appointments.fhir_client import FhirServer as FhirClient
from smartcity_saas.services.hospital_appointments.fhir_models import FhirAppointment, FhirSync
from smartcity_saas.services.hospital_appointments.fhir_settings import FhirConnectorSettings
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    Doctor,
    HospitalDepartment,
)
from smartcity_saas.services.hospital_appointments.models import Hospital as HospitalRow
from tests.support import fhir_server
from tests.support.browser import fresh
from tests.support.fhir_hospital import Hospital, fill, slot
from tests.support.fhir_server import FhirServer
from tests.support.probes import probed
from tests.support.world import World


@pytest.fixture(scope="module")
def process() -> Iterator[FhirServer]:
    """One server for all."""
    with fhir_server.running() as found:
        yield found


@pytest.fixture
def server(process: FhirServer) -> FhirServer:
    """An empty one with a hospital on it."""
    process.reset()
    fill(process)
    return process


@pytest.fixture
def hospital(world: World, server: FhirServer) -> Hospital:
    """Hangzhou, linked to it, with three slots of one morning and one of an afternoon."""
    found = Hospital(world, server.base)
    found.link(page_size=2)
    for number in range(3):
        server.put(slot(f"am{number}", found.at(8 + number)))
    server.put(slot("pm", found.at(14), schedule="skin-times"))
    return found


def test_what_the_server_offers_can_be_booked(hospital: Hospital, server: FhirServer) -> None:
    """Promise: hospitals, departments, doctors, sessions and places are those of the server, page
    after page, in that city and in no other."""
    row = hospital.sync()
    assert row.problem is None
    with hospital.world.inside("hangzhou"):
        names = {one.code: one.name["zh"] for one in db.session.scalars(select(HospitalRow))}
        assert names == {"first": "第一医院", "east": "东院区"}
        doctors = {one.code: one for one in db.session.scalars(select(Doctor))}
        assert doctors["wang-cardio"].name["zh"] == "王小明"
        assert doctors["wang-cardio"].title["zh"] == "主任医师"
        assert doctors["wang-cardio"].specialty["zh"] == "冠心病"
        assert doctors["skin"].name["zh"] == "皮肤科", (
            "a clinic without a doctor is the department's"
        )
        departments = db.session.scalars(select(HospitalDepartment)).all()
        assert all(one.refreshed_at == hospital.world.clock() for one in departments)
    morning, afternoon = hospital.sessions()
    assert (morning.half, morning.capacity, afternoon.half) == ("am", 3, "pm")
    assert set(hospital.places().values()) == {"free"}
    assert hospital.sessions("ningbo") == []
    pages = [one["query"] for one in server.calls() if one["path"] == "/Slot"]
    assert len(pages) == 2
    assert "_offset=2" in pages[1]


def test_a_booking_and_its_cancelling_arrive_once(hospital: Hospital, server: FhirServer) -> None:
    """Promise: a booking is one Appointment of the slot, however often it is told; a cancelling
    sets that one to cancelled."""
    hospital.sync()
    made = hospital.book("a", "am1")
    hospital.world.work()
    (told,) = server.found("Appointment")
    assert told["status"] == "booked"
    assert told["slot"] == [{"reference": "Slot/am1"}]
    assert told["contained"][0]["name"] == [{"text": "a"}]
    assert told["participant"][1]["actor"]["reference"] == "PractitionerRole/wang-cardio"
    assert server.get("Slot/am1")["status"] == "busy"
    hospital.clinic.cancel("a", made)
    hospital.world.work()
    (told,) = server.found("Appointment")
    assert told["status"] == "cancelled"


def test_what_changes_is_read_alone(hospital: Hospital, server: FhirServer) -> None:
    """Promise: after the first time only changes are asked for, a minute before the newest one too, as a
    server may commit late; busy there is shut here, free again is free, a new slot is a new place; the
    next day all is read, and what was deleted is shut."""
    since = hospital.sync().since
    assert since is not None
    server.put(slot("am0", hospital.at(8), status="busy"))
    server.put(slot("late", hospital.at(11)))
    hospital.sync()
    (asked,) = [one["query"] for one in server.calls() if one["path"] == "/Slot"][-1:]
    (changed,) = parse_qs(asked)["_lastUpdated"]
    assert datetime.fromisoformat(changed.removeprefix("ge")) <= since - timedelta(minutes=1)
    places = hospital.places()
    assert (places["am0"], places["late"], places["am1"]) == ("shut", "free", "free")
    server.put(slot("am0", hospital.at(8)))
    server.delete("Slot/am2")
    hospital.sync()
    assert hospital.places()["am0"] == "free"
    assert hospital.places()["am2"] == "free", "a change that no search by change tells of"
    hospital.world.clock.move(days=1)
    hospital.sync()
    assert hospital.places()["am2"] == "shut"
    assert hospital.places()["am1"] == "free"
    (morning, _afternoon) = hospital.sessions()
    assert morning.capacity == 4


def test_a_slot_that_moves_takes_nobodys_place(hospital: Hospital, server: FhirServer) -> None:
    """Promise: a free slot is at its new time; one that somebody here has stays theirs, and staff
    are told to call."""
    hospital.sync()
    made = hospital.book("a", "am1")
    server.put(slot("am1", hospital.at(15)))
    server.put(slot("am2", hospital.at(16)))
    row = hospital.sync()
    assert hospital.appointment(made).starts_at == hospital.at(9)
    assert hospital.places()["am1"] == "taken"
    assert hospital.places()["am2"] == "free"
    assert hospital.places()["None"] == "shut", "its old time is nobody's"
    assert [one.half for one in hospital.sessions()] == ["am", "pm", "pm"]
    assert row.notes["moved"] == 1
    assert "Call those who booked" in hospital.world.city_staff().get("/cities/hangzhou").text


def test_the_task_asks_again_by_itself(hospital: Hospital) -> None:
    """Promise: a page that is looked at sees to it that the server is asked, and it is asked again
    whenever answers have grown old."""
    world = hospital.world
    assert world.resident().get("/services/hospital-appointments").status_code == 200
    world.work()
    assert hospital.places()["am0"] == "free"
    (session, _other) = hospital.sessions()
    for _time in range(3):
        world.clock.move(minutes=10)
        world.work()
    with world.inside("hangzhou"):
        assert db.session.scalars(select(FhirSync)).one().synced_at == world.clock()
    page = world.resident().get(
        f"/services/hospital-appointments/departments/{session.department_id}"
    )
    assert "not responding" not in page.text
    assert "王小明" in page.text


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("without", [[], ["conditionalCreate"]])
def test_killed_before_the_note_it_is_one_appointment(
    hospital: Hospital,
    server: FhirServer,
    monkeypatch: pytest.MonkeyPatch,
    without: list[str],
) -> None:
    """Promise: a process that ends between the server's answer and our note of it leaves one
    Appointment, after any number of tries, also at a server that marks its slots later; with
    conditional create, and by looking first where there is none."""
    server.reset(without=without)
    fill(server)
    server.put(slot("am1", hospital.at(9)))
    hospital.sync()
    made = hospital.book("a", "am1")
    with monkeypatch.context() as patch:
        patch.setattr(fhir_reports, "_note", _killed)
        for _try in range(3):
            with hospital.world.inside("hangzhou"), pytest.raises(Killed):
                payload = {"appointment": str(made.id), "act": "booked"}
                send_report(payload, hospital.world.clock())
            assert len(server.found("Appointment")) == 1
            server.put(slot("am1", hospital.at(9)))
    hospital.world.work()
    (told,) = server.found("Appointment")
    with monkeypatch.context() as patch:
        patch.setattr(fhir_reports, "_note", _killed)
        hospital.clinic.cancel("a", made)
        with hospital.world.inside("hangzhou"), pytest.raises(Killed):
            send_report({"appointment": str(made.id), "act": "cancelled"}, hospital.world.clock())
    hospital.world.work()
    (after,) = server.found("Appointment")
    assert (after["id"], after["status"]) == (told["id"], "cancelled")
    with hospital.world.inside("hangzhou"):
        assert db.session.scalars(select(FhirAppointment)).one().cancelled_at is not None


def _killed(*_arguments: Any, **_options: Any) -> None:
    raise Killed


def test_given_back_while_it_is_created(
    hospital: Hospital, server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a booking that is given back while the server creates it is cancelled there too, though
    the task of the cancelling came too early to find it."""
    hospital.sync()
    made = hospital.book("a", "am1")
    create = FhirClient.create

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        fresh(lambda: _cancel_early(hospital, made))
        return create(*arguments, **options)

    monkeypatch.setattr(FhirClient, "create", meanwhile)
    hospital.world.work()
    hospital.world.work()
    (told,) = server.found("Appointment")
    assert told["status"] == "cancelled"


def _cancel_early(hospital: Hospital, made: Appointment) -> None:
    """Give a booking back, and tell the server at once."""
    with hospital.world.app.app_context():
        hospital.clinic.cancel("a", made)
        with hospital.world.inside("hangzhou"):
            send_report({"appointment": str(made.id), "act": "cancelled"}, hospital.world.clock())


def test_a_slot_that_somebody_else_has_ends_the_booking(
    hospital: Hospital, server: FhirServer
) -> None:
    """Promise: where the hospital gave the slot to somebody else first, nothing is sold twice: the
    booking ends, its resident reads why, and the place is shut."""
    hospital.sync()
    made = hospital.book("household", "am1")
    server.put(slot("am1", hospital.at(9), status="busy"))
    hospital.world.work()
    hospital.world.work()
    assert server.found("Appointment") == []
    assert hospital.appointment(made).is_called_off
    assert hospital.places()["am1"] == "shut"
    page = hospital.world.resident().get(f"/services/hospital-appointments/appointments/{made.id}")
    assert "This slot was just taken at the hospital" in page.text
    hospital.clinic.check()


def test_the_next_in_the_same_place(hospital: Hospital, server: FhirServer) -> None:
    """Promise: who books what somebody gave back has the slot, in whichever order the server hears."""
    hospital.sync()
    first = hospital.book("a", "am1")
    hospital.world.work()
    hospital.clinic.cancel("a", first)
    second = hospital.book("b", "am1")
    with hospital.world.inside("hangzhou"):
        payload = {"appointment": str(second.id), "act": "booked"}
        send_report(payload, hospital.world.clock())
    hospital.world.work()
    states = {
        one["contained"][0]["name"][0]["text"]: one["status"] for one in server.found("Appointment")
    }
    assert states == {"a": "cancelled", "b": "booked"}
    assert hospital.appointment(second).is_booked


@pytest.mark.parametrize(
    "without, note",
    [
        (["conditionalCreate"], "has no conditional create"),
        (["update"], "cannot update an appointment"),
        (["versioned"], "has no versions"),
        (["_lastUpdated"], "cannot search by change"),
    ],
)
def test_what_the_server_lacks_is_worked_around_and_told(
    hospital: Hospital, server: FhirServer, without: list[str], note: str
) -> None:
    """Promise: what its CapabilityStatement lacks stands on the city's overview and in doctor, and
    bookings go there and are cancelled all the same."""
    server.reset(without=without)
    fill(server)
    server.put(slot("am1", hospital.at(9)))
    hospital.sync()
    overview = hospital.world.city_staff().get("/cities/hangzhou").text
    assert note in overview
    made = hospital.book("a", "am1")
    hospital.world.work()
    hospital.clinic.cancel("a", made)
    hospital.world.work()
    calls = server.calls()
    (told,) = server.found("Appointment")
    assert told["status"] == "cancelled"
    matched = any(
        "if-match" in one["headers"] for one in calls if one["method"] in ("PUT", "PATCH")
    )
    assert matched == (without != ["versioned"])


def test_a_client_of_its_own(hospital: Hospital, server: FhirServer) -> None:
    """Promise: a token is fetched with the client's credentials where the document says so, and staff
    can try the secret; another secret is told from a server that is down."""
    server.reset(clients={"city": "right"}, token="")
    hospital.link(
        token="",
        oauth_url=f"'{server.origin}/token'",
        client_id="city",
        client_secret="{credential: client}",
    )
    hospital.secret("client", "wrong")
    row = hospital.sync()
    assert row.problem == {"code": "token", "values": {"code": 401}}
    hospital.secret("client", "right")
    assert hospital.sync().problem is None
    assert probed(hospital.world, "client") == ("Works", "FHIR R4, nothing is missing")


def test_only_what_the_document_names(hospital: Hospital) -> None:
    """Promise: with an organization or services named, others are not offered; named later, what was
    offered is shut."""
    hospital.sync()
    hospital.link(healthcare_services="[skin]")
    hospital.sync()
    assert hospital.places() == {"am0": "shut", "am1": "shut", "am2": "shut", "pm": "free"}
    hospital.link(organization="first")
    hospital.sync()
    assert hospital.places() == {"am0": "free", "am1": "free", "am2": "free", "pm": "shut"}


@pytest.mark.parametrize(
    "connector, said",
    [
        ("token: {credential: ab}, oauth_url: 'https://x.example/t'", "not both"),
        ("client_id: city", "also needs"),
        ("page_size: 10", "Name the token, or"),
        ("token: {credential: ab}, healthcare_services: ['a/b']", "Write the resource"),
        ("token: secret-text", "Give the secret"),
    ],
)
def test_a_document_names_one_way_to_sign_in(connector: str, said: str) -> None:
    """Promise: a connector that cannot work is refused when the document is saved, in words."""
    with pytest.raises(ValidationError) as refused:
        FhirConnectorSettings().load(
            YAML(typ="safe").load(f"{{base_url: 'https://fhir.x.example/r4', {connector}}}")
        )
    assert said in str(refused.value.messages)
