"""A FHIR R4 server (npm's Medplum router over its memory repository, pinned), for tests: its own process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.node_servers import node_server

HERE = Path(__file__).parent
TOKEN = "a token of the hospital"


@dataclass
class FhirServer:
    """A running server; ``base`` is where its resources stand."""

    origin: str

    @property
    def base(self) -> str:
        return f"{self.origin}/fhir/R4"

    def reset(self, **config: Any) -> None:
        """Empty it; ``without`` names what it cannot do, ``clients`` who may fetch a token."""
        httpx.post(f"{self.origin}/control/reset", json={"token": TOKEN, **config})

    def calls(self) -> list[dict[str, Any]]:
        """The calls since this was last asked: method, path, query and headers."""
        found: list[dict[str, Any]] = httpx.get(f"{self.origin}/control/calls").json()
        return found

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Store a resource under its id, as somebody at the hospital does."""
        return self._asked("PUT", f"{resource['resourceType']}/{resource['id']}", json=resource)

    def delete(self, reference: str) -> None:
        """Delete a resource."""
        self._asked("DELETE", reference)

    def get(self, path: str) -> dict[str, Any]:
        """Read a resource, or search."""
        return self._asked("GET", path)

    def found(self, path: str) -> list[dict[str, Any]]:
        """The resources that a search finds."""
        return [one["resource"] for one in self.get(path).get("entry", [])]

    def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.request(method, f"{self.base}/{path}", headers=headers, **options)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        self.calls()
        return found


@contextlib.contextmanager
def running() -> Iterator[FhirServer]:
    """Start one."""
    with node_server(HERE, "server.mjs", "@medplum/fhir-router") as origin:
        yield FhirServer(origin)
