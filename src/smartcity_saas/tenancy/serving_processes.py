"""The processes that serve, each with the version that it serves: by these, whoever has stored a
change knows when nobody serves the state before it any more."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from smartcity_saas.clock import Clock
from smartcity_saas.configuration.models import ServingProcess
from smartcity_saas.database import db, transaction, upsert_into

SILENT = timedelta(seconds=90)
"""After that a process that said nothing is taken for ended: the server ends them without a last word.
Until then a change waits for it as long as for one that is slow."""

SPOKE_LATELY = timedelta(seconds=50)
"""Two words of a process that serves, and what they may be late by."""


class Presence:
    """One process that serves, among the others of its installation."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.id = uuid.uuid4()
        self.known = False
        """Whether the others have been told of this process."""

    def say(self, version: int) -> None:
        """Tell that this process lives, and serves a version and nothing older from now on; forget
        those that have long been silent."""
        with transaction() as session:
            self.come_to(version)
            silent = ServingProcess.seen_at < self.clock() - SILENT
            session.execute(delete(ServingProcess).where(silent))
        self.known = True

    def come_to(self, version: int) -> None:
        """The same without looking at the others: somebody waits to tell of a change."""
        with transaction() as session:
            said = {"version": version, "seen_at": self.clock()}
            insert = upsert_into(ServingProcess).values(id=self.id, **said)
            session.execute(insert.on_conflict_do_update(index_elements=["id"], set_=said))


def serving_now(now: datetime) -> int:
    """How many processes serve, on all nodes: those that have spoken of late, since whatever ended
    without a last word is no part of a whole for long."""
    query = select(func.count()).where(ServingProcess.seen_at > now - SPOKE_LATELY)
    return db.session.scalar(query) or 0


def some_serve_before(version: int) -> bool:
    """Whether a process may still serve what was live before a version."""
    older = select(ServingProcess.id).where(ServingProcess.version < version).limit(1)
    return db.session.scalar(older) is not None
