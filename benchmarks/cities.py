"""Loading, memory and the cost of a page at ten, 352 and ten thousand cities."""

from __future__ import annotations

import gc
import statistics
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable

from tests.support import postgres

from benchmarks.setting import application, call_of, grow
from benchmarks.table import CALLS, absolute, seconds
from smartcity_saas.tenancy.background_compiling import compile_waiting
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.registry import CityRegistry

SIZES = (10, 352, 10_000)
TURNS = 7
PAGES = 200
LOADS = 3
READY = {352: "≤ 0.1 s", 10_000: "≤ 1 s"}


def many_cities(cluster: str) -> None:
    """In one process, on SQLite and on PostgreSQL; a page's ratio is its time in times of that at ten
    cities."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        _measure("SQLite", application(url, url))
    with postgres.test_database(cluster) as database:
        _measure("PostgreSQL", application(database.application, database.owner))


def _measure(engine: str, app: SiteFlask) -> None:
    made, base = 1, 0.0
    for size in SIZES:
        made = grow(app, made, size)
        with app.app_context():
            _ready(engine, app, size)
            if engine == "SQLite" and size > SIZES[0]:
                _memory(app, size)
            app.registry.refresh()
        page = call_of(app, "hangzhou.localhost", "/services")
        page()
        spent = [seconds(page, time.process_time, CALLS) for _turn in range(TURNS)]
        base = base or statistics.median(spent)
        absolute(
            f"a page at {size} cities, in times of at {SIZES[0]}, {engine}",
            [one / base for one in spent],
            "times",
            "1.00 within the spread",
        )
    _not_compiled(engine, app)


def _ready(engine: str, app: SiteFlask, size: int) -> None:
    """How long a process takes to have the index of its cities; none of them is compiled for it."""

    def load() -> None:
        CityRegistry(app.registry.extensions, "localhost", demo=True).refresh()

    loads = [seconds(load, time.perf_counter, 1) for _turn in range(LOADS)]
    absolute(f"{size} cities: ready, {engine}", loads, "s", READY.get(size))


def _memory(app: SiteFlask, size: int) -> None:
    """What Python has allocated for a registry with every city compiled, which no engine changes."""
    gc.collect()
    tracemalloc.start(1)
    registry = CityRegistry(app.registry.extensions, "localhost", demo=True)
    registry.refresh()
    list(registry.snapshot.cities.values())
    gc.collect()
    allocated, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    absolute(f"{size} cities: memory a city", [allocated / 1024 / size], "KB", "≤ 12 KB")


def _not_compiled(engine: str, app: SiteFlask) -> None:
    """The first page in cities that nobody has asked for, its second, and pages while others are
    compiled beside them."""
    towns = range(1, PAGES + 1)
    first, second = ([_page(app, number) for number in towns] for _turn in range(2))
    absolute(f"first page in a city that is not compiled, CPU, {engine}", first, "ms")
    absolute(f"second page in that city, CPU, {engine}", second, "ms")
    with app.app_context():
        worker = threading.Thread(target=compile_waiting, args=[app.registry], daemon=True)
    worker.start()
    meanwhile = [_page(app, number, time.perf_counter) for number in towns]
    still = worker.is_alive()
    worker.join()
    alone = [_page(app, number, time.perf_counter) for number in towns]
    if not still:
        raise ValueError("all cities were compiled before the pages were measured")
    usual = statistics.median(alone)
    name = "a page while cities are compiled in the background, in times of without"
    absolute(f"{name}, {engine}", [statistics.median(meanwhile) / usual], "times", "≤ 1.5")


def _page(app: SiteFlask, town: int, clock: Callable[[], float] = time.process_time) -> float:
    """Milliseconds of one page in a town."""
    return seconds(call_of(app, f"town-{town}.localhost", "/services"), clock, 1) * 1000
