"""Restarts and upgrades under load: no request is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from smartcity_saas.app import create_app
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.health import applied_migrations
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support import postgres
from tests.support.api_client import BILL
from tests.support.later_release import EXPANSION, LATER, add_migration
from tests.support.nodes import NGINX, Front, Node, nginx, two_nodes
from tests.support.served import two_cities, until
from tests.support.shell import Shell

pytestmark = pytest.mark.faults

OFFICES = 3
"""Processes of the back office that send at one time."""
EACH = 30
"""Requests that are answered between one restart and the next, at least."""


BEGINNINGS = count(1, 1_000_000)
"""Where each load begins to number its bills."""


@dataclass(frozen=True)
class Installation:
    """Two cities on a PostgreSQL of their own, two nodes, a proxy, and a client of the API."""

    shell: Shell
    nodes: list[Node]
    front: Front
    bearer: str


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for all tests of this module, with the two roles of a production start."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("installation")
    with ExitStack() as stack:
        superuser = stack.enter_context(postgres.throwaway_cluster())
        if superuser is None:
            pytest.skip("PostgreSQL is not installed")
        database = stack.enter_context(postgres.test_database(superuser))
        addresses = {
            "DATABASE_URL": database.application,
            "DATABASE_OWNER_URL": database.owner,
            "SUPERUSER": database.superuser,
        }
        shell = two_cities(folder, **addresses)
        nodes = stack.enter_context(two_nodes(shell))
        front = stack.enter_context(nginx(folder, [node.port for node in nodes]))
        yield Installation(shell, nodes, front, bearer_of(shell, front))


class Load:
    """Visitors who never stop, and a back office that notes every bill that was acknowledged."""

    def __init__(self, front: Front, bearer: str) -> None:
        self.front = front
        self.answers: Counter[object] = Counter()
        self.acknowledged: set[str] = set()
        self.numbers = count(next(BEGINNINGS), 1)
        self.stopped = threading.Event()
        acts = [self.visitor("hangzhou"), self.visitor("ningbo"), *[self.office(bearer)] * OFFICES]
        self.threads = [threading.Thread(target=self._repeat, args=(act,)) for act in acts]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(90)

    def some_more(self) -> None:
        """Wait until more requests have been answered."""
        enough = sum(self.answers.values()) + EACH
        until(lambda: sum(self.answers.values()) >= enough)

    def check(self, shell: Shell) -> None:
        """Nobody was refused, and the acknowledged bills are those that are stored, each once."""
        assert set(self.answers) == {200}, self.answers
        stored = stored_bills(shell)
        assert len(stored) == len(set(stored))
        assert self.acknowledged <= set(stored)

    def visitor(self, city: str) -> Callable[[], object]:
        """Somebody who reads a city's home page."""
        client = self.front.client(f"{city}.localhost")
        return lambda: client.get("/").status_code

    def office(self, bearer: str) -> Callable[[], object]:
        """A process of the back office that sends one bill at a time, each on a connection of its own, within the
        600 calls a minute that a client is let through."""

        def send() -> object:
            number = f"41{next(self.numbers):08d}"
            with self.front.client("hangzhou.localhost") as client:
                answer = client.post(
                    "/api/v1/utility-bills/bills",
                    headers={"Authorization": f"Bearer {bearer}", "Idempotency-Key": number},
                    json={"items": [{**BILL, "account_number": number}]},
                )
            if answer.status_code != 200:
                return answer.status_code, answer.text[:200]
            self.acknowledged.add(number)
            self.stopped.wait(0.11 * OFFICES)
            return 200

        return send

    def _repeat(self, act: Callable[[], object]) -> None:
        while not self.stopped.is_set():
            try:
                found = act()
            except Exception as error:  # told by the test, with all the others
                found = repr(error)
            self.answers[found] += 1


def bearer_of(shell: Shell, front: Front) -> str:
    """A token of a new client of the API."""
    made = shell.json("clients", "create", "hangzhou", "--scope", "bills:write")
    with front.client("hangzhou.localhost") as client:
        answer = client.post(
            "/oauth/token",
            auth=(made["client_id"], made["client_secret"]),
            data={"grant_type": "client_credentials"},
        )
    return str(answer.json()["access_token"])


def stored_bills(shell: Shell) -> list[str]:
    """The account of every bill that the database holds."""
    with psycopg.connect(shell.env["SUPERUSER"]) as connection:
        rows = connection.execute(
            "SELECT number FROM utility_bill b JOIN utility_account a"
            " ON a.id = b.account_id AND a.city_id = b.city_id"
        )
        return [row[0] for row in rows]


def test_a_rolling_restart_loses_no_request(installation: Installation) -> None:
    """SIGTERM to one node after the other: everybody is answered, and what was acknowledged
    stands in the database once."""
    with Load(installation.front, installation.bearer) as load:
        for node in installation.nodes:
            load.some_more()
            node.stop()
            node.start()
        load.some_more()
    load.check(installation.shell)


def test_an_upgrade_loses_no_request(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later release adds a column to a table that a long transaction holds, under load: its
    migration makes way and comes again, and the nodes of this release serve on and stay ready."""
    app = create_app(Settings.from_environment(installation.shell.env), serving=False)
    add_migration(monkeypatch, tmp_path, EXPANSION)
    with Load(installation.front, installation.bearer) as load:
        load.some_more()
        with psycopg.connect(installation.shell.env["SUPERUSER"]) as long:
            long.execute("SELECT 1 FROM utility_bill LIMIT 1")
            upgrade = threading.Thread(target=upgrade_with, args=(app,))
            upgrade.start()
            until(lambda: migration_waits(installation.shell))
            until(lambda: not migration_waits(installation.shell))
            load.some_more()
        upgrade.join(180)
        load.some_more()
    load.check(installation.shell)
    with app.app_context():
        assert LATER in applied_migrations()
    for node in installation.nodes:
        assert node.is_ready()


def upgrade_with(app: SiteFlask) -> None:
    """What ``smartcity db upgrade`` does."""
    with app.app_context():
        upgrade_database(app.product.settings)


def migration_waits(shell: Shell) -> bool:
    """Whether somebody waits to change the table of bills."""
    with psycopg.connect(shell.env["SUPERUSER"]) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
            " AND relation = 'utility_bill'::regclass"
        ).fetchone()
    return bool(found and found[0])
