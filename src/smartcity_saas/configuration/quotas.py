"""Quotas: how much of the shared installation one city may take, within what is above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from marshmallow import Schema

from smartcity_saas.configuration.fields import WholeNumber
from smartcity_saas.configuration.merge import Layer, get
from smartcity_saas.configuration.problems import Path
from smartcity_saas.texts import lazy_gettext as _

QUOTAS, QUOTA_LIMITS = "quotas", "quota_limits"


@dataclass(frozen=True, slots=True)
class Quotas:
    """What one city may take. The defaults are far above what a city of some millions uses, so that they
    bind only what has gone wrong.

    Attributes:
        requests_per_minute: Requests to its site that are worked on.
        jobs_per_hour: Tasks of its outbox that are begun.
        outbound_calls_per_minute: Calls to its back offices, channels, senders and provider.
        storage_megabytes: Millions of bytes of its files: logos and photographs.
    """

    requests_per_minute: int = 60_000
    jobs_per_hour: int = 720_000
    outbound_calls_per_minute: int = 12_000
    storage_megabytes: int = 100_000


DEFAULT_QUOTAS = Quotas()

_MOST = {
    "requests_per_minute": 10_000_000,
    "jobs_per_hour": 100_000_000,
    "outbound_calls_per_minute": 1_000_000,
    "storage_megabytes": 10_000_000,
}
_LEAST = {
    "requests_per_minute": 60,
    "jobs_per_hour": 60,
    "outbound_calls_per_minute": 10,
    "storage_megabytes": 1,
}
_WORDS = {
    "requests_per_minute": "Requests to the city's site that are worked on in a minute",
    "jobs_per_hour": "Tasks after a commit (messages, reports, refunds) that are begun in an hour",
    "outbound_calls_per_minute": "Calls to the city's other systems in a minute",
    "storage_megabytes": "Megabytes (millions of bytes) of files, such as logos and residents' photos",
}


def _quota(name: str) -> WholeNumber:
    default = getattr(DEFAULT_QUOTAS, name)
    words = f"{_WORDS[name]}; {default} by default."
    return WholeNumber(_LEAST[name], _MOST[name], metadata={"description": words})


def _limit(name: str) -> WholeNumber:
    words = f"The most `{QUOTAS}.{name}` that documents below can set."
    return WholeNumber(_LEAST[name], _MOST[name], metadata={"description": words})


QuotasSchema = Schema.from_dict({name: _quota(name) for name in _WORDS}, name="Quotas")
QuotaLimitsSchema = Schema.from_dict({name: _limit(name) for name in _WORDS}, name="QuotaLimits")


def limits_of(layers: Sequence[Layer]) -> dict[str, int]:
    """The most that a document beneath may set, by quota: each layer can only narrow what is above it.
    What no layer bounds is missing."""
    found: dict[str, int] = {}
    for layer in layers:
        for name in _WORDS:
            limit = get(layer.values, (QUOTA_LIMITS, name))
            if _is_number(limit):
                found[name] = min(limit, found.get(name, limit))
    return found


def effective_quotas(merged: Mapping[str, Any], layers: Sequence[Layer]) -> Quotas:
    """A city's quotas: what its merged values say, else the default, and never above a limit.

    Args:
        merged: The merged values, checked by the schema.
        layers: The documents above the city.
    """
    limits = limits_of(layers)
    said = merged.get(QUOTAS, {})
    values = asdict(DEFAULT_QUOTAS) | {name: said[name] for name in _WORDS if name in said}
    return _shared(**{name: min(value, limits.get(name, value)) for name, value in values.items()})


def above_limits(own: Mapping[str, Any], layers: Sequence[Layer]) -> dict[Path, int]:
    """Quotas, and limits of its own, that a document sets above the limit of one above it: the path of
    each and that limit."""
    return {
        (key, name): limit
        for name, limit in limits_of(layers).items()
        for key in (QUOTAS, QUOTA_LIMITS)
        if _is_number(value := get(own, (key, name))) and value > limit
    }


def limit_problems(
    own: Mapping[str, Any], before: Mapping[str, Any], layers: Sequence[Layer]
) -> list[tuple[Path, Any, Any]]:
    """Path, message and hint of each quota that is newly set above its limit. One that a limit was put
    under later stays, without effect, as a locked value does."""
    return [
        (
            path,
            _("The most you can set here is %(limit)s.", limit=limit),
            _("Lower it, or ask for a higher limit."),
        )
        for path, limit in above_limits(own, layers).items()
        if get(before, path) != get(own, path)
    ]


@lru_cache(maxsize=1024)
def _shared(**values: int) -> Quotas:
    """One object for all cities of the same quotas."""
    return Quotas(**values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
