"""What a service that a province adds becomes in each of its cities."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.merge import get, locked_paths, merge
from smartcity_saas.configuration.problems import starts_with
from smartcity_saas.configuration.states import ServiceState
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.new_service import Reach, layers_with
from smartcity_saas.texts import Text

_OPEN: Text = _("Open for residents at once")
_OPEN_LATER: Text = _("Open once the city is live")
_PAUSED: Text = _("Paused")
_CLOSED: Text = _("Closed until the city opens it")
_CLOSED_FOR_GOOD: Text = _("Closed, and locked: a city cannot open it")
_OWN: Text = _("Has one of this name already: what the city says of it stays, yours fills the rest")
_OVERRULED: Text = _("Has one of this name already: locked, yours takes its place")


def service_reach(candidate: Candidate, service: str) -> Sequence[Reach]:
    """What becomes of a service in the cities of a province.

    Args:
        candidate: The province's document with the service in it, without faults.
        service: Its name.
    """
    layers = layers_with(candidate)
    path = ("services", service)
    locked = locked_paths(layers)
    is_whole_locked = any(starts_with(path, one) for one in locked)
    is_state_locked = any(starts_with((*path, "state"), one) for one in locked)
    found: dict[str, tuple[Text, list[LiveDocument]]] = {}
    for city in documents().all():
        if city.kind != "city" or city.province != candidate.name.partition(":")[2]:
            continue
        if get(city.values, path) is not None:
            words = _OVERRULED if is_whole_locked else _OWN
        else:
            state = get(merge([*layers, city.layer]).values, (*path, "state"), ServiceState.CLOSED)
            words = _words(ServiceState(state), city, is_state_locked)
        found.setdefault(str(words), (words, []))[1].append(city)
    return [Reach(words, cities) for words, cities in found.values()]


def _words(state: ServiceState, city: LiveDocument, is_locked: bool) -> Text:
    if state is ServiceState.OPEN:
        return _OPEN if city.is_live else _OPEN_LATER
    if state is ServiceState.PAUSED:
        return _PAUSED
    return _CLOSED_FOR_GOOD if is_locked else _CLOSED
