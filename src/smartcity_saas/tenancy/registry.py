"""The city registry: the live map host → ``City`` that every process serves from.

A process learns of a change by one look at one row, at most twice a second, never one a
request; then it loads what changed. A city that no longer compiles stays on its newest
earlier revision that does, and the others never notice.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.configuration.city import City, Flag, LiveDocument, compile_city
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.hosts import canonical_host
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.models import Installation
from smartcity_saas.configuration.repository import (
    claimed_hosts,
    live_documents,
    older_revisions,
    withdrawn_since,
)
from smartcity_saas.configuration.schema import CITY, PLATFORM
from smartcity_saas.configuration.states import CityState, ServiceState
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid, NotReady, TenantIsolationError
from smartcity_saas.tenant_context import current_city_id_or_none

CHECK_SECONDS = 0.4
PATIENCE_SECONDS = 1.0
"""How long after its beginning a look is waited for; a longer one is loading thousands."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """One state of the registry; replaced whole, so that readers need no lock."""

    version: int = -1
    documents: Mapping[str, LiveDocument] = field(default_factory=dict)
    cities: Mapping[str, City] = field(default_factory=dict)
    by_host: Mapping[str, City] = field(default_factory=dict)
    by_id: Mapping[int, City] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


class CityRegistry:
    """The cities that this process serves."""

    def __init__(
        self,
        extensions: Extensions,
        platform_host: str,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        demo: bool = False,
        admit: Callable[[], None] = lambda: None,
    ) -> None:
        self.extensions = extensions
        self.platform_host = platform_host
        self.monotonic = monotonic
        self.demo = demo
        self.admit = admit
        self.sleep: Callable[[float], None] = time.sleep
        self.snapshot = Snapshot()
        self._looked_at = float("-inf")
        self._began_at = float("-inf")
        self._looks = 0
        self._lock = threading.Lock()

    @property
    def loaded(self) -> bool:
        """Whether there is a state to serve from."""
        return self.snapshot.version >= 0

    @property
    def due(self) -> bool:
        """Whether it is time to poll for changes."""
        return self.monotonic() - self._looked_at >= CHECK_SECONDS

    def city_at(self, host: str) -> City | None:
        """The city that a normalised host leads to: one look-up."""
        return self.snapshot.by_host.get(host)

    def refresh_if_due(self) -> None:
        """Poll for changes if it is time to.

        One thread polls at a time. Whoever comes meanwhile waits for it, or a page could be
        served from a newer state than the files that it asks for.

        Raises:
            TenantIsolationError: In a tenant context, whether or not it is time.
        """
        _refuse_in_a_city()
        if not self.due:
            return
        looks = self._looks
        patience = PATIENCE_SECONDS - (self.monotonic() - self._began_at)
        if self._lock.acquire(timeout=max(0.0, patience) if self.loaded else -1):
            try:
                if self._looks == looks:
                    self._refresh()
            finally:
                self._lock.release()

    def refresh(self) -> None:
        """Poll for changes now: for whoever has just saved.

        Raises:
            TenantIsolationError: In a tenant context.
        """
        _refuse_in_a_city()
        with self._lock:
            self._refresh()

    def wait_for_others(self) -> None:
        """Wait until the other processes poll before they serve again: whoever is then told that
        a change is stored finds it on every process."""
        self.sleep(CHECK_SECONDS)

    def _refresh(self) -> None:
        """Poll in a session of its own: the caller's may stand in an older transaction."""
        with current_app.app_context():
            self._look()

    def _look(self) -> None:
        # What is stored after this moment is for the next look.
        looked_at = self._began_at = self.monotonic()
        try:
            if not self.loaded:
                self.admit()
            version = self._live_version()
            if version != self.snapshot.version:
                newer = self.snapshot.version if version > self.snapshot.version else -1
                self.snapshot = self._load(version, newer)
                if newer < 0:
                    _leave_out_of_collections()
        except SQLAlchemyError as error:
            log.warning("city_registry.refresh_failed", error=type(error).__name__)
            looked_at = self.monotonic()  # a database in trouble is left alone for a while
            if not self.loaded:
                raise NotReady(_("The database cannot be reached yet.")) from None
        finally:
            self._looked_at = looked_at
            self._looks += 1

    def _live_version(self) -> int:
        row = db.session.execute(select(Installation.version, Installation.demo)).one_or_none()
        if row is None:
            raise NotReady(_("The database has not been set up: run smartcity db upgrade."))
        if row.demo and not self.demo:
            raise NotReady(_("This database holds demo data. Production does not use it."))
        return int(row.version)

    def _load(self, version: int, newer_than: int) -> Snapshot:
        changed = {found.name: found for found in live_documents(newer_than=newer_than)}
        before = self.snapshot if newer_than >= 0 else Snapshot()
        gone = withdrawn_since(newer_than)
        known = {name: one for name, one in before.documents.items() if one.id not in gone}
        documents = {**known, **changed}
        cities = {name: one for name, one in before.cities.items() if one.id not in gone}
        broken = {name: why for name, why in before.broken.items() if name in known}
        for name in self._affected(changed, documents):
            broken.pop(name, None)
            city = self._compiled(documents[name], documents, broken)
            if city is not None:
                cities[name] = city
        return Snapshot(
            version,
            documents,
            cities,
            self._hosts(cities),
            {city.id: city for city in cities.values()},
            broken,
        )

    def _affected(
        self, changed: Mapping[str, LiveDocument], documents: Mapping[str, LiveDocument]
    ) -> list[str]:
        everywhere = PLATFORM in changed
        return [
            name
            for name, found in documents.items()
            if found.kind == CITY
            and (everywhere or name in changed or f"province:{found.province}" in changed)
        ]

    def _compiled(
        self,
        own: LiveDocument,
        documents: Mapping[str, LiveDocument],
        broken: dict[str, str],
    ) -> City | None:
        above = [
            documents[name] for name in (PLATFORM, f"province:{own.province}") if name in documents
        ]
        try:
            return compile_city([*above, own], self.extensions)
        except Invalid as error:
            broken[own.name] = str(error.detail)
            log.error("city_registry.city_does_not_compile", city=own.name, revision=own.number)
        for layers in _fallbacks(above, own):
            try:
                city = compile_city(layers, self.extensions)
            except Invalid:
                continue
            flags = (Flag((), _served_instead(layers)), *city.flags)
            return replace(city, hosts=claimed_hosts(own.id), flags=flags)
        return None

    def _hosts(self, cities: Mapping[str, City]) -> dict[str, City]:
        hosts = {f"{slug}.{self.platform_host}": city for slug, city in cities.items()}
        for city in cities.values():
            for host in city.hosts:
                hosts.setdefault(canonical_host(host), city)
        return hosts


def _refuse_in_a_city() -> None:
    """Polling reads the platform's tables, which no statement inside a city may name. Refused each
    time, so that a wrong place fails at once and not only when a look happens to be due."""
    if current_city_id_or_none() is not None:
        raise TenantIsolationError(
            "the city registry is refreshed outside any city, before a request enters its own"
        )


def _leave_out_of_collections() -> None:
    """A registry of thousands of cities is millions of objects that live as long as the process: without
    this the garbage collector would walk through them again and again during requests."""
    gc.collect()
    gc.freeze()


def _fallbacks(above: Sequence[LiveDocument], own: LiveDocument) -> Iterator[list[LiveDocument]]:
    """The newest layers that may still compile: an earlier city first, then a baseline."""
    for document in _earlier(own):
        yield [*above, document]
    for place in reversed(range(len(above))):
        for document in _earlier(above[place]):
            yield [*above[:place], document, *above[place + 1 :], own]


def _served_instead(layers: Sequence[LiveDocument]) -> Any:
    served = ", ".join(f"{layer.name} {layer.number}" for layer in layers)
    return _(
        "This version of the platform cannot read the latest revision. In use instead: %(served)s. Correct the configuration.",
        served=served,
    )


def _earlier(own: LiveDocument) -> Iterator[LiveDocument]:
    """Earlier revisions, none of which reopens what has been closed, paused or suspended since."""
    for row in older_revisions(own.id, own.number):
        values = _as_strict(dict(row.values), own.values)
        yield replace(own, number=row.number, values=values, files=row.files, since=own.since)


def _as_strict(older: dict[str, Any], newest: Mapping[str, Any]) -> dict[str, Any]:
    if newest.get("state") == CityState.SUSPENDED:
        older["state"] = CityState.SUSPENDED.value
    locked = {*older.get("locked", ()), *(newest.get("locked") or ())}
    if locked:
        older["locked"] = sorted(map(str, locked))
    services = {name: dict(entry) for name, entry in (older.get("services") or {}).items()}
    newer = newest.get("services")
    for name, entry in (newer if isinstance(newer, Mapping) else {}).items():
        state = get(entry, ("state",))
        if state in (ServiceState.PAUSED, ServiceState.CLOSED):
            services[name] = {**services.get(name, {}), "state": state}
            if state == ServiceState.PAUSED and get(entry, ("notice",)):
                services[name]["notice"] = entry["notice"]
    if services:
        older["services"] = services
    return older
