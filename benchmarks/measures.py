"""What counting costs, and measures of many cities: PostgreSQL beside DuckDB over exported files.

``BENCH_DAYS`` makes fewer days than three years, for a quick look; ``BENCH_BOOKINGS`` fewer bookings.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from tests.support.product import other_settings

from benchmarks.peers.bookings import Connections, book_bare
from benchmarks.table import Row, absolute, record
from benchmarks.work import THREADS, book, clinic_of, inside, per_second
from smartcity_saas.measures import Measure, Window, counting, exported_days, series_of, totals_of
from smartcity_saas.tenancy.flask_app import SiteFlask

DAYS = int(os.environ.get("BENCH_DAYS", "1096"))
BOOKINGS = int(os.environ.get("BENCH_BOOKINGS", "400"))
ALL, FEW, PROVINCE = int(os.environ.get("BENCH_CITIES", "352")), 14, 11
ROUNDS, TURNS = 5, 7
YEAR = 365
LAST = date(2026, 10, 31)
KINDS = [
    (service, channel, measure, detail)
    for service in ("hospital_appointments", "utility_bills")
    for channel, measure, detail in (
        ("none", "offered", ""),
        ("web", "begun", ""),
        ("web", "done", ""),
        ("alipay", "begun", ""),
        ("alipay", "done", ""),
        ("web", "late", ""),
        ("web", "called_off", ""),
        ("web", "refused", "full"),
        ("web", "amount", "CNY"),
        ("web", "wait", "3600"),
        ("web", "wait", "86400"),
        ("web", "wait", "172800"),
        ("web", "rating", "5"),
    )
]
"""26 sums of a city and day."""


def overhead(app: SiteFlask, slug: str, name: str) -> None:
    """Bookings with counting beside bookings without it, by one client, so that only work counts."""
    ratios = []
    for _round in range(ROUNDS):
        spent = {}
        for counted in (True, False):
            people = clinic_of(app, slug, BOOKINGS // 4)
            with _counting(counted):
                begun = time.perf_counter()
                for one in people:
                    book(app, one)
                spent[counted] = time.perf_counter() - begun
        ratios.append(spent[True] / spent[False])
    absolute(
        f"a booking with counting, in times of one without, {name}, one client", ratios, "times"
    )


def hot_row(app: SiteFlask, url: str, slug: str) -> None:
    """Eight clients' bookings in bare SQL, each counting by appending a row and by adding to one."""
    append = (
        "INSERT INTO measure_event (city_id, day, hour, service, channel, measure, detail, value)"
        " VALUES (%s, '2026-11-01', 9, 'x', 'web', 'done', '', 1)"
    )
    add = (
        "INSERT INTO city_count (city_id, value) VALUES (%s, 1)"
        " ON CONFLICT (city_id) DO UPDATE SET value = city_count.value + 1"
    )
    for name, first in (("at the end", False), ("at the beginning", True)):
        ratios = []
        for _round in range(ROUNDS):
            spent = [_bare(app, url, slug, statement, first=first) for statement in (append, add)]
            ratios.append(spent[0] / spent[1])
        absolute(
            f"bookings a second when appending, in times of adding to one hot row {name}, {THREADS} clients",
            ratios,
            "times",
        )


def questions(app: SiteFlask, few: SiteFlask, environment: dict[str, str]) -> None:
    """A province's questions at 352 cities and at 14, and from files; and making those files."""
    cities = _ids(app)[:PROVINCE]
    small = _ids(few)[:PROVINCE]
    window = Window.ending(LAST, 30)
    long = Window.ending(LAST, min(YEAR, DAYS))
    many = _turn(app, lambda: _overview(cities, window))
    less = _turn(few, lambda: _overview(small, window))
    _beside(f"overview of {PROVINCE} cities among {ALL}, in times of among {FEW}", many, less)
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there) / "own"
        _export(environment | {"SMARTCITY_DATA_DIR": str(folder)}, "data", "refresh")
        with other_settings(app, data_dir=folder):
            stored = _turn(app, lambda: _totals(cities, long), days=10_000)
            files = _turn(app, lambda: _totals(cities, long))
            with app.app_context():
                assert files(answer=True) == stored(answer=True)
            _beside(
                f"{long.days} days of {PROVINCE} cities: PostgreSQL's time in times of DuckDB's",
                stored,
                files,
            )
            short = _turn(app, lambda: _overview(cities, window), days=0)
            _beside("the overview's windows: PostgreSQL's time in times of DuckDB's", many, short)
            whole, engine = _ids(app), Window.ending(LAST, DAYS)
            every = _turn(app, lambda: _totals(whole, engine))
            database = _turn(app, lambda: _totals(whole, engine), days=10_000)
            _beside(
                f"{DAYS} days of {ALL} cities: PostgreSQL's time in times of DuckDB's",
                database,
                every,
                rounds=2,
            )
        chosen = [word for n in range(1, PROVINCE + 1) for word in ("--city", f"town-{n}")]
        out = Path(there) / "days"
        _export(environment, "data", "export", "--to", str(out), *chosen)


def fill(superuser: str, cities: Sequence[int]) -> int:
    """Write the cities' days; returns how many rows."""
    kinds = ", ".join(["(%s, %s, %s, %s)"] * len(KINDS))
    first = LAST - timedelta(days=DAYS - 1)
    with psycopg.connect(superuser.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        done = connection.execute(
            "INSERT INTO city_measure (city_id, day, service, channel, measure, detail, value)"
            " SELECT c, d::date, k.service, k.channel, k.measure, k.detail,"
            " 5 + (c * 31 + extract(doy FROM d)::int * 7) %% 90"
            " FROM unnest(%s::bigint[]) c, generate_series(%s::date, %s::date, '1 day') d,"
            f" (VALUES {kinds}) k(service, channel, measure, detail)",
            [list(cities), first, LAST, *(word for kind in KINDS for word in kind)],
        )
        connection.execute(
            "INSERT INTO city_measure_day (city_id, day, version)"
            " SELECT c, d::date, 1 FROM unnest(%s::bigint[]) c,"
            " generate_series(%s::date, %s::date, '1 day') d",
            [list(cities), first, LAST],
        )
        connection.execute("VACUUM ANALYZE city_measure, city_measure_day")
        return done.rowcount


def hot_counter(superuser: str, role: str) -> None:
    """The one row of a city that each booking would add to."""
    with psycopg.connect(superuser.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE city_count (city_id bigint PRIMARY KEY, value bigint)")
        connection.execute(f'GRANT ALL ON city_count TO "{role}"')


@contextmanager
def _counting(on: bool) -> Iterator[None]:
    real = counting.count_all
    if not on:
        counting.count_all = lambda *_nothing: None
    try:
        yield
    finally:
        counting.count_all = real


def _bare(app: SiteFlask, url: str, slug: str, statement: str, *, first: bool) -> float:
    people = clinic_of(app, slug, BOOKINGS)

    def count(connection: psycopg.Connection[Any], city_id: int) -> None:
        connection.execute(statement, (city_id,))

    with Connections(url) as pool:

        def book_and_count(one: Any) -> None:
            if first:
                count(pool.mine(), one[0])
                book_bare(pool, one)
            else:
                book_bare(pool, one, lambda connection, _key: count(connection, one[0]))

        return per_second(people, book_and_count)


def _ids(app: SiteFlask) -> list[int]:
    cities = app.registry.snapshot.cities
    return sorted(city.id for slug, city in cities.items() if slug.startswith("town-"))


def _overview(cities: Sequence[int], window: Window) -> Any:
    """What the page of a province asks: thirty days beside last year's."""
    return [
        (totals_of(cities, one), series_of(cities, one)) for one in (window, window.year_before)
    ]


def _totals(cities: Sequence[int], window: Window) -> Any:
    return totals_of(cities, window), series_of(cities, window, Measure.DONE)


def _turn(app: SiteFlask, ask: Callable[[], Any], days: int | None = None) -> Callable[..., Any]:
    """One asking, in seconds; ``days`` is the window from which files are read, if not the product's."""

    def run(*, answer: bool = False) -> Any:
        real = exported_days.LONG_WINDOW
        exported_days.LONG_WINDOW = real if days is None else days
        try:
            found: list[Any] = []
            begun = time.perf_counter()
            inside(app, lambda: found.append(ask()))
            return found[0] if answer else time.perf_counter() - begun
        finally:
            exported_days.LONG_WINDOW = real

    return run


def _beside(
    name: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int = TURNS
) -> None:
    """Both in turns, after one turn of each that does not count."""
    ours(), theirs()
    spent = [(ours(), theirs()) for _round in range(rounds)]
    ratios = [one / other for one, other in spent]
    first, second = (statistics.median(one) * 1000 for one in zip(*spent, strict=True))
    record(
        Row(name, first, second, "ms", statistics.median(ratios), None, (min(ratios), max(ratios)))
    )


def _export(environment: dict[str, str], *words: str) -> None:
    """Run the command, and tell rows a second and the most memory that it had."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "smartcity_saas.cli", *words, "--format", "json"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    _pid, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    seconds = time.perf_counter() - begun
    rows, files = sum(one["rows"] for one in told), sum(one["written"] for one in told)
    sys.stdout.write(
        f"  smartcity {' '.join(words[:2])}: {rows:,} rows in {files:,} files, {seconds:,.0f} s, "
        f"{rows / seconds:,.0f} rows a second, at most {usage.ru_maxrss / 1024:,.0f} MB\n"
    )
