"""The one way to a hospital's FHIR R4 server: reading page by page, creating once, updating a version.

Every answer is looked at before anything is made of it: a Bundle where one was asked for, resources
of the kind that was asked for, pages of the same server.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors import BackOffice, BackOfficeDown, BackOfficeRefused
from smartcity_saas.connectors.client_credentials import fetch_token
from smartcity_saas.connectors.http_client import MOST_BYTES, TooLarge
from smartcity_saas.connectors.outbound_calls import origin_of
from smartcity_saas.credentials import read_credential
from smartcity_saas.database import db
from smartcity_saas.product import product
from smartcity_saas.services.hospital_appointments.fhir_words import OddAnswer, said_by

MOST_PAGES = 400
MOST_RESOURCES = 20_000
MOST_SECONDS = 240.0
IDS_AT_ONCE = 40
READ = {"Accept": "application/fhir+json"}
WRITE = {**READ, "Content-Type": "application/fhir+json", "Prefer": "return=representation"}
PATCH = {**READ, "Content-Type": "application/json-patch+json"}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class FhirServer:
    """A city's FHIR server, for one piece of work.

    Every call raises ``OddAnswer`` where the answer is none of FHIR R4, ``BackOfficeDown`` where
    there is none, and ``BackOfficeRefused`` for a status of 4xx.
    """

    base_url: str
    token: str = field(repr=False)
    name: str
    page_size: int
    until: float

    def metadata(self) -> Resource:
        """Its CapabilityStatement, which stands at ``/metadata``."""
        return self._one("CapabilityStatement", "/metadata")

    def read(self, kind: str, key: str) -> Resource:
        """One resource by its id."""
        return self._one(kind, f"/{kind}/{quote(key, safe='')}")

    def search(self, kind: str, parameters: Sequence[tuple[str, str]]) -> list[Resource]:
        """All resources of a kind that a search finds, page after page; one that stands on two pages
        as it came last."""
        found: dict[str, Resource] = {}
        asked = [*parameters, ("_count", str(self.page_size))]
        for page in self._pages(kind, f"{self.base_url}/{kind}?{urlencode(asked)}"):
            for one in page:
                found[one["id"]] = one
            if len(found) > MOST_RESOURCES:
                raise OddAnswer("many", kind=kind, most=MOST_RESOURCES)
        return list(found.values())

    def try_search(self, kind: str) -> None:
        """Search for one resource of a kind, whichever: whether that is allowed and answered soundly."""
        _entries(kind, self._bundle(kind, f"{self.base_url}/{kind}?_count=1"))

    def by_ids(self, kind: str, keys: Sequence[str]) -> dict[str, Resource]:
        """Those of some resources of a kind that there are, by id."""
        found: dict[str, Resource] = {}
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), IDS_AT_ONCE):
            chunk = wanted[start : start + IDS_AT_ONCE]
            for one in self.search(kind, [("_id", ",".join(chunk))]):
                if one["id"] not in chunk:
                    raise OddAnswer(
                        "kind", found=f"{kind}/{one['id']}", wanted=f"{kind}/{chunk[0]}"
                    )
                found[one["id"]] = one
        return found

    def create(self, resource: Resource, unless: str | None) -> Resource:
        """Create a resource, unless one is found by a search (``If-None-Exist``): then that one is
        answered with. Without such a search it is sent once and not again.

        Args:
            resource: What to create.
            unless: The search, as it stands after ``?``.
        """
        kind = resource["resourceType"]
        headers = WRITE if unless is None else {**WRITE, "If-None-Exist": unless}
        path, content = f"/{kind}", json.dumps(resource, ensure_ascii=False).encode()
        return self._kept(kind, self._asked("POST", path, headers, content, unless is not None))

    def update(self, resource: Resource, version: str | None) -> None:
        """Replace a resource by an altered one, if it still has a version (None: whichever)."""
        headers = WRITE if version is None else {**WRITE, "If-Match": f'W/"{version}"'}
        path = f"/{resource['resourceType']}/{quote(resource['id'], safe='')}"
        self._asked("PUT", path, headers, json.dumps(resource, ensure_ascii=False).encode())

    def patch(self, kind: str, key: str, changes: list[Any], version: str | None) -> None:
        """Change a part of a resource (JSON Patch, RFC 6902), if it still has a version."""
        headers = PATCH if version is None else {**PATCH, "If-Match": f'W/"{version}"'}
        path = f"/{kind}/{quote(key, safe='')}"
        self._asked("PATCH", path, headers, json.dumps(changes).encode())

    def _pages(self, kind: str, address: str) -> Iterator[list[Resource]]:
        seen: set[str] = set()
        while address:
            if address in seen:
                raise OddAnswer("circle", kind=kind, address=address)
            if len(seen) == MOST_PAGES:
                raise OddAnswer("pages", kind=kind, most=MOST_PAGES)
            seen.add(address)
            bundle = self._bundle(kind, address)
            yield _entries(kind, bundle)
            address = self._next(kind, bundle, address)

    def _bundle(self, kind: str, address: str) -> Resource:
        try:
            return self._kept("Bundle", self._fetched(address))
        except BackOfficeDown as error:
            if error.reason == TooLarge.__name__:
                raise OddAnswer("large", kind=kind, most=MOST_BYTES // 2**20) from None
            raise

    def _next(self, kind: str, bundle: Resource, here: str) -> str:
        """The address of the next page, which must be of this server; empty where there is none."""
        for link in _list(bundle, "link", "Bundle"):
            if not isinstance(link, Mapping) or link.get("relation") != "next":
                continue
            url = link.get("url")
            if not isinstance(url, str) or not url:
                raise OddAnswer("shape", which="Bundle", element="link.url")
            try:
                address = urljoin(here, url)
                fits = origin_of(address) == origin_of(self.base_url) and "@" not in address
            except ValueError:
                fits, address = False, url
            if not fits:
                raise OddAnswer("elsewhere", kind=kind, address=url)
            return address
        return ""

    def _one(self, kind: str, path: str) -> Resource:
        return self._kept(kind, self._asked("GET", path, READ))

    def _fetched(self, address: str) -> Any:
        parts = urlsplit(address)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self._called("GET", path, READ, None, True)

    def _asked(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        again: bool = True,
    ) -> Any:
        return self._called(
            method, f"{urlsplit(self.base_url).path}{path}", headers, content, again
        )

    def _called(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None, again: bool
    ) -> Any:
        if time.monotonic() > self.until:
            raise OddAnswer("slow", most=int(MOST_SECONDS))
        office = BackOffice(self.name, origin_of(self.base_url), self.token)
        return office.exchange(method, path, headers, content, again=again)

    def _kept(self, kind: str, answer: Any) -> Resource:
        """An answer that is a resource of a kind."""
        found = answer.get("resourceType") if isinstance(answer, Mapping) else None
        if found == "OperationOutcome":
            raise OddAnswer("outcome", said=said_by(answer))
        if found != kind or not isinstance(answer, Mapping):
            raise OddAnswer("kind", found=str(found or type(answer).__name__), wanted=kind)
        if kind not in ("Bundle", "CapabilityStatement"):
            _check_id(kind, answer)
        return answer


def server_of(entry: CatalogEntry) -> FhirServer:
    """The server that a service's ``fhir`` connector names, with a token for it. Nothing stays open
    in the database.

    Raises:
        CredentialError: The secret is not set, or not for this address.
        BackOfficeDown: The token's address does not answer, or refuses.
    """
    values, ring = entry.connector, product().keyring
    until = time.monotonic() + MOST_SECONDS
    if "token" in values:
        token = read_credential(ring, values["token"])
        db.session.rollback()
    else:
        secret = read_credential(ring, values["client_secret"])
        db.session.rollback()
        token = fetch_token(
            values["oauth_url"], values["client_id"], secret, values.get("scope", "")
        )
    return FhirServer(values["base_url"], token, entry.name, values["page_size"], until)


def is_gone(error: BackOfficeRefused) -> bool:
    """Whether a refusal says that there is no such resource (any more)."""
    return error.code in (404, 410)


def _entries(kind: str, bundle: Resource) -> list[Resource]:
    """The matches of a page. What a server says beside them (``outcome``) or adds of its own accord
    (``include``) is left out."""
    if bundle.get("type") != "searchset":
        raise OddAnswer("kind", found=f"Bundle: {bundle.get('type')}", wanted="Bundle: searchset")
    found = []
    for entry in _list(bundle, "entry", "Bundle"):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        search = entry.get("search") if isinstance(entry, Mapping) else None
        mode = search.get("mode") if isinstance(search, Mapping) else "match"
        if mode in ("outcome", "include"):
            continue
        name = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if not isinstance(resource, Mapping) or name != kind:
            raise OddAnswer("kind", found=str(name), wanted=kind)
        _check_id(kind, resource)
        found.append(resource)
    return found


def _check_id(kind: str, resource: Resource) -> None:
    key = resource.get("id")
    if not isinstance(key, str) or not _ID.fullmatch(key):
        raise OddAnswer("shape", which=f"{kind}/{key}", element="id")


def _list(resource: Resource, element: str, kind: str) -> list[Any]:
    found = resource.get(element, [])
    if not isinstance(found, list):
        raise OddAnswer("shape", which=kind, element=element)
    return found
