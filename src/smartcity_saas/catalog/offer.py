"""What a city offers: the services that residents can see, by category, and finding one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smartcity_saas.catalog.service import CATEGORIES, Service, Task
from smartcity_saas.configuration.city import CatalogEntry, City, Localized
from smartcity_saas.configuration.spelling import folded, spellings


@dataclass(frozen=True)
class Offer:
    """A service with its state in one city, and the tasks that the city has."""

    service: Service
    entry: CatalogEntry
    tasks: tuple[Task, ...]


def offers(city: City, services: Mapping[str, Service]) -> list[Offer]:
    """What residents of a city can see: closed services are not there."""
    return [
        Offer(service, entry, tuple(t for t in service.tasks if t.shown(entry.settings)))
        for name, service in services.items()
        if (entry := city.catalog[name]).state != "closed"
    ]


def by_category(found: list[Offer]) -> Iterator[tuple[Localized, list[Offer]]]:
    """Offers under their categories' names, empty categories left out."""
    for category, name in CATEGORIES.items():
        inside = [offer for offer in found if offer.service.category == category]
        if inside:
            yield name, inside


def search(found: list[Offer], query: str) -> list[Offer]:
    """Offers that a query finds by Chinese, pinyin (whole or initials) or English."""
    wanted = folded(query)
    if not wanted:
        return []
    return [offer for offer in found if any(wanted in key for key in _offer_keys(offer))]


def _offer_keys(offer: Offer) -> Iterator[str]:
    service = offer.service
    texts = [*service.title.values(), *service.help.values(), *service.keywords]
    for task in offer.tasks:
        texts += [*task.title.values(), *task.keywords]
    for text in texts:
        yield from spellings(text)
