"""What a city gives away: its datasets, and the rows of one as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.datasets import Dataset, DatasetQuery, Row
from smartcity_saas.configuration.city import City
from smartcity_saas.errors import Invalid, NotFound
from smartcity_saas.open_data.own_datasets import OWN
from smartcity_saas.open_data.performance import last_whole_day
from smartcity_saas.product import product

MOST_ROWS = 100_000
"""The most rows of a file; a dataset by day has further ones in files of other days."""
MOST_DAYS = 366
"""The most days of a file."""


@dataclass(frozen=True)
class Table:
    """The rows of a dataset of one city. Where not ``complete`` there are more than a file holds.
    ``since`` and ``until`` are the days that were asked for, both included, of a dataset by day."""

    dataset: Dataset
    city: City
    rows: tuple[Row, ...]
    complete: bool
    changed: datetime | None
    since: date
    until: date


def installed_datasets() -> list[Dataset]:
    """Every dataset that there is: the platform's own, then those of each service."""
    return [*OWN, *(one for found in product().services.values() for one in found.datasets)]


def published_datasets(city: City) -> list[Dataset]:
    """What a city gives away: what its document opens, of services that it offers."""
    found = [*OWN]
    for name, service in product().services.items():
        if not city.catalog[name].is_closed:
            found += service.datasets
    return [one for one in found if city.opens_dataset(one.name) and one.shown(city)]


def published_dataset(city: City, path: str) -> Dataset:
    """One of them, by its name in addresses.

    Raises:
        NotFound: The city gives no such dataset away.
    """
    for one in published_datasets(city):
        if one.path == path:
            return one
    raise NotFound(_("We cannot find that dataset."))


def read_days(city: City, now: datetime, since: str, until: str) -> tuple[date, date]:
    """The days that an address asks for, as ISO 8601; what it leaves out, the last
    ``MOST_DAYS`` that are over.

    Raises:
        Invalid: One is no day, they are the wrong way round, or more than ``MOST_DAYS``.
    """
    try:
        last = date.fromisoformat(until) if until else last_whole_day(city, now)
        first = date.fromisoformat(since) if since else last - timedelta(days=MOST_DAYS - 1)
    except (ValueError, OverflowError):
        raise Invalid(_("Write the days as 2026-01-31: ?from=2026-01-01&to=2026-01-31.")) from None
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Invalid(
            _(
                "A file has %(most)s days at the most, from an earlier day to a later one. Ask for "
                "the days in several files.",
                most=MOST_DAYS,
            )
        )
    return first, last


def read_table(dataset: Dataset, city: City, now: datetime, days: tuple[date, date]) -> Table:
    """The rows of a dataset, read in the tenant context of its city.

    Raises:
        ValueError: A row has another number of values than the dataset has columns.
    """
    query = DatasetQuery(city, now, MOST_ROWS + 1, *days)
    rows: list[Row] = []
    for row in dataset.rows(query):
        if len(row) != len(dataset.columns):
            raise ValueError(f"{dataset.name} has a row of {len(row)} values: {row!r}")
        if len(rows) > MOST_ROWS:
            break
        rows.append(tuple(row))
    complete = len(rows) <= MOST_ROWS
    return Table(
        dataset, city, tuple(rows[:MOST_ROWS]), complete, dataset.changed(city, now), *days
    )
