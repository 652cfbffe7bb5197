"""``City``: the compiled, frozen value that every request is served from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.licences import DEFAULT_LICENCE, Licence, licences
from smartcity_saas.configuration.merge import Layer, Merged, merge
from smartcity_saas.configuration.problems import Path, dotted
from smartcity_saas.configuration.quotas import (
    DEFAULT_QUOTAS,
    Quotas,
    above_limits,
    effective_quotas,
)
from smartcity_saas.configuration.schema import effective_schema
from smartcity_saas.configuration.secret_uses import SecretUse, place_uses
from smartcity_saas.configuration.states import CityState, ConnectionState, ServiceState
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

Localized = Mapping[str, str]
ENTRY_KEYS = frozenset({"kind", "state", "notice", "until", "assurance"})
"""What every entry of a catalog may say; the rest of one with a ``kind`` is its definition."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that people should look at and that does not stop the city."""

    path: Path
    message: Text


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One service as a city offers it. ``until`` is local time, ``since`` when it changed.

    ``kind`` is that of a service that a document defines itself; ``definition`` what it says there
    beside what every entry may say. Of an installed service both are empty.
    """

    name: str
    state: ServiceState
    notice: Localized | None
    until: str | None
    since: datetime | None
    settings: Mapping[str, Any]
    connector: Mapping[str, Any]
    locked_by: str | None
    assurance: str = "none"
    kind: str = ""
    definition: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether new business is done."""
        return self.state == ServiceState.OPEN

    @property
    def is_paused(self) -> bool:
        """Whether only what has begun goes on."""
        return self.state == ServiceState.PAUSED

    @property
    def is_closed(self) -> bool:
        """Whether the city does not have it."""
        return self.state == ServiceState.CLOSED


@dataclass(frozen=True, slots=True)
class City:
    """A city, whole. ``fingerprint`` changes whenever anything that it shows may."""

    id: int
    slug: str
    province: str
    province_name: Localized
    division_code: str
    name: Localized
    state: CityState
    hosts: tuple[str, ...]
    color: str
    logo: str | None
    site: Mapping[str, Any]
    catalog: Mapping[str, CatalogEntry]
    channels: Mapping[str, Any]
    payments: Mapping[str, Any] | None
    messages: Mapping[str, Any]
    revision: int
    content_version: int
    fingerprint: str
    flags: tuple[Flag, ...]
    since: datetime | None = None
    secret_uses: tuple[SecretUse, ...] = ()
    open_data: Mapping[str, Any] = field(default_factory=dict)
    ratings: Mapping[str, Any] = field(default_factory=dict)
    population: Mapping[str, Any] = field(default_factory=dict)
    quotas: Quotas = DEFAULT_QUOTAS

    @property
    def is_draft(self) -> bool:
        """Whether it is to be looked at only."""
        return self.state == CityState.DRAFT

    @property
    def is_live(self) -> bool:
        """Whether residents use it."""
        return self.state == CityState.LIVE

    @property
    def is_suspended(self) -> bool:
        """Whether its site says only that it is suspended."""
        return self.state == CityState.SUSPENDED

    @property
    def closes_payments(self) -> bool:
        """Whether its payment provider takes nothing new."""
        return (self.payments or {}).get("state") == ConnectionState.CLOSED

    def opens_channel(self, name: str) -> bool:
        """Whether residents may sign in by a channel, as far as its document goes."""
        return bool(self.channels.get(name, {}).get("state") == ConnectionState.OPEN)

    def opens_dataset(self, name: str) -> bool:
        """Whether the site gives a dataset away, as far as its document goes."""
        state = self.open_data.get("datasets", {}).get(name, ConnectionState.OPEN)
        return bool(state == ConnectionState.OPEN)

    @property
    def residents(self) -> int | None:
        """How many people live there, as its document says; None where it does not."""
        return self.population.get("residents")

    @property
    def data_licence(self) -> Licence:
        """The licence of the city's open data."""
        return licences()[self.open_data.get("licence", DEFAULT_LICENCE)]

    @property
    def timezone(self) -> str:
        """The IANA zone in which the city's times are shown."""
        return str(self.site["timezone"])

    @property
    def currency(self) -> str:
        """The ISO 4217 code of the currency in which the city bills."""
        return str(self.site["currency"])


@dataclass(frozen=True)
class LiveDocument:
    """A document's live revision, as loaded: own values only, not yet merged."""

    id: int
    name: str
    kind: str
    province: str | None
    number: int
    values: Mapping[str, Any]
    files: Mapping[str, str]
    since: Mapping[str, str]
    content_version: int = 0
    went_live: bool = False
    division_code: str | None = None

    @property
    def is_draft(self) -> bool:
        """Whether it is a city's that is to be looked at only."""
        return self.values.get("state") == CityState.DRAFT

    @property
    def is_live(self) -> bool:
        """Whether it is a city's that residents use."""
        return self.values.get("state") == CityState.LIVE

    @property
    def layer(self) -> Layer:
        """Its part in a merge."""
        return Layer(self.name, self.values)


def compile_city(documents: Sequence[LiveDocument], extensions: Extensions) -> City:
    """Merge and load one city. What is no longer installed is closed and flagged.

    Args:
        documents: The platform's, the province's and the city's, those that there are.
        extensions: What is installed.

    Raises:
        Invalid: The merged values do not make a city.
    """
    own = documents[-1]
    merged = merge([document.layer for document in documents])
    above = [document.layer for document in documents[:-1]]
    flags = [
        *_ignored_flags(merged),
        *_quota_flags(own, above),
        *_uninstalled(merged.values, extensions),
    ]
    try:
        schema = effective_schema(extensions)
        loaded = schema.load(merged.values)
    except ValidationError as error:
        raise Invalid(str(error.messages)) from None
    uses = place_uses(schema, loaded)
    by_name = {document.name: document for document in documents}
    locks = _service_locks(documents)
    province = next((found for found in documents if found.kind == "province"), None)
    return City(
        id=own.id,
        slug=own.name,
        province=loaded["province"],
        province_name=(province.values.get("name") if province else None) or _named(loaded),
        division_code=loaded["division_code"],
        name=loaded["name"],
        state=CityState(loaded["state"]),
        hosts=tuple(loaded.get("hosts", ())),
        color=loaded["branding"]["color"],
        logo=own.files.get(loaded["branding"].get("logo", "")),
        site=loaded["site"],
        catalog=_catalog(loaded.get("services", {}), merged, by_name, locks, extensions),
        channels=loaded.get("channels", {}),
        payments=loaded.get("payments"),
        messages=loaded.get("messages", {}),
        revision=own.number,
        content_version=own.content_version,
        fingerprint=_fingerprint(merged, documents),
        flags=tuple(flags),
        since=_moment(own.since.get("state")),
        secret_uses=tuple(sorted(uses)),
        open_data=loaded.get("open_data", {}),
        ratings=loaded.get("ratings", {}),
        population=loaded.get("population", {}),
        quotas=effective_quotas(loaded, above),
    )


def _catalog(
    loaded: Mapping[str, Any],
    merged: Merged,
    documents: Mapping[str, LiveDocument],
    locks: Mapping[str, str],
    extensions: Extensions,
) -> dict[str, CatalogEntry]:
    """The installed services, then those that the documents define, in the order of their names."""
    defaults = {name: found.assurance for name, found in extensions.services.items()}
    defaults |= dict.fromkeys(sorted({*loaded} - {*defaults}), "none")
    return {
        name: _entry(name, loaded.get(name), merged, documents, locks, assurance)
        for name, assurance in defaults.items()
    }


def _named(loaded: Mapping[str, Any]) -> Localized:
    return {"zh": loaded["province"], "en": loaded["province"]}


def _ignored_flags(merged: Merged) -> list[Flag]:
    return [
        Flag(
            found.path,
            _(
                "“%(path)s” in %(document)s has no effect: %(locker)s locks it.",
                path=dotted(found.path),
                document=found.document,
                locker=found.locked_by,
            ),
        )
        for found in merged.ignored
    ]


def _quota_flags(own: LiveDocument, above: Sequence[Layer]) -> list[Flag]:
    return [
        Flag(
            path,
            _(
                "“%(path)s” is above the limit. In use instead: %(limit)s.",
                path=dotted(path),
                limit=limit,
            ),
        )
        for path, limit in above_limits(own.values, above).items()
    ]


def _uninstalled(values: dict[str, Any], extensions: Extensions) -> list[Flag]:
    """Take out what is not installed (any more); a service so touched is closed."""
    flags = []
    for name in [*values.get("services", {})]:
        entry = values["services"][name]
        if name not in extensions.services and entry.get("kind") in extensions.kinds:
            continue
        if name not in extensions.services:
            del values["services"][name]
            flags.append(_gone(("services", name)))
        elif entry.get("connector", {}).get("kind") not in (
            None,
            *extensions.services[name].connectors,
        ):
            del entry["connector"]
            entry["state"] = ServiceState.CLOSED.value
            flags.append(_gone(("services", name, "connector")))
    for name in [*values.get("channels", {})]:
        if name not in extensions.channels:
            del values["channels"][name]
            flags.append(_gone(("channels", name)))
    for name in {*values.get("open_data", {}).get("datasets", {})} - {*extensions.datasets}:
        del values["open_data"]["datasets"][name]
        flags.append(_gone(("open_data", "datasets", name)))
    if values.get("payments", {}).get("provider") not in (None, *extensions.providers):
        del values["payments"]
        flags.append(_gone(("payments",)))
    for kind in {*values.get("messages", {})} - {"quiet_hours"}:
        if values["messages"][kind].get("provider") not in extensions.senders.get(kind, {}):
            del values["messages"][kind]
            flags.append(_gone(("messages", kind)))
    return flags


def _gone(path: Path) -> Flag:
    return Flag(path, _("“%(path)s” is not installed; it is treated as closed.", path=dotted(path)))


def _service_locks(documents: Sequence[LiveDocument]) -> dict[str, str]:
    """The services whose state a document above the city locks."""
    locks: dict[str, str] = {}
    for document in documents[:-1]:
        for path in document.layer.locked:
            if path == ("services",):
                locks.setdefault("*", document.name)
            elif path[0] == "services" and path[2:] in ((), ("state",)):
                locks.setdefault(str(path[1]), document.name)
    return locks


def _entry(
    name: str,
    loaded: Mapping[str, Any] | None,
    merged: Merged,
    documents: Mapping[str, LiveDocument],
    locks: Mapping[str, str],
    default_assurance: str,
) -> CatalogEntry:
    found = loaded or {"state": ServiceState.CLOSED}
    state = ServiceState(found["state"])
    origin = merged.origins.get(("services", name, "state"))
    since = documents[origin].since.get(f"services.{name}") if origin else None
    return CatalogEntry(
        name=name,
        state=state,
        notice=found.get("notice") if state == ServiceState.PAUSED else None,
        until=found.get("until") if state == ServiceState.PAUSED else None,
        since=_moment(since),
        settings=found.get("settings", {}),
        connector=found.get("connector", {}),
        locked_by=locks.get(name) or locks.get("*"),
        assurance=found.get("assurance") or default_assurance,
        kind=found.get("kind", ""),
        definition={key: found[key] for key in found if key not in ENTRY_KEYS}
        if "kind" in found
        else {},
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _fingerprint(merged: Merged, documents: Sequence[LiveDocument]) -> str:
    shown = {
        "values": merged.values,
        "files": dict(documents[-1].files),
        "since": [dict(document.since) for document in documents],
        "province": [dict(d.values.get("name", {})) for d in documents if d.kind == "province"],
    }
    text = json.dumps(shown, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
