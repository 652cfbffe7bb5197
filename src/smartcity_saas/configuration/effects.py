"""What other settings of a service, or its end, would do to residents: told before a revision is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.extensions import Extensions, SettingsChange
from smartcity_saas.configuration.merge import Layer, merge
from smartcity_saas.configuration.repository import live_documents
from smartcity_saas.configuration.schema import CITY, PLATFORM, effective_schema
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.errors import Conflict
from smartcity_saas.texts import lazy_gettext as _


@dataclass(frozen=True)
class Effect:
    """What a revision would do in one city's service, in sentences; ``title`` is the service's own
    where a document defines it."""

    city: str
    service: str
    sentences: tuple[Any, ...]
    title: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        said = [str(one) for one in self.sentences]
        return {"city": self.city, "service": self.service, "sentences": said}


class EffectsUntold(Conflict):
    """Residents would notice, and whoever saves has not read how; ``mark`` says which text was told."""

    title = _("Read this first: what changes for residents")

    def __init__(self, effects: Sequence[Effect], mark: str) -> None:
        super().__init__(_("Nothing has been saved yet."))
        self.effects = list(effects)
        self.mark = mark


def mark_of(candidates: Sequence[Candidate]) -> str:
    """A mark of some texts together, by which it is known that they were told."""
    whole = hashlib.sha256()
    for candidate in sorted(candidates, key=lambda one: one.name):
        whole.update(f"{candidate.name}\0{candidate.source.text}\0".encode())
    return whole.hexdigest()


def effects_of(
    candidates: Sequence[Candidate], extensions: Extensions, now: datetime
) -> list[Effect]:
    """What some documents would do to residents of cities that are live, if stored together. A text
    that does not load says nothing here: its faults are told elsewhere."""
    given = {candidate.name: candidate for candidate in candidates}
    live = {document.name: document for document in live_documents()}
    found: list[Effect] = []
    for city in live.values():
        if city.kind == CITY and city.is_live and _touches(city, given):
            found += _in_city(city, live, given, extensions, now)
    return found


def _touches(city: LiveDocument, given: Mapping[str, Candidate]) -> bool:
    return any(name in given for name in _names(city))


def _names(city: LiveDocument) -> tuple[str, str, str]:
    return PLATFORM, f"province:{city.province}", city.name


def _in_city(
    city: LiveDocument,
    live: Mapping[str, LiveDocument],
    given: Mapping[str, Candidate],
    extensions: Extensions,
    now: datetime,
) -> Iterator[Effect]:
    before = [live[name].layer for name in _names(city) if name in live]
    after = [
        Layer(name, given[name].source.values) if name in given else live[name].layer
        for name in _names(city)
        if name in given or name in live
    ]
    was, becomes = _services(before, extensions), _services(after, extensions)
    if was is None or becomes is None:
        return
    for name, service in extensions.services.items():
        given_before, given_now = _settings(was, name), _settings(becomes, name)
        if service.effect is None or given_before == given_now:
            continue
        if not given_before or not given_now:
            continue
        zone = merge(after).values["site"]["timezone"]
        change = SettingsChange(city.id, zone, given_before, given_now, now)
        if sentences := service.effect(change):
            yield Effect(city.name, name, tuple(sentences))
    for name in was.keys() - becomes.keys():
        kind = extensions.kinds.get(was[name].get("kind", ""))
        if kind is not None and (sentences := kind.removed(city.id, name)):
            yield Effect(city.name, name, tuple(sentences), was[name].get("title"))


def _services(
    layers: Sequence[Layer], extensions: Extensions
) -> Mapping[str, Mapping[str, Any]] | None:
    """The catalog of a city, loaded; None where the whole does not load."""
    try:
        loaded = effective_schema(extensions).load(merge(layers).values)
    except ValidationError:
        return None
    found: Mapping[str, Mapping[str, Any]] = loaded.get("services", {})
    return found


def _settings(services: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = services.get(name, {}).get("settings") or {}
    return found
