"""A FHIR server that lies: sound but for what a test bends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request

READ = ("HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole")
KINDS = (*READ, "Schedule", "Slot", "Appointment")


def statement(**changes: Any) -> dict[str, Any]:
    """A CapabilityStatement of a server that can do everything."""
    codes = ("read", "search-type", "create", "update", "patch")
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": kind,
                        "versioning": "versioned",
                        "conditionalCreate": True,
                        "interaction": [{"code": code} for code in codes],
                        "searchParam": [{"name": "_lastUpdated"}],
                    }
                    for kind in KINDS
                ],
            }
        ],
        **changes,
    }


class Liar:
    """A server whose answers a test bends: what ``bend`` has for a path is answered in its place, or
    made of the request."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.bend: dict[str, Any] = {}
        self.base = ""
        self.created: list[dict[str, Any]] = []

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Hold a resource."""
        self.resources[f"{resource['resourceType']}/{resource['id']}"] = resource
        return resource

    def app(self, base: str) -> Flask:
        """Its pages."""
        self.base = base
        app = Flask("fhir liar")
        app.get("/metadata")(lambda: self._said("metadata", statement))
        app.get("/<kind>")(self.search)
        app.get("/<kind>/<key>")(self.read)
        app.post("/<kind>")(self.create)
        return app

    def search(self, kind: str) -> Any:
        """All of a kind, or those of some ids; what else is asked for is not looked at."""
        keys = request.args.get("_id", "").split(",") if "_id" in request.args else None
        found = [
            one
            for name, one in self.resources.items()
            if name.startswith(f"{kind}/") and (keys is None or one["id"] in keys)
        ]
        return self._said(kind, lambda: self.bundle(*found))

    def read(self, kind: str, key: str) -> Any:
        """One resource."""
        return self._said(f"{kind}/{key}", lambda: self.resources.get(f"{kind}/{key}", {}))

    def create(self, kind: str) -> Any:
        """Take whatever comes."""
        made = {**request.get_json(force=True), "id": f"made-{len(self.created)}"}
        self.created.append(made)
        return self._said(f"POST {kind}", lambda: self.put(made))

    def bundle(self, *resources: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """A page of a search."""
        entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
        return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **changes}

    def _said(self, name: str, truth: Callable[[], Any]) -> Any:
        bent = self.bend.get(name, truth)
        said = bent() if callable(bent) else bent
        if isinstance(said, bytes | str):
            return Response(said, mimetype="application/fhir+json")
        if isinstance(said, Response):
            return said
        return Response(json.dumps(said), mimetype="application/fhir+json")


OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "exception", "diagnostics": "the disk\nis full"}],
}


def refused(status: int) -> Response:
    """A refusal with an OperationOutcome."""
    answer = jsonify(OUTCOME)
    answer.status_code = status
    return answer
