"""An appointment in people's own calendars."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smartcity_saas.database import transaction
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicPlace
from tests.support.clinic import Clinic
from tests.support.clinic_pages import book


@pytest.mark.parametrize(
    "state, said",
    [("booked", "CONFIRMED"), ("attended", "CONFIRMED"), ("no_show", "CONFIRMED"),
     ("cancelled", "CANCELLED"), ("closed", "CANCELLED")],
)  # fmt: skip
def test_the_calendar_says_what_became_of_it(clinic: Clinic, state: str, said: str) -> None:
    """A visit that took place was not cancelled; every state an appointment has is tried."""
    browser, path = book(clinic)
    with clinic.world.inside("hangzhou"), transaction() as session:
        made = session.scalars(select(Appointment)).one()
        made.state = state
        place = session.scalars(select(ClinicPlace).where(ClinicPlace.id == made.place_id)).one()
        place.state = "taken" if said == "CONFIRMED" else "free"
    file = browser.get(f"{path}/calendar.ics").text
    assert f"STATUS:{said}" in file
    assert ("BEGIN:VALARM" in file) is (said == "CONFIRMED"), "nobody is called to what is off"
