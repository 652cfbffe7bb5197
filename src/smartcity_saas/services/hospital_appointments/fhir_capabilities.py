"""What a FHIR server can do, from its CapabilityStatement (hl7.org/fhir/R4, ``GET /metadata``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marshmallow import ValidationError, fields

from smartcity_saas.connectors import Answer
from smartcity_saas.services.hospital_appointments.fhir_words import OddAnswer

READ_KINDS = ("Slot", "Schedule", "HealthcareService")
"""Without reading these there is nothing to book."""
R4 = "4.0"


class _Named(Answer):
    code = fields.String()
    name = fields.String()


class _Kind(Answer):
    type = fields.String(required=True)
    interaction = fields.Nested(_Named, many=True, load_default=[])
    searchParam = fields.Nested(_Named, many=True, load_default=[])
    versioning = fields.String(load_default="no-version")
    conditionalCreate = fields.Boolean(load_default=False)


class _Rest(Answer):
    mode = fields.String(required=True)
    resource = fields.Nested(_Kind, many=True, load_default=[])
    searchParam = fields.Nested(_Named, many=True, load_default=[])


class _Statement(Answer):
    fhirVersion = fields.String(required=True)
    rest = fields.Nested(_Rest, many=True, required=True)


@dataclass(frozen=True)
class Capabilities:
    """What matters here of what a server can do with appointments and slots."""

    conditional_create: bool
    update: bool
    patch: bool
    versioned: bool
    last_updated: bool

    @property
    def stored(self) -> dict[str, Any]:
        """How a row keeps it."""
        return asdict(self)

    @property
    def notes(self) -> dict[str, Any]:
        """What staff should know that it lacks, by code (``fhir_words``)."""
        lacking = {
            "no_conditional_create": not self.conditional_create,
            "no_update": not self.update,
            "no_versions": not self.versioned,
            "no_last_updated": not self.last_updated,
        }
        return {code: True for code, lacks in lacking.items() if lacks}


def capabilities_of(statement: Mapping[str, Any]) -> Capabilities:
    """What a CapabilityStatement says.

    A server that says nothing of an optional thing does not have it: the way that needs less is
    taken then. ``versioned-update`` and ``versioned`` both keep ``meta.versionId``
    (hl7.org/fhir/versioning-policy).

    Raises:
        OddAnswer: It is none, of another version of FHIR, or of a server that cannot do what is
            needed.
    """
    try:
        found = _Statement().load(statement)
    except ValidationError as error:
        element = next(iter(error.messages_dict))
        raise OddAnswer("shape", which="CapabilityStatement", element=element) from None
    if not found["fhirVersion"].startswith(R4):
        raise OddAnswer("old", version=found["fhirVersion"])
    rest = next((one for one in found["rest"] if one["mode"] == "server"), None)
    if rest is None:
        raise OddAnswer("shape", which="CapabilityStatement", element="rest.mode")
    kinds = {one["type"]: one for one in rest["resource"]}
    lacking = list(_lacking(kinds))
    if lacking:
        raise OddAnswer("cannot", what=", ".join(lacking))
    everywhere = {one.get("name") for one in rest["searchParam"]}
    of_slots = {one.get("name") for one in kinds["Slot"]["searchParam"]}
    appointment = kinds["Appointment"]
    able = _interactions(appointment)
    return Capabilities(
        conditional_create=appointment["conditionalCreate"],
        update="update" in able,
        patch="patch" in able,
        versioned=appointment["versioning"] in ("versioned", "versioned-update"),
        last_updated="_lastUpdated" in everywhere | of_slots,
    )


def _lacking(kinds: Mapping[str, Any]) -> Iterator[str]:
    """What a server does not do without which nothing works."""
    for kind in READ_KINDS:
        if "search-type" not in _interactions(kinds.get(kind)):
            yield f"{kind}: search-type"
    able = _interactions(kinds.get("Appointment"))
    for needed in ("create", "read", "search-type"):
        if needed not in able:
            yield f"Appointment: {needed}"
    if not {"update", "patch"} & able:
        yield "Appointment: update"


def _interactions(kind: Mapping[str, Any] | None) -> set[Any]:
    return {one.get("code") for one in kind["interaction"]} if kind else set()
