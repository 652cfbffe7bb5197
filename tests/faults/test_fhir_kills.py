"""A worker killed (SIGKILL) while it talks to a hospital's FHIR server: each booking is one Appointment
there, each cancelling one, and what is read is stored whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments import fhir_reports, fhir_storing, fhir_sync
from smartcity_saas.services.hospital_appointments.fhir_client import FhirServer as FhirClient
from smartcity_saas.services.hospital_appointments.fhir_models import FhirAppointment
from tests.support import fhir_server
from tests.support.fhir_hospital import Hospital, fill, slot
from tests.support.fhir_server import FhirServer
from tests.support.runners import is_killed_by, killed
from tests.support.world import World

pytestmark = pytest.mark.faults


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
    """Hangzhou, linked to it, with three slots."""
    found = Hospital(world, server.base)
    found.link()
    for number in range(3):
        server.put(slot(f"am{number}", found.at(8 + number)))
    return found


def work_is_killed(hospital: Hospital, at: tuple[Any, str]) -> None:
    """Let a worker do what is due until it comes to a function, and let the others take its work up
    again when its lease is over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*at, killed)
        assert is_killed_by(hospital.world.work)
    hospital.world.clock.move(minutes=2)


@pytest.mark.parametrize(
    "at",
    [(FhirClient, "read"), (FhirClient, "create"), (fhir_reports, "_note")],
    ids=["before anything is asked", "before it is created", "before it is noted"],
)
def test_a_killed_booking_arrives_once(
    hospital: Hospital, server: FhirServer, at: tuple[Any, str]
) -> None:
    """However often the worker dies of it."""
    hospital.sync()
    made = hospital.book("a", "am1")
    for _death in range(2):
        work_is_killed(hospital, at)
        assert len(server.found("Appointment")) == (at[1] == "_note")
    hospital.world.work()
    (told,) = server.found("Appointment")
    assert told["identifier"][0]["value"] == fhir_reports.identifier_of(made.id)
    with hospital.world.inside("hangzhou"):
        assert db.session.scalars(select(FhirAppointment)).one().remote_id == told["id"]


@pytest.mark.parametrize(
    "at",
    [(fhir_reports, "_end"), (fhir_reports, "_note")],
    ids=["before it is told", "before it is noted"],
)
def test_a_killed_cancelling_arrives(
    hospital: Hospital, server: FhirServer, at: tuple[Any, str]
) -> None:
    """And the place is somebody else's to book."""
    hospital.sync()
    made = hospital.book("a", "am1")
    hospital.world.work()
    hospital.clinic.cancel("a", made)
    for _death in range(2):
        work_is_killed(hospital, at)
    hospital.world.work()
    (told,) = server.found("Appointment")
    assert told["status"] == "cancelled"
    with hospital.world.inside("hangzhou"):
        assert db.session.scalars(select(FhirAppointment)).one().cancelled_at is not None
    hospital.book("b", "am1")
    hospital.world.work()
    assert sorted(one["status"] for one in server.found("Appointment")) == ["booked", "cancelled"]


@pytest.mark.parametrize(
    "at",
    [(FhirClient, "search"), (fhir_storing, "_add"), (fhir_sync, "_note_success")],
    ids=["between pages", "between rows", "before it is noted"],
)
def test_a_killed_reading_is_stored_whole(hospital: Hospital, at: tuple[Any, str]) -> None:
    """Or not at all; the next worker reads it again."""
    assert hospital.world.resident().get("/services/hospital-appointments").status_code == 200
    work_is_killed(hospital, at)
    assert hospital.places() == {}
    assert hospital.sessions() == []
    hospital.world.work()
    assert len(hospital.places()) == 3
