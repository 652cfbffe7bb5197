"""Reading a hospital's offer from its FHIR server: all of it first, in memory; nothing is stored of an
answer that is not sound as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from smartcity_saas.services.hospital_appointments.fhir_client import FhirServer
from smartcity_saas.services.hospital_appointments.fhir_resources import (
    LocationShape,
    OrganizationShape,
    PractitionerShape,
    Reference,
    RoleShape,
    ScheduleShape,
    ServiceShape,
    SlotShape,
    address_text,
    concept_text,
    person_name,
    reference_of,
    shaped,
    telephone,
)
from smartcity_saas.services.hospital_appointments.fhir_words import OddAnswer

LOOKS_BACK = timedelta(minutes=1)
"""What a server commits late has an earlier ``lastUpdated`` than what came before it was seen."""
LONGEST_SLOT = timedelta(hours=12)


@dataclass(frozen=True)
class OfferedSlot:
    """A Slot: its id, whose schedule it is of, its times in UTC, and whether it is free."""

    id: str
    schedule: str
    starts_at: datetime
    ends_at: datetime
    free: bool


@dataclass(frozen=True)
class Named:
    """A hospital, a department or a doctor: its id, and its texts in the server's language."""

    code: str
    name: str
    address: str = ""
    phone: str = ""
    title: str = ""
    specialty: str = ""


@dataclass(frozen=True)
class Party:
    """Whose times a schedule holds. ``performer`` is who sees the patient, as a reference."""

    hospital: Named
    department: Named
    doctor: Named
    performer: str


@dataclass(frozen=True)
class Window:
    """The slots that are read: those that begin from one moment to before another."""

    starts: datetime
    ends: datetime


@dataclass(frozen=True)
class Offer:
    """What was read. ``parties`` are by the schedule's id; a schedule without one is ``unplaced``.
    ``newest`` is the latest ``lastUpdated`` among the slots."""

    window: Window
    whole: bool
    slots: tuple[OfferedSlot, ...]
    parties: Mapping[str, Party]
    unplaced: int
    newest: datetime | None


@dataclass(frozen=True)
class _Of:
    """What is found behind some references, by kind and id."""

    resources: Mapping[Reference, Mapping[str, Any]]
    base_url: str

    def get(self, reference: Reference | None) -> Mapping[str, Any] | None:
        return self.resources.get(reference) if reference else None

    def reference(self, element: Mapping[str, Any] | None) -> Reference | None:
        return reference_of(element, self.base_url)

    def first(self, elements: Iterable[Mapping[str, Any]], *kinds: str) -> Reference | None:
        """The first of some elements that refers to a kind."""
        found = (self.reference(one) for one in elements)
        return next((one for one in found if one is not None and one.kind in kinds), None)


_SHAPES = {
    "PractitionerRole": RoleShape,
    "Practitioner": PractitionerShape,
    "HealthcareService": ServiceShape,
    "Organization": OrganizationShape,
    "Location": LocationShape,
}


def read_offer(
    server: FhirServer, window: Window, since: datetime | None, settings: Mapping[str, Any]
) -> Offer:
    """What a server offers in some days, or what changed of it.

    Args:
        server: The server.
        window: Which slots.
        since: Only what changed since then, by the server's clock; None for all.
        settings: The connector's: which organization, which services.

    Raises:
        OddAnswer, BackOfficeDown, BackOfficeRefused: There is no sound answer.
    """
    slots, newest = _slots(server, window, since)
    schedules = {
        key: shaped(ScheduleShape, "Schedule", one)
        for key, one in server.by_ids("Schedule", [slot.schedule for slot in slots]).items()
    }
    found = _behind(server, schedules.values())
    parties = {}
    unplaced = len({slot.schedule for slot in slots} - set(schedules))
    for key, schedule in schedules.items():
        party, ours = _party(schedule, found, settings)
        if party is None:
            unplaced += 1
        elif ours and schedule["active"]:
            parties[key] = party
    _refuse_overlaps([slot for slot in slots if slot.schedule in parties])
    return Offer(window, since is None, tuple(slots), parties, unplaced, newest)


def _slots(
    server: FhirServer, window: Window, since: datetime | None
) -> tuple[list[OfferedSlot], datetime | None]:
    asked = [("start", f"ge{_text(window.starts)}"), ("start", f"lt{_text(window.ends)}")]
    if since is not None:
        asked.append(("_lastUpdated", f"ge{_text(since - LOOKS_BACK)}"))
    slots, newest = [], since
    for resource in server.search("Slot", asked):
        slot = shaped(SlotShape, "Slot", resource)
        name, starts_at, ends_at = f"Slot/{slot['id']}", slot["start"], slot["end"]
        schedule = reference_of(slot["schedule"], server.base_url)
        if schedule is None or schedule.kind != "Schedule":
            raise OddAnswer("shape", which=name, element="schedule")
        if not timedelta(0) < ends_at - starts_at <= LONGEST_SLOT:
            raise OddAnswer("shape", which=name, element="start, end")
        if not window.starts <= starts_at < window.ends:
            raise OddAnswer("days", which=name, at=_text(starts_at))
        free = slot["status"] == "free"
        slots.append(OfferedSlot(slot["id"], schedule.id, starts_at, ends_at, free))
        changed = slot["meta"].get("lastUpdated")
        if changed is not None:
            newest = max(newest or changed, changed)
    return slots, newest


def _behind(server: FhirServer, schedules: Iterable[Mapping[str, Any]]) -> _Of:
    """What some schedules refer to, and what that refers to."""
    resources: dict[Reference, Mapping[str, Any]] = {}
    found = _Of(resources, server.base_url)

    def fetch(elements: Iterable[Mapping[str, Any] | None], *kinds: str) -> None:
        wanted = {found.reference(one) for one in elements}
        for kind in kinds:
            keys = [one.id for one in wanted if one is not None and one.kind == kind]
            for key, resource in server.by_ids(kind, keys).items():
                resources[Reference(kind, key)] = shaped(_SHAPES[kind], kind, resource)

    actors = [actor for one in schedules for actor in one["actor"]]
    fetch(actors, "PractitionerRole", "Practitioner", "HealthcareService")
    roles = _of_kind(resources, "PractitionerRole")
    fetch([role.get("practitioner") for role in roles], "Practitioner")
    fetch([each for role in roles for each in role["healthcareService"]], "HealthcareService")
    services = _of_kind(resources, "HealthcareService")
    fetch([service.get("providedBy") for service in services], "Organization")
    fetch([each for service in services for each in service["location"]], "Location")
    return found


def _of_kind(
    resources: Mapping[Reference, Mapping[str, Any]], kind: str
) -> list[Mapping[str, Any]]:
    return [one for reference, one in resources.items() if reference.kind == kind]


def _party(
    schedule: Mapping[str, Any], found: _Of, settings: Mapping[str, Any]
) -> tuple[Party | None, bool]:
    """Whose times a schedule holds, and whether the city's document wants them; None where it leads to
    no department of a hospital."""
    actors = schedule["actor"]
    role_at = found.first(actors, "PractitionerRole")
    role = found.get(role_at)
    service_at = found.first(actors, "HealthcareService")
    if service_at is None and role is not None:
        service_at = found.first(role["healthcareService"], "HealthcareService")
    service = found.get(service_at)
    if service_at is None or service is None:
        return None, False
    hospital_at = found.reference(service.get("providedBy"))
    hospital = _hospital(hospital_at, service, found)
    if hospital is None:
        return None, False
    department = _department(service)
    person_at = found.first(actors, "Practitioner")
    if person_at is None and role is not None:
        person_at = found.reference(role.get("practitioner"))
    performer = role_at if role is not None else person_at
    person = found.get(person_at)
    if performer is None or person is None:
        doctor, performer = Named(department.code, department.name), service_at
    else:
        doctor = Named(
            performer.id,
            person_name(person["name"]) or performer.id,
            title=concept_text(role["code"]) if role else "",
            specialty=concept_text(role["specialty"]) if role else "",
        )
    wanted, by = settings.get("healthcare_services"), settings.get("organization")
    ours = (not wanted or service_at.id in wanted) and (
        not by or hospital_at == Reference("Organization", by)
    )
    return Party(hospital, department, doctor, str(performer)), ours


def _hospital(
    organization: Reference | None, service: Mapping[str, Any], found: _Of
) -> Named | None:
    """The organization that provides a service, at the service's first location; the location itself
    where no organization is named."""
    place_at = found.first(service["location"], "Location")
    provider, place = found.get(organization), found.get(place_at)
    where = address_text(place.get("address")) if place else ""
    phone = telephone(place["telecom"]) if place else ""
    if provider is not None:
        own = address_text(provider["address"][0] if provider["address"] else None)
        return Named(
            provider["id"],
            provider.get("name") or provider["id"],
            own or where,
            telephone(provider["telecom"]) or phone,
        )
    if place is None:
        return None
    return Named(place["id"], place.get("name") or place["id"], where, phone)


def _department(service: Mapping[str, Any]) -> Named:
    named = service.get("name") or concept_text(service["type"])
    return Named(service["id"], named or concept_text(service["specialty"]) or service["id"])


def _refuse_overlaps(slots: Sequence[OfferedSlot]) -> None:
    """Refuse two free slots of one schedule that share a moment."""
    last: dict[str, OfferedSlot] = {}
    for slot in sorted(slots, key=lambda one: (one.starts_at, one.id)):
        if not slot.free:
            continue
        before = last.get(slot.schedule)
        if before is not None and slot.starts_at < before.ends_at:
            raise overlap(before.id, slot.id, slot.schedule)
        last[slot.schedule] = slot


def overlap(one: str, other: str, schedule: str) -> OddAnswer:
    """What is said of two slots that share a moment."""
    return OddAnswer(
        "overlap", one=f"Slot/{one}", other=f"Slot/{other}", schedule=f"Schedule/{schedule}"
    )


def _text(moment: datetime) -> str:
    """A moment in UTC as FHIR writes an instant."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.}{moment.microsecond // 1000:03}Z"
