"""How long after its commit a change is told as saved: once every process that serves has come to it.

The change is stored here, as the console does, and waited for as the console waits; two workers serve.
"""

from __future__ import annotations

import tempfile
import time

from sqlalchemy import func, select
from tests.support import postgres
from tests.support.documents import HANGZHOU

from benchmarks.processes import served
from benchmarks.setting import application, environment
from benchmarks.table import absolute
from smartcity_saas.audit import system
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.models import ServingProcess
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.database import db
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.serving_processes import some_serve_before

WORKERS, WARM, TURNS = 2, 3, 21
COLORS = ("#0b6e4f", "#1f5f99")
AIM = "≤ 50 ms"


def told_as_saved(cluster: str) -> None:
    """On PostgreSQL, then on SQLite."""
    with postgres.test_database(cluster) as database:
        _measure("PostgreSQL", database.application, database.owner)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        _measure("SQLite", url, url)


def _measure(engine: str, url: str, owner: str) -> None:
    app = application(url, owner)
    with served(environment(url), WORKERS), app.app_context():
        _wait_for_workers()
        waits = [_told_after(app, turn) for turn in range(WARM + TURNS)][WARM:]
    name = f"a change told as saved, beyond its commit, {WORKERS} processes, {engine}"
    absolute(name, [one * 1000 for one in waits], "ms", AIM)


def _told_after(app: SiteFlask, turn: int) -> float:
    """Seconds from a change's commit until it may be told.

    Raises:
        ValueError: It was told by the longest wait, while a process served the state before it.
    """
    documents = Documents(system("bench"), app.registry.extensions, "localhost", utc_now())
    number = documents.live("hangzhou").number
    text = HANGZHOU.replace(COLORS[0], COLORS[(turn + 1) % 2])
    documents.save(Candidate(parse(text, "hangzhou")), number, "", "file")
    committed = time.perf_counter()
    app.registry.refresh()
    app.registry.wait_for_others()
    waited = time.perf_counter() - committed
    if some_serve_before(app.registry.version):
        raise ValueError("a process did not come to the change")
    db.session.rollback()
    return waited


def _wait_for_workers() -> None:
    for _try in range(600):
        found = db.session.scalar(select(func.count()).select_from(ServingProcess))
        db.session.rollback()
        if found == WORKERS:
            return
        time.sleep(0.1)
    raise RuntimeError("the workers do not serve")
