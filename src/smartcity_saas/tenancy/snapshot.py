"""One state of the city registry: an index of every city, each compiled when it is asked for.

The index is made of stored columns and unparsed JSON, so ten thousand cities are ready at once. A
city is compiled from what the index holds: whoever asks reads nothing from the database, but for
a city whose newest revision does not compile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from smartcity_saas.configuration.city import City, LiveDocument
from smartcity_saas.configuration.stored_document import StoredDocument
from smartcity_saas.tenancy.city_compiler import CityCompiler

Key = TypeVar("Key")


class IndexedCity:
    """One city of the index: compiled when it is first asked for, then kept.

    ``broken`` is why its newest revision does not compile, once that was tried.
    """

    __slots__ = ("_city", "_compiler", "above", "broken", "compiled", "own")

    def __init__(
        self, compiler: CityCompiler, above: tuple[LiveDocument, ...], own: StoredDocument
    ) -> None:
        self._compiler = compiler
        self.above = above
        self.own = own
        self.compiled = False
        self.broken: str | None = None
        self._city: City | None = None

    def city(self) -> City | None:
        """The city as it is served; None where no revision of it compiles."""
        if not self.compiled:
            self._compile()
        return self._city

    @property
    def is_served(self) -> bool:
        """Whether it is, as far as is known."""
        return not self.compiled or self._city is not None

    def _compile(self) -> None:
        with self._compiler.lock:  # a city that many ask for at once is compiled once
            if self.compiled:
                return
            own = self.own.loaded()
            city, broken = self._compiler.compiled(self.above, own)
            if broken is None:
                self._city, self.compiled = city, True
                return
        city = self._compiler.last_good(self.above, own)  # reads, so it holds nobody up
        self._city, self.broken, self.compiled = city, broken, True


class Cities(Mapping[Key, City]):
    """The cities that are served. Whoever walks through them compiles them all."""

    def __init__(self, index: Mapping[Key, IndexedCity]) -> None:
        self._index = index

    def __getitem__(self, key: Key) -> City:
        found = self._index[key].city()
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[Key]:
        return (key for key, one in self._index.items() if one.city() is not None)

    def __len__(self) -> int:
        return sum(one.is_served for one in self._index.values())


class BrokenCities(Mapping[str, str]):
    """Why the newest revisions of some cities do not compile, by slug: of those compiled so far."""

    def __init__(self, index: Mapping[str, IndexedCity]) -> None:
        self._index = index

    def __getitem__(self, slug: str) -> str:
        found = self._index[slug].broken
        if found is None:
            raise KeyError(slug)
        return found

    def __iter__(self) -> Iterator[str]:
        return (slug for slug, one in self._index.items() if one.broken is not None)

    def __len__(self) -> int:
        return sum(1 for _slug in self)


@dataclass(frozen=True)
class Snapshot:
    """One state of the registry; replaced whole, so that readers need no lock.

    ``baselines`` are the documents above cities, ``claims`` the slug that each host beside the
    platform's own leads to.
    """

    version: int = -1
    baselines: Mapping[str, LiveDocument] = field(default_factory=dict)
    index: Mapping[str, IndexedCity] = field(default_factory=dict)
    index_by_id: Mapping[int, IndexedCity] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)

    @property
    def cities(self) -> Cities[str]:
        """The cities that are served, by slug."""
        return Cities(self.index)

    @property
    def by_id(self) -> Cities[int]:
        """The cities that are served, by key."""
        return Cities(self.index_by_id)

    @property
    def broken(self) -> BrokenCities:
        """Why the newest revisions of some cities do not compile, of those compiled so far."""
        return BrokenCities(self.index)

    def layers(self, slug: str) -> list[LiveDocument]:
        """A city's documents, the most general first; none if there is no such city."""
        found = self.index.get(slug)
        return [*found.above, found.own.loaded()] if found is not None else []

    def waiting(self) -> Iterator[IndexedCity]:
        """The cities that nobody has asked for yet."""
        return (one for one in self.index.values() if not one.compiled)

    def compiled_within(self, seconds: float) -> list[City]:
        """The cities that are compiled, and those that can be in so many seconds more."""
        until = time.monotonic() + seconds
        found = (
            one.city() for one in self.index.values() if one.compiled or time.monotonic() < until
        )
        return [city for city in found if city is not None]
