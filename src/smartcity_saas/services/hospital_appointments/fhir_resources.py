"""What is read of FHIR R4's resources: a few elements each, and those as the specification has them
(hl7.org/fhir/R4: Slot, Schedule, PractitionerRole, Practitioner, HealthcareService, Organization,
Location). Whatever else a resource holds is its own business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import OneOf

from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.connectors import Answer
from smartcity_saas.services.hospital_appointments.fhir_words import OddAnswer

LONGEST_NAME = 120
SLOT_STATES = ("busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error")
"""The codes of hl7.org/fhir/slotstatus."""
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_REFERENCE = re.compile(
    r"(?P<kind>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?"
)
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


class Instant(fields.Field[datetime]):
    """A moment to the second or better, with its zone (FHIR R4, datatype ``instant``), in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise ValidationError("Not an instant.")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Not an instant.") from None


class Words(fields.Field[str]):
    """A text of one line."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_NAME:
            raise ValidationError("Not a short text.")
        return no_control_characters(" ".join(value.split()))


def _many(schema: type[Schema]) -> fields.Nested:
    return fields.Nested(schema, many=True, load_default=[])


class _Meta(Answer):
    lastUpdated = Instant()


class _Reference(Answer):
    reference = fields.String()


class _Resource(Answer):
    id = fields.String(required=True)
    meta = fields.Nested(_Meta, load_default={})


class _Coding(Answer):
    display = Words()


class _Concept(Answer):
    text = Words()
    coding = _many(_Coding)


class _Telecom(Answer):
    system = fields.String()
    value = Words()


class _HumanName(Answer):
    text = Words()
    family = Words()
    given = fields.List(Words(), load_default=[])
    use = fields.String()


class _Address(Answer):
    text = Words()
    line = fields.List(Words(), load_default=[])
    city = Words()


class SlotShape(_Resource):
    """A time of a schedule."""

    schedule = fields.Nested(_Reference, required=True)
    status = fields.String(required=True, validate=OneOf(SLOT_STATES))
    start = Instant(required=True)
    end = Instant(required=True)


class ScheduleShape(_Resource):
    """Whose times these are: ``actor`` names who and which service."""

    active = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    actor = fields.Nested(_Reference, many=True, required=True)


class RoleShape(_Resource):
    """Somebody's work for a service."""

    practitioner = fields.Nested(_Reference)
    healthcareService = _many(_Reference)
    code = _many(_Concept)
    specialty = _many(_Concept)


class PractitionerShape(_Resource):
    """A person."""

    name = _many(_HumanName)


class ServiceShape(_Resource):
    """What a department offers."""

    name = Words()
    type = _many(_Concept)
    specialty = _many(_Concept)
    providedBy = fields.Nested(_Reference)
    location = _many(_Reference)


class OrganizationShape(_Resource):
    """A hospital."""

    name = Words()
    telecom = _many(_Telecom)
    address = _many(_Address)


class LocationShape(_Resource):
    """A place of a hospital."""

    name = Words()
    telecom = _many(_Telecom)
    address = fields.Nested(_Address)


@dataclass(frozen=True)
class Reference:
    """Another resource of the same server."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


def shaped(schema: type[Schema], kind: str, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The elements of a resource that are read.

    Raises:
        OddAnswer: One is not as FHIR R4 has it.
    """
    try:
        found: Mapping[str, Any] = schema().load(resource)
    except ValidationError as error:
        element = ".".join(_first(error.messages))
        raise OddAnswer("shape", which=f"{kind}/{resource['id']}", element=element) from None
    return found


def reference_of(element: Mapping[str, Any] | None, base_url: str) -> Reference | None:
    """The resource that an element refers to; None where it is none of this server."""
    text = (element or {}).get("reference")
    if not isinstance(text, str):
        return None
    found = _REFERENCE.fullmatch(text.removeprefix(f"{base_url}/"))
    return Reference(found["kind"], found["id"]) if found else None


def person_name(names: list[Mapping[str, Any]]) -> str:
    """Somebody's official name, or their first: as it is written, else of its parts, in Chinese the
    family's first."""
    chosen = next((one for one in names if one.get("use") == "official"), None)
    name = chosen or (names[0] if names else {})
    if name.get("text"):
        return str(name["text"])
    family, given = name.get("family", ""), name["given"] if name else []
    if _CHINESE.search(family):
        return f"{family}{''.join(given)}"
    return " ".join(part for part in (*given, family) if part)


def concept_text(concepts: list[Mapping[str, Any]]) -> str:
    """What the first of some concepts is called; empty where none is."""
    for one in concepts:
        for text in (one.get("text"), *(coding.get("display") for coding in one["coding"])):
            if text:
                return str(text)
    return ""


def telephone(points: list[Mapping[str, Any]]) -> str:
    """The first telephone; empty where there is none, or it is longer than a number is."""
    found = next((one.get("value", "") for one in points if one.get("system") == "phone"), "")
    return str(found) if len(found) <= 30 else ""


def address_text(address: Mapping[str, Any] | None) -> str:
    """An address as it is written, else its town and lines."""
    if not address:
        return ""
    if address.get("text"):
        return str(address["text"])
    return " ".join(part for part in (address.get("city", ""), *address["line"]) if part)


def _first(messages: Any) -> Iterator[str]:
    """The path of the first fault."""
    while isinstance(messages, Mapping) and messages:
        key = next(iter(messages))
        if key != "_schema":
            yield str(key)
        messages = messages[key]
