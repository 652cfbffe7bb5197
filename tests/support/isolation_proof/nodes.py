"""A node of the proof: the product as it is served, with one view that forgets its city, and with
either layer taken out where it is told so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flask import Response
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from smartcity_saas.asgi import application
from smartcity_saas.database import transactions
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import CITY_HOST
from smartcity_saas.web.policy import allow_everyone
from tests.support.served import Server, descendants, free_port, until
from tests.support.served_world import environment_of

FORGETFUL = "/proof/forgetful"
WITHOUT_GUARD = "SMARTCITY_PROOF_WITHOUT_GUARD"
WORKERS = 2


def create_node() -> application.BufferedApplication:
    """The product for a server of ASGI, as ``smartcity_saas.asgi:create_asgi`` makes it."""
    create = application.create_app

    def create_app() -> SiteFlask:
        app = create()
        app.config["API_LIMITS"] = dict.fromkeys(("client", "resident", "address"), 10**9)
        app.add_url_rule(FORGETFUL, "forgetful", forgetful, host=CITY_HOST)
        allow_everyone(app, "forgetful")
        if os.environ.get(WITHOUT_GUARD):
            _take_out_guard(app)
        return app

    application.create_app = create_app
    return application.create_asgi()


def forgetful() -> Response:
    """A view as nobody should write it: every resident's name, of whichever city."""
    names = transactions.db.session.execute(select(Resident.__table__.c.name)).scalars()
    return Response("\n".join(names), mimetype="text/plain")


def _take_out_guard(app: SiteFlask) -> None:
    """Neither the criterion of the ORM nor the check of statements: what is left is the database's."""
    with app.app_context():
        event.remove(transactions.db.engine, "before_cursor_execute", transactions._verify)
    event.remove(Session, "do_orm_execute", transactions._add_city)


@contextmanager
def nodes(
    settings: Settings, count: int, workers: int, folder: Path, *, guarded: bool
) -> Iterator[list[Server]]:
    """So many nodes on one database, each with workers of its own."""
    environment = environment_of(settings) | {WITHOUT_GUARD: "" if guarded else "1"}
    made = [_node(environment, workers, folder / f"node-{number}.log") for number in range(count)]
    try:
        for server in made:
            until(lambda server=server: _ready(server))  # type: ignore[misc]
        yield made
    finally:
        for server in made:
            server.process.terminate()
        for server in made:
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(60)
            for pid in descendants(server.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
            server.process.kill()


def _node(environment: dict[str, str], workers: int, log: Path) -> Server:
    port = free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "asginl", "--factory", "--http", "1",
             "--port", str(port), "--workers", str(workers), "tests.support.isolation_proof.nodes:create_node"],
            env=environment, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    return Server(process, port, log)


def _ready(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    with suppress(OSError):
        return server.get("sample-0.localhost", "/readyz")[0] == 200
    return False
