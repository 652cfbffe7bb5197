"""A hospital on a FHIR server: its departments, doctors and slots, and a city that is linked to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.connectors import http_client
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments import booking, fhir_sync
from smartcity_saas.services.hospital_appointments.fhir_models import FhirSlot, FhirSync
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    ClinicPlace,
    ClinicSession,
)
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.fhir_server import TOKEN, FhirServer
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")
DOCUMENTS = {"hangzhou": HANGZHOU, "ningbo": NINGBO}


def fill(server: FhirServer) -> None:
    """A hospital with one department, a doctor by a role, and a clinic without one."""
    for resource in (
        {
            "resourceType": "Organization",
            "id": "first",
            "name": "第一医院",
            "telecom": [{"system": "phone", "value": "0571-12345678"}],
            "address": [{"text": "解放路 88 号"}],
        },
        {"resourceType": "Location", "id": "east", "name": "东院区"},
        {
            "resourceType": "HealthcareService",
            "id": "cardio",
            "name": "心内科",
            "providedBy": {"reference": "Organization/first"},
            "location": [{"reference": "Location/east"}],
        },
        {
            "resourceType": "HealthcareService",
            "id": "skin",
            "name": "皮肤科",
            "location": [{"reference": "Location/east"}],
        },
        {
            "resourceType": "Practitioner",
            "id": "wang",
            "name": [{"family": "王", "given": ["小明"]}],
        },
        {
            "resourceType": "PractitionerRole",
            "id": "wang-cardio",
            "practitioner": {"reference": "Practitioner/wang"},
            "healthcareService": [{"reference": "HealthcareService/cardio"}],
            "code": [{"text": "主任医师"}],
            "specialty": [{"coding": [{"display": "冠心病"}]}],
        },
        {
            "resourceType": "Schedule",
            "id": "wang-times",
            "active": True,
            "actor": [{"reference": "PractitionerRole/wang-cardio"}],
        },
        {
            "resourceType": "Schedule",
            "id": "skin-times",
            "active": True,
            "actor": [{"reference": "HealthcareService/skin"}],
        },
    ):
        server.put(resource)


def slot(
    key: str, at: datetime, *, schedule: str = "wang-times", status: str = "free", minutes: int = 30
) -> dict[str, Any]:
    """A Slot that begins at a moment."""
    ends = at + timedelta(minutes=minutes)
    return {
        "resourceType": "Slot",
        "id": key,
        "schedule": {"reference": f"Schedule/{schedule}"},
        "status": status,
        "start": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "end": ends.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


@dataclass
class Hospital:
    """Two cities, one of them linked to a FHIR server, and levers."""

    world: World
    base: str
    city: str = "hangzhou"

    @property
    def clinic(self) -> Clinic:
        return Clinic(self.world, self.city)

    def link(self, **settings: Any) -> None:
        """Save the city's document with its connector, and store the secret."""
        values = {"base_url": f"'{self.base}'", "token": "{credential: fhir}", **settings}
        lines = "".join(f"      {name}: {value}\n" for name, value in values.items() if value)
        self.world.save(
            f"{DOCUMENTS[self.city]}services:\n  hospital_appointments:\n    state: open\n"
            f"    connector:\n      kind: fhir\n{lines}"
        )
        if values["token"]:
            self.secret("fhir", TOKEN)

    def secret(self, name: str, value: str) -> None:
        ring = self.world.app.product.keyring
        with self.world.inside(self.city):
            store_credential(ring, system("test"), name, value, self.world.clock())

    def day(self, ahead: int = 4) -> date:
        return self.world.clock().astimezone(ZONE).date() + timedelta(days=ahead)

    def at(self, hour: int, minute: int = 0, ahead: int = 4) -> datetime:
        return datetime.combine(self.day(ahead), time(hour, minute), ZONE)

    def sync(self) -> FhirSync:
        """Ask the server now; returns how it stands."""
        http_client.breakers.forget()
        with self.world.inside(self.city):
            fhir_sync.sync({}, self.world.clock())
            return db.session.scalars(select(FhirSync)).one()

    def places(self) -> dict[str, str]:
        """The state of each slot's place."""
        with self.world.inside(self.city):
            query = select(FhirSlot.slot, ClinicPlace.state).join(
                ClinicPlace, ClinicPlace.id == FhirSlot.place_id
            )
            return {str(key): str(state) for key, state in db.session.execute(query)}

    def sessions(self, city: str | None = None) -> list[ClinicSession]:
        with self.world.inside(city or self.city):
            return list(db.session.scalars(select(ClinicSession).order_by(ClinicSession.starts_at)))

    def book(self, name: str, key: str) -> Appointment:
        """Book the place of a slot."""
        resident, patient = self.clinic.person(name)
        with self.world.inside(self.city):
            place = db.session.scalars(
                select(ClinicPlace)
                .join(FhirSlot, FhirSlot.place_id == ClinicPlace.id)
                .where(FhirSlot.slot == key)
            ).one()
            return booking.book(
                resident,
                patient,
                place.session_id,
                place.starts_at,
                self.clinic.rules,
                self.world.clock(),
            )

    def appointment(self, made: Appointment) -> Appointment:
        with self.world.inside(self.city):
            return db.session.scalars(select(Appointment).where(Appointment.id == made.id)).one()
