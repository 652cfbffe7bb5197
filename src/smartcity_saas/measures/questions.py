"""What is asked of days: whose, which, of what, and by what it is added up."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam

from smartcity_saas.database import CITY
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

    @property
    def shape(self) -> Shape:
        """What its statement is made of.

        Raises:
            TenantIsolationError: It is about another city than that of the tenant context.
        """
        here = current_city_id_or_none()
        if here is not None and set(self.cities) != {here}:
            raise TenantIsolationError("another city's measures from inside a city")
        return Shape(
            self.names,
            in_a_city=here is not None,
            on_days=self.days is not None,
            of_services=self.services is not None,
            of_measures=bool(self.measures),
        )

    @property
    def values(self) -> dict[str, Any]:
        """The bound values of its statement, by name."""
        return {
            "cities": sorted(self.cities),
            "first": self.window.first,
            "last": self.window.last,
            "days": sorted(self.days or ()),
            "services": self.services,
            "measures": self.measures,
        }


@dataclass(frozen=True)
class Shape:
    """What the statement of a question is made of, whatever its values: by it statements are kept.

    ``names`` are the columns that it adds up by; ``on_days``, ``of_services`` and ``of_measures`` say
    whether it is narrowed to some of each.
    """

    names: tuple[str, ...]
    in_a_city: bool
    on_days: bool
    of_services: bool
    of_measures: bool

    def of_days(self, table: Table) -> list[ColumnElement[bool]]:
        """Which rows of a table by city and day it is about, as conditions: inside a city its own,
        its key bound like that of its own tables."""
        city = table.c.city_id
        found = [
            city == CITY if self.in_a_city else _among(city, "cities"),
            table.c.day.between(bindparam("first"), bindparam("last")),
        ]
        return [*found, _among(table.c.day, "days")] if self.on_days else found

    def conditions(self, table: Table) -> list[ColumnElement[bool]]:
        """Which rows of a table of measures it is about, as conditions."""
        found = self.of_days(table)
        if self.of_services:
            found.append(_among(table.c.service, "services"))
        if self.of_measures:
            found.append(_among(table.c.measure, "measures"))
        return found


def _among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return column.in_(bindparam(name, expanding=True))


def row_type(names: Collection[str]) -> Any:
    """The class of rows with some columns, a ``value`` and its number of ``days``, as the database's
    are."""
    make: Any = namedtuple
    return make("MeasureRow", [*names, "value", "days"])
