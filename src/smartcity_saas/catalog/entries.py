"""What a city offers: the services that residents can see, by category, and finding one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smartcity_saas.catalog.categories import CATEGORIES
from smartcity_saas.catalog.service import Service, Task
from smartcity_saas.configuration.city import CatalogEntry, City, Localized


@dataclass(frozen=True)
class CatalogItem:
    """A service with its state in one city, and the tasks that the city has."""

    service: Service
    entry: CatalogEntry
    tasks: tuple[Task, ...]


def catalog_items(city: City, services: Mapping[str, Service]) -> list[CatalogItem]:
    """What residents of a city can see: closed services are not there."""
    return [
        CatalogItem(service, entry, tuple(t for t in service.tasks if t.shown(entry.settings)))
        for name, service in services.items()
        if not (entry := city.catalog[name]).is_closed
    ]


def by_category(found: list[CatalogItem]) -> Iterator[tuple[Localized, list[CatalogItem]]]:
    """Offers under their categories' names, empty categories left out."""
    for category, name in CATEGORIES.items():
        inside = [offer for offer in found if offer.service.category == category]
        if inside:
            yield name, inside


def item_texts(offer: CatalogItem) -> list[str]:
    """What a service is looked for by: its name, its help, its words, those of its tasks, and what the
    city's settings add."""
    tasks = [text for one in offer.tasks for text in (*one.title.values(), *one.keywords)]
    own = offer.service.settings_keywords(offer.entry.settings)
    return [*service_texts(offer.service), *tasks, *own]


def service_texts(service: Service) -> list[str]:
    """What a service is looked for by, whether a city offers it or not."""
    return [*service.title.values(), *service.help.values(), *service.keywords]
