"""``make bench``: every figure; ``python -m benchmarks SECTION …``: some of them.

Each section measures the product beside a peer in one run, on databases of its own.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping

from sqlalchemy import make_url
from tests.support import postgres

from benchmarks import (
    bills,
    http,
    measures,
    pages,
    processes,
    quotas,
    rollouts,
    rush,
    signed_in,
    strangers,
    told,
    webhooks,
    work,
)
from benchmarks.cities import many_cities
from benchmarks.setting import application, environment, free_port, grow, superuser


def main() -> None:
    """Measure what is named, or everything."""
    wanted = sys.argv[1:] or list(SECTIONS)
    if unknown := [name for name in wanted if name not in SECTIONS]:
        sys.exit(f"No section is called {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")
    with superuser() as cluster:
        if cluster is None:
            sys.exit("PostgreSQL is needed: most figures are measured on it")
        for name in wanted:
            sys.stdout.write(f"\n{name}\n")
            SECTIONS[name](cluster)


def in_process(cluster: str) -> None:
    """Pages through the WSGI interface of this process."""
    with postgres.test_database(cluster) as database:
        app = application(database.application, database.owner)
        pages.home_page(app)


def writes(cluster: str) -> None:
    """Bookings and webhooks by domain call."""
    with postgres.test_database(cluster) as database:
        app = application(database.application, database.owner)
        grow(app, 1, work.CITIES + 1)
        with app.app_context():
            app.registry.refresh()
        towns = [f"town-{number}" for number in range(1, work.CITIES + 1)]
        work.bookings(app, database.application, towns)
        webhooks.webhooks(app, database.application)


def crowds(cluster: str) -> None:
    """The rush over HTTP."""
    with postgres.test_database(cluster) as database:
        app = application(database.application, database.owner)
        rush.rush(app, free_port(), environment(database.application))


def slow_strangers(_cluster: str) -> None:
    """Pages while strangers send bodies that never end, or wait for a provider that drips."""
    strangers.strangers()
    strangers.dripping()


def measured(cluster: str) -> None:
    """Counting, and a province's questions over years of days."""
    with postgres.test_database(cluster) as database, postgres.test_database(cluster) as other:
        app = application(database.application, database.owner)
        few = application(other.application, other.owner)
        for one, size in ((app, measures.ALL), (few, measures.FEW)):
            grow(one, 1, size + 1)
            with one.app_context():
                one.registry.refresh()
        measures.overhead(app, "town-1", "PostgreSQL")
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/bench.sqlite3"
            measures.overhead(application(url, url), "hangzhou", "SQLite")
        measures.hot_counter(database.superuser, str(make_url(database.application).username))
        measures.hot_row(app, database.application, "town-1")
        rows = measures.fill(database.superuser, measures._ids(app))
        measures.fill(other.superuser, measures._ids(few))
        sys.stdout.write(f"  {rows:,} rows of {measures.ALL} cities and {measures.DAYS} days\n")
        measures.questions(app, few, environment(database.application))


def by_process(cluster: str) -> None:
    """A worker's memory, and what commands cost."""
    processes.worker_memory(cluster)
    processes.commands(cluster)


SECTIONS: Mapping[str, Callable[[str], None]] = {
    "pages": in_process,
    "http": http.over_http,
    "bills": bills.bill_pages,
    "signed-in": signed_in.signed_in_pages,
    "work": writes,
    "rush": crowds,
    "measures": measured,
    "strangers": slow_strangers,
    "quotas": lambda _cluster: quotas.flooded_neighbour(),
    "rollouts": rollouts.roll_outs,
    "told": told.told_as_saved,
    "cities": many_cities,
    "processes": by_process,
}


if __name__ == "__main__":
    main()
