"""What a city stays on whose newest revision does not compile: its newest earlier one that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import City, Flag, LiveDocument, compile_city
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.repository import claimed_hosts, older_revisions
from smartcity_saas.configuration.states import CityState, ServiceState
from smartcity_saas.errors import Invalid


def last_good(
    above: Sequence[LiveDocument], own: LiveDocument, extensions: Extensions
) -> City | None:
    """The city by the newest layers that compile; None where none do.

    Its hosts come from the claims, whatever an older text of it says.
    """
    for layers in _fallbacks(above, own):
        try:
            city = compile_city(layers, extensions)
        except Invalid:
            continue
        flags = (Flag((), _served_instead(layers)), *city.flags)
        return replace(city, hosts=claimed_hosts(own.id), flags=flags)
    return None


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
