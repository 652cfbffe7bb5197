"""``make bench``: pages beside bare Flask and bare SQL, the cost of many cities, measures of years.

``python -m benchmarks measures`` measures the last of these alone.

Everything runs in this one process through the WSGI interface, so that only our own code is
compared. Each pair is measured in turns, and the median of the turns is told.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, Response
from sqlalchemy import event, make_url
from tests.support import postgres
from tests.support.documents import HANGZHOU, PLATFORM, ZHEJIANG
from werkzeug.test import EnvironBuilder, run_wsgi_app

from benchmarks import measures, rush, strangers, work
from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.database.transactions import db
from smartcity_saas.identity.federation.channels.demo import sample
from smartcity_saas.identity.residents import accounts
from smartcity_saas.services.utility_bills import bills, demo
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.registry import CityRegistry

ROUNDS, CALLS = 7, 200
CITY_COUNTS = (10, 352, 10_000)
PROVINCE = """\
province: benchmark
division_code: "900000"
name: {zh: 测, en: Benchmark}
"""


def main() -> None:
    """Print every figure."""
    with _superuser() as superuser:
        if superuser is None:
            sys.exit("PostgreSQL is needed: the bill page is measured on it")
        if sys.argv[1:] == ["measures"]:
            measured(superuser)
            return
        with postgres.test_database(superuser) as database:
            app = _application(database.application, database.owner)
            _tell("Pages, PostgreSQL, two cities' rows")
            home_page(app)
            bill_page(app, database.application)
            _tell("Work, PostgreSQL with default durability, eight threads in one process")
            _grow(app, 1, work.CITIES + 1)
            with app.app_context():
                app.registry.refresh()
            towns = [f"town-{number}" for number in range(1, work.CITIES + 1)]
            work.bookings(app, database.application, towns)
            work.webhooks(app, database.application)
            _tell("The rush, PostgreSQL, two workers, clients on the same two cores")
            rush.rush(app, _free_port(), _environment(database.application))
        measured(superuser)
    _tell("Slow strangers, SQLite, one process")
    strangers.strangers()
    strangers.dripping()
    _tell("Many cities, SQLite")
    many_cities()


def measured(superuser: str) -> None:
    """Counting, and a province's questions over years of days."""
    _tell("Counting, PostgreSQL with default durability, and SQLite")
    with postgres.test_database(superuser) as database, postgres.test_database(superuser) as other:
        app = _application(database.application, database.owner)
        few = _application(other.application, other.owner)
        for one, size in ((app, measures.ALL), (few, measures.FEW)):
            _grow(one, 1, size + 1)
            with one.app_context():
                one.registry.refresh()
        measures.overhead(app, "town-1", "PostgreSQL")
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/bench.sqlite3"
            measures.overhead(_application(url, url), "hangzhou", "SQLite")
        measures.hot_counter(database.superuser, str(make_url(database.application).username))
        measures.hot_row(app, database.application, "town-1")
        _tell("Measures of many cities")
        rows = measures.fill(database.superuser, measures._ids(app))
        measures.fill(other.superuser, measures._ids(few))
        sys.stdout.write(f"  {rows:,} rows of {measures.ALL} cities and {measures.DAYS} days\n")
        measures.questions(app, few, _environment(database.application))


def home_page(app: SiteFlask) -> None:
    """The anonymous first page beside a bare Flask view that returns the same bytes."""
    ours = _call(app, "hangzhou.localhost", "/")
    body = ours().get_data()
    bare = Flask("bare")
    bare.add_url_rule("/", view_func=lambda: Response(body, mimetype="text/html"))
    theirs = _call(bare, "localhost", "/")
    _compare("home page : bare Flask view, same bytes", ours, theirs)


def bill_page(app: SiteFlask, url: str) -> None:
    """The signed-in bill page beside bare psycopg running the statements that it sends."""
    cookie, path = _signed_in(app)
    ours = _call(app, "hangzhou.localhost", path, cookie)
    assert ours().status_code == 200
    statements = _statements(app, ours)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=False) as connection:

        def theirs() -> None:
            for sql, values in statements:
                connection.execute(sql, values)
            connection.rollback()

        _compare(f"bill page : bare psycopg, its {len(statements)} statements", ours, theirs)


def many_cities() -> None:
    """Loading, memory and the cost of one request at ten, 352 and ten thousand cities."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        app = _application(url, url)
        made, base = 1, None
        for size in CITY_COUNTS:
            made = _grow(app, made, size)
            with app.app_context():
                registry = CityRegistry(app.registry.extensions, "localhost", demo=True)
                gc.collect()
                before, begun = _memory(), time.perf_counter()
                registry.refresh()
                seconds, grown = time.perf_counter() - begun, _memory() - before
                app.registry.refresh()
            spent = _median(_call(app, "hangzhou.localhost", "/services"))
            base = base or spent
            sys.stdout.write(
                f"  {size:>6} cities: loaded in {seconds:6.2f} s, {grown:5.1f} MB; "
                f"a page costs {spent / base:4.2f} of that at {CITY_COUNTS[0]}\n"
            )


def _application(url: str, owner: str) -> SiteFlask:
    settings = Settings(
        demo=True,
        secret_key="b" * 40,
        master_key="b" * 40,
        database_url=url,
        owner_url=owner,
        testing=True,
        stripe_api_base=f"http://127.0.0.1:{_free_port()}",
    )
    app = create_app(settings, serving=False)
    with app.app_context():
        upgrade_database(settings)
        documents = Documents(system("bench"), app.registry.extensions, "localhost", utc_now())
        texts = (PLATFORM, ZHEJIANG, PROVINCE, HANGZHOU)
        documents.save_all([Candidate(parse(text, "bench")) for text in texts], {}, "", "file")
        app.registry.refresh()
    return app


def _environment(url: str) -> dict[str, str]:
    """How a server of its own comes to the same database and keys."""
    return {
        "SMARTCITY_DEMO": "1",
        "SMARTCITY_SECRET_KEY": "b" * 40,
        "SMARTCITY_MASTER_KEY": "b" * 40,
        "DATABASE_URL": url,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _grow(app: SiteFlask, made: int, size: int) -> int:
    with app.app_context():
        documents = Documents(system("bench"), app.registry.extensions, "localhost", utc_now())
        while made < size:
            batch = range(made, min(size, made + 500))
            candidates = [Candidate(parse(_town(number), "bench")) for number in batch]
            documents.save_all(candidates, {}, "", "rollout")
            made = batch.stop
    return made


def _town(number: int) -> str:
    return (
        f'city: town-{number}\nprovince: benchmark\ndivision_code: "90{number:04d}"\n'
        f"name: {{zh: 城{number}, en: Town {number}}}\nstate: live\n"
    )


def _signed_in(app: SiteFlask) -> tuple[str, str]:
    with app.app_context():
        city = app.registry.snapshot.cities["hangzhou"]
        with tenant_context(city.id):
            demo.fill(city, utc_now())
            token = accounts.sign_in("demo", sample("household"), now=utc_now())
            resident = accounts.signed_in(token, utc_now())
            assert resident is not None
            link = bills.links(resident)[0]
    with app.test_request_context("/", base_url="http://hangzhou.localhost"):
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return f"session={serializer.dumps({'resident': token})}", (
            f"/services/utility-bills/accounts/{link.id}"
        )


def _statements(app: SiteFlask, call: Callable[[], Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        found.append((statement, parameters or None))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        call()
        event.remove(db.engine, "before_cursor_execute", note)
    return found


def _call(app: Flask, host: str, path: str, cookie: str = "") -> Callable[[], Any]:
    environ = EnvironBuilder(path, base_url=f"http://{host}").get_environ()
    environ |= {"REMOTE_ADDR": "127.0.0.1", "HTTP_ACCEPT_LANGUAGE": "zh"}
    if cookie:
        environ["HTTP_COOKIE"] = cookie

    def call() -> Response:
        chunks, status, headers = run_wsgi_app(app, dict(environ))
        return Response(b"".join(chunks), status=status, headers=headers)

    return call


def _compare(name: str, ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
    ours(), theirs()
    ratios = []
    for _round in range(ROUNDS):
        spent = _seconds(ours)
        ratios.append(_seconds(theirs) / spent)
    sys.stdout.write(
        f"  {name}: {statistics.median(ratios):.2f} "
        f"(from {min(ratios):.2f} to {max(ratios):.2f}; ours {spent / CALLS * 1000:.2f} ms)\n"
    )


def _median(call: Callable[[], Any]) -> float:
    call()
    return statistics.median(_seconds(call) for _round in range(ROUNDS))


def _seconds(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    for _call_number in range(CALLS):
        call()
    return time.perf_counter() - begun


def _memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


@contextlib.contextmanager
def _superuser() -> Iterator[str | None]:
    if named := os.environ.get(postgres.VARIABLE):
        yield named
        return
    with postgres.throwaway_cluster(durable=True) as found:
        yield found


def _tell(title: str) -> None:
    sys.stdout.write(f"\n{title} (1.00 is as fast as the other)\n")


if __name__ == "__main__":
    main()
