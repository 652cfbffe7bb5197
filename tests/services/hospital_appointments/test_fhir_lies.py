"""A FHIR server that lies is refused in clear words: nothing of it is stored, and no other city notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.fhir_models import FhirSlot
from smartcity_saas.services.hospital_appointments.fhir_words import problem_text
from smartcity_saas.services.hospital_appointments.models import ClinicPlace, ClinicSession
from smartcity_saas.services.hospital_appointments.models import Hospital as HospitalRow
from tests.support.fhir_hospital import Hospital, fill, slot
from tests.support.loopback import serving
from tests.support.lying_fhir_server import OUTCOME, Liar, refused, statement
from tests.support.world import World


@pytest.fixture
def liar() -> Iterator[Liar]:
    """A server with a hospital on it."""
    found = Liar()
    with serving(found.app) as base:
        found.base = base
        fill(found)  # type: ignore[arg-type]  # it holds resources as the real one does
        yield found


@pytest.fixture
def hospital(world: World, liar: Liar) -> Hospital:
    """Hangzhou, linked to it, with a slot."""
    found = Hospital(world, liar.base)
    found.link()
    liar.put(slot("good", found.at(8)))
    return found


Lie = Callable[[Liar, Hospital], Any]


def _page(**changes: Any) -> Lie:
    return lambda liar, hospital: {"Slot": lambda: liar.bundle(**changes)}


def _slots(*made: Callable[[Hospital], dict[str, Any]]) -> Lie:
    return lambda liar, hospital: {
        "Slot": lambda: liar.bundle(slot("good", hospital.at(8)), *(one(hospital) for one in made))
    }


def _next(url: str) -> list[dict[str, str]]:
    return [{"relation": "next", "url": url}]


LIES: dict[str, tuple[Lie, str]] = {
    "another kind in a page": (
        _slots(lambda hospital: {"resourceType": "Patient", "id": "x"}),
        "“Patient” came where “Slot” was asked for.",
    ),
    "no bundle": (
        lambda liar, hospital: {"Slot": {"resourceType": "Slot", "id": "x"}},
        "“Slot” came where “Bundle” was asked for.",
    ),
    "a bundle of another type": (_page(type="history"), "“Bundle: history” came"),
    "an outcome with 200": (lambda liar, hospital: {"Slot": OUTCOME}, "“the disk is full”"),
    "no object": (lambda liar, hospital: {"Slot": "[]"}, "“list” came"),
    "the next page elsewhere": (
        _page(link=_next("https://evil.example/Slot?page=2")),
        "leads to another server, to “https://evil.example/Slot?page=2”",
    ),
    "the next page elsewhere by its look": (
        lambda liar, hospital: {
            "Slot": lambda: liar.bundle(
                link=_next(liar.base.replace("://", "://x@") + "/Slot?page=2")
            )
        },
        "leads to another server",
    ),
    "no address of the next page": (_page(link=_next("")), "link.url"),
    "pages in a circle": (
        lambda liar, hospital: {
            "Slot": lambda: liar.bundle(link=_next(f"{liar.base}/Slot?page=2"))
        },
        "lead in a circle",
    ),
    "a huge page": (
        _page(note="x" * 3_000_000),
        "A page of “Slot” is larger than 2 MiB. Set a smaller page_size.",
    ),
    "overlapping slots": (
        _slots(lambda hospital: slot("twin", hospital.at(8, 15))),
        "“Slot/good” and “Slot/twin” of “Schedule/wang-times” overlap.",
    ),
    "a slot of the past": (
        _slots(lambda hospital: slot("old", hospital.at(8, ahead=-3))),
        "“Slot/old” begins at",
    ),
    "a slot of next year": (
        _slots(lambda hospital: slot("far", hospital.at(8, ahead=300))),
        "the search by start does not work",
    ),
    "an end before its start": (
        _slots(lambda hospital: slot("x", hospital.at(9), minutes=-10)),
        "“Slot/x” does not fit FHIR R4: start, end.",
    ),
    "a time without a zone": (
        _slots(lambda hospital: {**slot("x", hospital.at(9)), "start": "2026-12-01T08:00:00"}),
        "“Slot/x” does not fit FHIR R4: start.",
    ),
    "a status that there is not": (
        _slots(lambda hospital: slot("x", hospital.at(9), status="maybe")),
        "“Slot/x” does not fit FHIR R4: status.",
    ),
    "an id that is none": (
        _slots(lambda hospital: slot("x y", hospital.at(9))),
        "does not fit FHIR R4: id.",
    ),
    "a slot of no schedule": (
        _slots(lambda hospital: {**slot("x", hospital.at(9)), "schedule": {"reference": "Bed/1"}}),
        "“Slot/x” does not fit FHIR R4: schedule.",
    ),
    "a name with a hidden character": (
        lambda liar, hospital: {
            "HealthcareService": lambda: liar.bundle(
                {"resourceType": "HealthcareService", "id": "cardio", "name": "心\u202e科"}
            )
        },
        "“HealthcareService/cardio” does not fit FHIR R4: name.",
    ),
    "what was not asked for": (
        lambda liar, hospital: {
            "Schedule": lambda: liar.bundle(
                {"resourceType": "Schedule", "id": "other", "actor": []},
            )
        },
        "“Schedule/other” came where “Schedule/wang-times” was asked for.",
    ),
    "another version": (
        lambda liar, hospital: {"metadata": lambda: statement(fhirVersion="5.0.0")},
        "speaks FHIR 5.0.0. FHIR R4 (4.0) is needed.",
    ),
    "a server that can do nothing": (
        lambda liar, hospital: {"metadata": lambda: statement(rest=[{"mode": "server"}])},
        "cannot do what is needed here: Slot: search-type",
    ),
    "a statement of a client": (
        lambda liar, hospital: {"metadata": lambda: statement(rest=[{"mode": "client"}])},
        "“CapabilityStatement” does not fit FHIR R4: rest.mode.",
    ),
    "a refusal": (
        lambda liar, hospital: {"Slot": lambda: refused(403)},
        "refused to answer: HTTP 403. “the disk is full”",
    ),
    "a fault": (lambda liar, hospital: {"Slot": lambda: refused(500)}, "did not answer"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_whole(name: str, hospital: Hospital, liar: Liar) -> None:
    """Promise: nothing of an answer with a fault is stored, and staff read what was wrong, on the
    console in both languages; it is put right, and the next answer is taken."""
    lie, said = LIES[name]
    liar.bend = lie(liar, hospital)
    row = hospital.sync()
    assert row.problem is not None
    assert said in problem_text(row.problem)
    with hospital.world.inside("hangzhou"):
        for model in (HospitalRow, ClinicSession, ClinicPlace, FhirSlot):
            assert db.session.scalars(select(model)).all() == []
    liar.bend = {}
    assert hospital.sync().problem is None
    assert hospital.places() == {"good": "free"}


def test_the_last_good_schedule_stays(hospital: Hospital, liar: Liar) -> None:
    """Promise: what came before a lie stays bookable, with its age and a word to staff; the other
    city has its own."""
    hospital.sync()
    world = hospital.world
    other = Hospital(world, liar.base, "ningbo")
    other.link()
    other.sync()
    liar.bend = {"Slot": OUTCOME}
    world.clock.move(minutes=25)
    hospital.sync()
    assert hospital.places() == {"good": "free"}
    (session,) = hospital.sessions()
    path = f"/services/hospital-appointments/departments/{session.department_id}"
    assert "not responding at the moment" in world.resident().get(path).text
    (theirs,) = other.sessions()
    with world.inside("ningbo"):
        assert theirs.id != session.id
    overview = world.city_staff().get("/cities/hangzhou").text
    assert "the disk is full" in overview
    assert "the disk is full" not in world.city_staff("ningbo").get("/cities/ningbo").text


def test_without_an_end_pages_end(
    hospital: Hospital, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: pages that go on for ever, and more slots than anybody needs, are refused."""
    from smartcity_saas.services.hospital_appointments import fhir_client

    monkeypatch.setattr(fhir_client, "MOST_PAGES", 3)
    count = iter(range(1000))
    liar.bend = {
        "Slot": lambda: liar.bundle(link=_next(f"{liar.base}/Slot?page={next(count)}")),
    }
    row = hospital.sync()
    assert row.problem is not None
    assert "“Slot” has more than 3 pages." in problem_text(row.problem)
    monkeypatch.setattr(fhir_client, "MOST_RESOURCES", 0)
    liar.bend = {}
    row = hospital.sync()
    assert row.problem is not None
    assert "More than 0 of “Slot” came." in problem_text(row.problem)
    monkeypatch.setattr(fhir_client, "MOST_SECONDS", -1.0)
    row = hospital.sync()
    assert row.problem is not None
    assert "Reading took more than" in problem_text(row.problem)


@pytest.mark.parametrize("answer", [OUTCOME, {"resourceType": "Slot", "id": "x"}, "[]"])
def test_an_odd_answer_to_a_booking_is_no_booking(
    hospital: Hospital, liar: Liar, answer: Any
) -> None:
    """Promise: a booking counts as told when the server has answered with an Appointment, and is told
    again until then."""
    hospital.sync()
    hospital.book("a", "good")
    liar.bend = {"POST Appointment": answer}
    hospital.world.work()
    liar.bend = {}
    hospital.world.clock.move(hours=1)
    hospital.world.work()
    assert len(liar.created) == 2, "once in vain"
    hospital.world.clock.move(hours=1)
    hospital.world.work()
    assert len(liar.created) == 2
