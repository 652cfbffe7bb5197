"""What is asked of days: whose, which, of what, and by what it is added up."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.tenant_context import current_city_id_or_none


@dataclass(frozen=True)
class Window:
    """Days, both included."""

    first: date
    last: date

    @classmethod
    def ending(cls, last: date, days: int) -> Window:
        """So many days to a last one."""
        return cls(last - timedelta(days=days - 1), last)

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def year_before(self) -> Window:
        """As many days, 364 earlier: the same days of the week a year before."""
        back = timedelta(days=364)
        return Window(self.first - back, self.last - back)

    @property
    def before(self) -> Window:
        """As many days just before."""
        return Window.ending(self.first - timedelta(days=1), self.days)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=back) for back in range(self.days))


@dataclass(frozen=True)
class Question:
    """Sums by city, service, measure and the columns ``by``, over some days.

    ``services`` and ``measures`` are the only ones wanted; all where they are None or empty.
    ``days`` are the only days of the window that are wanted, all where it is None.
    """

    cities: tuple[int, ...]
    window: Window
    by: tuple[str, ...]
    services: tuple[str, ...] | None = None
    measures: tuple[str, ...] = ()
    days: frozenset[date] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the sums are by."""
        return ("city_id", "service", "measure", *self.by)

    def about(self, cities: Collection[int]) -> Question:
        """The same about some cities only."""
        return replace(self, cities=tuple(sorted(cities)))

    def on(self, days: Collection[date]) -> Question:
        """The same on some days only."""
        return replace(self, days=frozenset(days))

    def of_days(self, table: Any) -> list[Any]:
        """Which rows of a table by city and day it is about, as conditions.

        Raises:
            TenantIsolationError: It is about another city than that of the tenant context.
        """
        found = [self._of_cities(table), table.day.between(self.window.first, self.window.last)]
        return found if self.days is None else [*found, table.day.in_(sorted(self.days))]

    def conditions(self, table: Any) -> list[Any]:
        """Which rows of a table of measures it is about, as conditions."""
        found = self.of_days(table)
        if self.services is not None:
            found.append(table.service.in_(self.services))
        if self.measures:
            found.append(table.measure.in_(self.measures))
        return found

    def _of_cities(self, table: Any) -> Any:
        """Inside a city its own key, bound like that of its own tables; outside any cities'."""
        here = current_city_id_or_none()
        if here is None:
            return table.city_id.in_(sorted(self.cities))
        if set(self.cities) != {here}:
            raise TenantIsolationError("another city's measures from inside a city")
        return table.city_id == here


def row_type(names: Collection[str]) -> Any:
    """The class of rows with some columns, a ``value`` and its number of ``days``, as the database's
    are."""
    make: Any = namedtuple
    return make("MeasureRow", [*names, "value", "days"])
