"""The trials of the proof: which layers stand, and what must be found then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from smartcity_saas.database.models import city_tables
from tests.support import postgres
from tests.support.isolation_proof.cities import Cities, marked_cities
from tests.support.isolation_proof.marks import Findings, Marks
from tests.support.isolation_proof.nodes import FORGETFUL, WORKERS, nodes
from tests.support.isolation_proof.visits import Lines, Plan, Visit, found_pages, visit_all
from tests.support.served import Server

NODES = 2
SEED = 20_161
FAULT = 500


@dataclass(frozen=True)
class Layers:
    """Which of the two layers stand in a trial."""

    name: str
    guard: bool
    row_security: bool

    @property
    def any(self) -> bool:
        """Whether one does."""
        return self.guard or self.row_security


BOTH = Layers("both", guard=True, row_security=True)
NEITHER = Layers("neither (control)", guard=False, row_security=False)
LAYERS = (
    BOTH,
    Layers("row-level security alone", guard=False, row_security=True),
    Layers("statement guard alone", guard=True, row_security=False),
    NEITHER,
)
CONTROL_REQUESTS = 2_000


@dataclass(frozen=True)
class Trial:
    """What was found with some layers.

    ``forgetful`` are the findings at the view that forgets its city.
    """

    layers: Layers
    findings: Findings
    forgetful: Findings
    seconds: float

    @property
    def faults(self) -> int:
        """Answers that tell of a fault (5xx)."""
        return sum(n for status, n in self.findings.statuses.items() if status >= FAULT)

    @property
    def found(self) -> list[tuple[str, str]]:
        """Everything that was another's, by what was asked."""
        return [*self.findings.leaks, *self.forgetful.leaks]

    @property
    def holds(self) -> bool:
        """With a layer, nothing of anyone else is found, and what is one's own is; without any, the
        same search finds what leaks, so it can."""
        if not self.layers.any:
            return bool(self.findings.leaks and self.forgetful.leaks)
        return not self.found and not self.faults and bool(self.findings.own)

    def line(self) -> str:
        """The trial in one line."""
        answers, own = self.findings.answers.total(), self.findings.own.total()
        return (
            f"{self.layers.name}: {answers:,} answers, {own:,} own marks, "
            f"{len(self.findings.leaks):,} leaks, {self.faults:,} faults, "
            f"{len(self.forgetful.leaks):,} at the forgetful view, {self.seconds:,.0f} s"
        )


def prove(
    superuser: str,
    folder: Path,
    cities: int,
    residents: int,
    requests: int,
    *,
    alone: int,
    layers: Sequence[Layers] = LAYERS,
    workers: int = WORKERS,
) -> Iterator[Trial]:
    """Every trial in turn, on the same rows; ``alone`` are the requests of one with one layer."""
    counts = {BOTH: requests, NEITHER: min(alone, CONTROL_REQUESTS)}
    with (
        postgres.test_database(superuser) as database,
        marked_cities(database, cities, residents) as (settings, made),
    ):
        pages: dict[str, list[str]] = {}
        for these in layers:
            _row_security(database.superuser, on=these.row_security)
            with nodes(settings, NODES, workers, folder, guarded=these.guard) as servers:
                pages = pages or found_pages(made.visitors, servers[0].port)
                yield _trial(these, made, pages, servers, counts.get(these, alone))


def _trial(
    layers: Layers, made: Cities, pages: dict[str, list[str]], servers: list[Server], requests: int
) -> Trial:
    begun = time.monotonic()
    plan = Plan(made.visitors, pages, made.marks, [server.port for server in servers])
    findings = visit_all(plan, requests, SEED)
    forgetful = _forgetful(made, servers, made.marks)
    return Trial(layers, findings, forgetful, time.monotonic() - begun)


def _forgetful(made: Cities, servers: list[Server], marks: Marks) -> Findings:
    """Everyone asks the view that forgets its city, at every node."""
    lines, found = Lines(), Findings()
    for visitor in made.visitors:
        if visitor.host == "console.localhost":
            continue
        reader = type(visitor.reader)(visitor.reader.city, reads_all=True)  # it tells a whole city
        for server in servers:
            visit = Visit("forgetful view", visitor.host, FORGETFUL, visitor.headers, reader)
            status, text = lines.ask(server.port, visit)
            found.note(visit.kind, f"{visit.host}{visit.path}", status, text, reader, marks)
    return found


def _row_security(superuser: str, *, on: bool) -> None:
    """Raise or take down the layer of the database on every city table."""
    acts = ("ENABLE", "FORCE") if on else ("NO FORCE", "DISABLE")
    plain = superuser.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        for table in sorted(city_tables()):
            for act in acts:
                connection.execute(f'ALTER TABLE "{table}" {act} ROW LEVEL SECURITY')  # type: ignore[arg-type]
