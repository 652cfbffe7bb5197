"""Keeping a city's schedule as its hospital's FHIR server has it: a task of the outbox that reads what
changed and writes when it is due again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors import BackOfficeDown, BackOfficeRefused
from smartcity_saas.connectors.client_credentials import TokenRefused
from smartcity_saas.credentials import CredentialError
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.logs import get_logger
from smartcity_saas.measures import Outage, count_outage
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.hospital_appointments.fhir_capabilities import (
    Capabilities,
    capabilities_of,
)
from smartcity_saas.services.hospital_appointments.fhir_client import FhirServer, server_of
from smartcity_saas.services.hospital_appointments.fhir_models import FhirSync
from smartcity_saas.services.hospital_appointments.fhir_reading import Offer, Window, read_offer
from smartcity_saas.services.hospital_appointments.fhir_settings import FHIR
from smartcity_saas.services.hospital_appointments.fhir_storing import Stored, store_offer
from smartcity_saas.services.hospital_appointments.fhir_words import OddAnswer, said_by
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.tenancy.content_changes import tell_content_changed
from smartcity_saas.tenancy.current import current_city

SYNC = "hospital_appointments.fhir_sync"

log = get_logger(__name__)


def fhir_entry() -> CatalogEntry | None:
    """The service's entry in the current city's catalog, where it stands on a FHIR server."""
    entry = current_city().catalog.get(SERVICE)
    return entry if entry is not None and entry.connector.get("kind") == FHIR else None


def keep_in_step(now: datetime) -> None:
    """See to it that the server is asked, now if that is due."""
    entry = fhir_entry()
    if entry is None or entry.is_closed:
        return
    row = sync_of(entry)
    if row is None or row.tried_at is None or now - row.tried_at >= _every(entry):
        _ask_at(entry, now, now)


def is_fresh(entry: CatalogEntry, now: datetime) -> bool:
    """Whether what is held is what the server has, as far as the city wants to know. While it is being
    asked again, it counts as fresh for as long again."""
    row = sync_of(entry)
    return row is not None and row.synced_at is not None and now - row.synced_at < 2 * _every(entry)


def sync(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: ask the server what it offers, take it if it is sound, and ask again in a while. What
    is wrong is kept for staff; residents go on with what came last."""
    entry = fhir_entry()
    if entry is None or entry.is_closed:
        return
    row = _row(entry)
    wants, window = _settings_key(entry), _window(entry, now)
    since = row.since if _may_ask_for_changes(row, wants, window) else None
    before = row.synced_at
    capabilities = _known(row) if since is not None else None
    db.session.rollback()
    try:
        server = server_of(entry)
        capabilities = capabilities or capabilities_of(server.metadata())
        offer = read_offer(
            server, window, since if capabilities.last_updated else None, entry.connector
        )
        with transaction():
            stored = store_offer(offer, current_city(), entry.connector, now)
            _note_success(entry, wants, offer, stored, capabilities, now)
            _ask_at(entry, now + _every(entry), now)
    except (BackOfficeDown, BackOfficeRefused, CredentialError) as error:
        db.session.rollback()
        _note_failure(entry, error, before, now)
        return
    if stored.directory:
        tell_content_changed()


def sync_of(entry: CatalogEntry) -> FhirSync | None:
    """How reading the present server stands; None if it was never asked."""
    return db.session.scalars(
        select(FhirSync).where(FhirSync.base_url == entry.connector["base_url"])
    ).one_or_none()


def known_capabilities(entry: CatalogEntry, server: FhirServer) -> Capabilities:
    """What the server can do, as it said when it was last read whole; asked now if it never was."""
    row = sync_of(entry)
    found = _known(row) if row is not None else None
    db.session.rollback()
    return found or capabilities_of(server.metadata())


def problem_of(error: Exception) -> dict[str, Any]:
    """What went wrong, as it is kept for staff (``fhir_words.problem_text``)."""
    if isinstance(error, OddAnswer):
        return error.stored
    if isinstance(error, TokenRefused):
        return {"code": "token", "values": {"code": error.code}}
    if isinstance(error, BackOfficeRefused):
        return {
            "code": "refused",
            "values": {"code": error.code, "said": said_by(error.body)},
        }
    if isinstance(error, BackOfficeDown):
        return {"code": "no_answer", "values": {"why": error.reason}}
    return {"code": "credential", "values": {}}


def _every(entry: CatalogEntry) -> timedelta:
    return timedelta(minutes=entry.connector["fresh_minutes"])


def _window(entry: CatalogEntry, now: datetime) -> Window:
    """The days that are read: today and those ahead, whole, in the city's zone."""
    zone = current_city().timezone
    today = today_in(zone, now)
    last = today + timedelta(days=entry.connector["days_ahead"] + 1)
    return Window(start_of_day(today, zone), start_of_day(last, zone))


def _may_ask_for_changes(row: FhirSync, wants: str, window: Window) -> bool:
    """Whether it is enough to ask what changed: the same was asked for before, of the same days.
    So once a day all is read, and what the server deleted is found gone."""
    return row.settings == wants and row.read_until == window.ends and row.problem is None


def _settings_key(entry: CatalogEntry) -> str:
    """Tells by what a server is read: with other settings all is read anew."""
    names = ("organization", "healthcare_services", "days_ahead", "clinic", "fee")
    values = {name: entry.connector.get(name) for name in names}
    text = json.dumps([current_city().timezone, values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _known(row: FhirSync) -> Capabilities | None:
    return Capabilities(**row.capabilities) if row.capabilities else None


def _row(entry: CatalogEntry) -> FhirSync:
    """The server's row, made if it was never asked."""
    with transaction():
        insert_once(
            FhirSync, ("base_url",), base_url=entry.connector["base_url"], settings="", notes={}
        )
    row = sync_of(entry)
    if row is None:
        raise LookupError(entry.connector["base_url"])
    return row


def _locked_row(entry: CatalogEntry) -> FhirSync:
    return db.session.scalars(
        select(FhirSync)
        .where(FhirSync.base_url == entry.connector["base_url"])
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _note_success(
    entry: CatalogEntry,
    wants: str,
    offer: Offer,
    stored: Stored,
    capabilities: Capabilities,
    now: datetime,
) -> None:
    row = _locked_row(entry)
    row.settings, row.since, row.read_until = wants, offer.newest, offer.window.ends
    row.tried_at = row.synced_at = now
    row.problem = row.problem_since = None
    row.capabilities = capabilities.stored
    notes = dict(capabilities.notes)
    if offer.whole:
        notes |= {"unplaced": offer.unplaced, "moved": stored.moved}
    else:
        notes |= {"unplaced": row.notes.get("unplaced", 0) + offer.unplaced}
        notes |= {"moved": row.notes.get("moved", 0) + stored.moved}
    row.notes = notes


def _note_failure(
    entry: CatalogEntry, error: Exception, before: datetime | None, now: datetime
) -> None:
    """Keep what went wrong, count it, and ask again in a while."""
    problem = problem_of(error)
    log.warning("fhir_sync_failed", service=SERVICE, problem=problem["code"])
    wait = timedelta(seconds=getattr(error, "seconds", 0.0))
    with transaction():
        row = _locked_row(entry)
        row.tried_at, row.problem = now, problem
        row.problem_since = row.problem_since or now
        _ask_at(entry, now + max(wait, _every(entry)), now)
    if isinstance(error, BackOfficeRefused | TokenRefused):
        why = Outage.REFUSED
    else:
        why = Outage.CREDENTIAL if isinstance(error, CredentialError) else Outage.NO_ANSWER
    count_outage(entry.name, now, why, now - before if before is not None else None)


def _ask_at(entry: CatalogEntry, due_at: datetime, now: datetime) -> None:
    """Write the task that asks the server, one for each span of the length that answers are fresh."""
    span = int(due_at.timestamp() // _every(entry).total_seconds())
    where = hashlib.sha256(entry.connector["base_url"].encode()).hexdigest()[:16]
    enqueue(SYNC, {}, now, due_at=due_at, key=f"{where}:{_settings_key(entry)[:16]}:{span}")
