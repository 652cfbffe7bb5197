"""The database of a trial: a primary, and beside it a standby that can take its place."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from tests.support.postgres import Server
from tests.support.served import until
from tests.support.small_disk import fill, small_disk

CONNECTIONS = 120
DISK_MEGABYTES = 1200
SETTINGS = ("max_wal_size=96MB", "min_wal_size=32MB", "wal_retrieve_retry_interval=500ms")
"""A log that stays small, so that a full disk is met soon, and a standby that asks again soon."""


class Databases:
    """Two servers of which one is the primary; the other is down, or follows it.

    ``url`` names both, and leads a superuser to whichever can be written to. ``disk`` is where both
    keep everything: a file system of their own, or None where only root could mount one.
    """

    def __init__(self, folder: Path, disk: Path | None) -> None:
        self.disk = disk
        self.primary, self.other = (
            Server(folder / name, durable=True, connections=CONNECTIONS, options=SETTINGS)
            for name in ("a", "b")
        )
        hosts = f"{self.primary.folder},{self.other.folder}"
        self.url = f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=read-write"

    def follow(self) -> None:
        """Let the other server follow the primary, which from now on tells nobody that something was
        stored before both have it."""
        self.other.copy(self.primary)
        self.other.start()
        self._name_standbys("*")
        until(lambda: self.ask("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

    def fail_over(self) -> None:
        """The primary dies, and the one that followed it is promoted."""
        self.primary.die()
        self.other.promote()
        self.primary, self.other = self.other, self.primary

    def restart(self) -> None:
        """Start the primary where it has ended, and wait until it answers."""

        def answers() -> bool:
            if not self.primary.lives():
                with suppress(subprocess.CalledProcessError):  # it is still ending
                    self.primary.start()
            return self._answers()

        until(answers)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a statement of the superuser's, if it has any."""
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            cursor = connection.execute(query)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def cut(self) -> None:
        """End every connection of a client."""
        self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    @contextmanager
    def taken(self) -> Iterator[int]:
        """Every connection that the server gives to a role that is no superuser is somebody else's."""
        with suppress(psycopg.errors.DuplicateObject):
            self.ask("CREATE ROLE holder LOGIN")
        url = self.primary.url.replace("postgres@", "holder@")
        with ExitStack() as stack:
            held = 0
            for _try in range(3):
                self.cut_all_but("holder")
                with suppress(psycopg.OperationalError):
                    while True:
                        stack.enter_context(psycopg.connect(url))
                        held += 1
            yield held

    def cut_all_but(self, role: str) -> None:
        """End the connections of all clients but one role's."""
        self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            f" AND backend_type = 'client backend' AND usename <> '{role}'"
        )

    def fill(self) -> Path:
        """Fill the disk to its last byte; returns the file that does."""
        assert self.disk is not None
        return fill(self.disk)

    def write_log_until_it_fails(self) -> None:
        """Begin new files of the write-ahead log until there is no room for one, which no server
        survives."""
        with suppress(psycopg.Error):
            for _file in range(20):
                self.ask("SELECT pg_logical_emit_message(true, 'trial', 'x')")
                self.ask("SELECT pg_switch_wal()")

    def end(self) -> None:
        """Stop what runs."""
        for server in (self.primary, self.other):
            if server.lives():
                server.die()

    def _name_standbys(self, names: str) -> None:
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.ask("SELECT pg_reload_conf()")

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            return bool(self.ask("SELECT 1"))
        return False


@contextmanager
def databases() -> Iterator[Databases]:
    """Both servers, on a small disk of their own where this is root's machine."""
    folder = Path(tempfile.mkdtemp(prefix="smartcity-trial-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        mounted = stack.enter_context(small_disk(folder, DISK_MEGABYTES))
        made = Databases(folder, folder if mounted else None)
        stack.callback(made.end)
        made.primary.make()
        made.primary.start()
        yield made
