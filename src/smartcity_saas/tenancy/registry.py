"""The city registry: the live map host → ``City`` that every process serves from.

A process learns of a change by one look at one row: when it hears of one, when staff ask for a page,
and before any other request where the last look is ``CHECK_SECONDS`` ago. Then it loads the index of
what changed. A city is compiled when it is first asked for. One that no longer compiles stays on its
newest earlier revision that does, and the others never notice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.configuration.city import City, LiveDocument
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.models import Installation
from smartcity_saas.configuration.repository import (
    claims_changed_since,
    stored_documents,
    withdrawn_since,
)
from smartcity_saas.configuration.schema import CITY, PLATFORM
from smartcity_saas.configuration.stored_document import StoredDocument
from smartcity_saas.database import db, run, table_of
from smartcity_saas.errors import NotReady, TenantIsolationError
from smartcity_saas.logs import get_logger
from smartcity_saas.product import running_app
from smartcity_saas.tenancy.city_compiler import CityCompiler
from smartcity_saas.tenancy.serving_processes import Presence, some_serve_before
from smartcity_saas.tenancy.snapshot import IndexedCity, Snapshot
from smartcity_saas.tenant_context import current_city_id_or_none

CHECK_SECONDS = 0.4
ASK_SECONDS = 0.005
PATIENCE_SECONDS = 1.0
"""How long after its beginning a look is waited for; a longer one is loading thousands."""
_installation = table_of(Installation)
_VERSION = select(_installation.c.version, _installation.c.demo)

log = get_logger(__name__)


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
        self.presence: Presence | None = None
        """This process among those that serve, if it does."""
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
        """Whether it is time to poll for changes: always while nobody knows that this process serves,
        since nobody waits for it then."""
        if self.presence is not None and not self.presence.known:
            return True
        return self.monotonic() - self._looked_at >= CHECK_SECONDS

    @property
    def version(self) -> int:
        """The version of the installation's documents that this process serves; -1 for none yet."""
        return self.snapshot.version

    def city_at(self, host: str) -> City | None:
        """The city that a normalised host leads to: its own below the platform's, or a claimed one.
        It is compiled if nobody has asked for it yet."""
        snapshot = self.snapshot
        slug = host.removesuffix(f".{self.platform_host}")
        found = snapshot.index.get(slug) if slug != host else None
        if found is None and (claimed := snapshot.claims.get(host)) is not None:
            found = snapshot.index.get(claimed)
        return found.city() if found is not None else None

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

    def refresh_at_the_start(self) -> None:
        """Poll for changes now, by a request whose session goes on with the transaction that this
        begins; in a session of its own where one has begun, since that may be an older one.

        Raises:
            TenantIsolationError: In a tenant context.
        """
        _refuse_in_a_city()
        with self._lock:
            if db.session().in_transaction():
                self._refresh()
            else:
                self._look()

    def wait_for_others(self) -> None:
        """Wait until every process that serves has come to this version, or has to look before it
        serves again: whoever is then told that a change is stored finds it on every process."""
        until = self.monotonic() + CHECK_SECONDS
        while self.monotonic() < until and self._some_are_behind():
            self.sleep(ASK_SECONDS)

    def _some_are_behind(self) -> bool:
        with current_app.app_context():
            try:
                return some_serve_before(self.version)
            except SQLAlchemyError:  # nobody can tell: the longest wait is the sure one
                return True

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
            if self.presence is not None and not self.presence.known:
                # before the version is read: what is stored after that waits for this process
                self.presence.say(self.version)
            version = self._live_version()
            if version != self.version:
                newer = self.version if version > self.version else -1
                self.snapshot = self._load(version, newer)
                if self.presence is not None:
                    self.presence.come_to(version)
        except SQLAlchemyError as error:
            with suppress(SQLAlchemyError):
                db.session.rollback()  # whatever comes next in this session begins anew
            log.warning("city_registry.refresh_failed", error=type(error).__name__)
            looked_at = self.monotonic()  # a database in trouble is left alone for a while
            if not self.loaded:
                raise NotReady(_("The database cannot be reached yet.")) from None
        finally:
            self._looked_at = looked_at
            self._looks += 1

    def _live_version(self) -> int:
        row = run(_VERSION).one_or_none()
        if row is None:
            raise NotReady(_("The database has not been set up: run smartcity db upgrade."))
        if row.demo and not self.demo:
            raise NotReady(_("This database holds demo data. Production does not use it."))
        return int(row.version)

    def _load(self, version: int, newer_than: int) -> Snapshot:
        changed = {found.name: found for found in stored_documents(newer_than)}
        before = self.snapshot if newer_than >= 0 else Snapshot()
        gone = withdrawn_since(newer_than) if newer_than >= 0 else frozenset()
        kept = {slug: one for slug, one in before.index.items() if one.own.id not in gone}
        baselines = {name: one for name, one in before.baselines.items() if one.id not in gone}
        baselines |= {name: found.loaded() for name, found in changed.items() if found.kind != CITY}
        compiler = CityCompiler(running_app(), self.extensions)
        index = kept | {
            own.name: IndexedCity(compiler, _above(own, baselines), own)
            for own in _affected(changed, kept)
        }
        claims = {
            host: slug
            for host, slug in before.claims.items()
            if slug in kept and slug not in changed
        }
        return Snapshot(
            version,
            baselines,
            index,
            {one.own.id: one for one in index.values()},
            claims | claims_changed_since(newer_than),
        )


def _affected(
    changed: Mapping[str, StoredDocument], kept: Mapping[str, IndexedCity]
) -> list[StoredDocument]:
    """The cities that changed, and those below a baseline that did."""
    cities = {slug: found for slug, found in changed.items() if found.kind == CITY}
    if len(cities) == len(changed):
        return list(cities.values())
    below = {
        slug: one.own
        for slug, one in kept.items()
        if any(name in changed for name in _names_above(one.own))
    }
    return list((below | cities).values())


def _names_above(own: StoredDocument) -> tuple[str, str]:
    return PLATFORM, f"province:{own.province}"


def _above(own: StoredDocument, baselines: Mapping[str, LiveDocument]) -> tuple[LiveDocument, ...]:
    return tuple(baselines[name] for name in _names_above(own) if name in baselines)


def _refuse_in_a_city() -> None:
    """Polling reads the platform's tables, which no statement inside a city may name. Refused each
    time, so that a wrong place fails at once and not only when a look happens to be due."""
    if current_city_id_or_none() is not None:
        raise TenantIsolationError(
            "the city registry is refreshed outside any city, before a request enters its own"
        )
