"""What runs: the worker, the work that waits, the back offices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smartcity_saas.configuration.city import City
from smartcity_saas.connectors.back_office import has_back_office
from smartcity_saas.measures import RecentOutage
from smartcity_saas.measures.reading import Key
from smartcity_saas.outbox import Backlog, RunnerKind, RunnerState
from smartcity_saas.outbox.heartbeats import SILENT
from smartcity_saas.tenancy.city_services import city_services


@dataclass(frozen=True)
class Processes:
    """The platform's processes of one kind: how many run, since when one of them is silent (None for
    none), and what became of the tasks of those that run."""

    kind: RunnerKind
    running: int
    silent_since: datetime | None
    done: int
    failed: int

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "kind": self.kind.value,
            "running": self.running,
            "silent_since": _text(self.silent_since),
            "done": self.done,
            "failed": self.failed,
        }


@dataclass(frozen=True)
class Running:
    """What runs and what does not: when the worker was last seen, the tasks that wait, of each
    service with a back office the outage of the last hour (None without one), and for the operator the
    platform's processes by kind."""

    seen: datetime | None
    lives: bool
    backlog: Backlog
    offices: Mapping[str, RecentOutage | None]
    processes: tuple[Processes, ...] = ()

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "worker": {"running": self.lives, "seen_at": _text(self.seen)},
            "tasks": {
                "due": self.backlog.waiting,
                "oldest_due": _text(self.backlog.oldest_due),
                "failed": self.backlog.failed,
                "oldest_failed": _text(self.backlog.oldest_failed),
            },
            "back_offices": [
                {
                    "service": name,
                    "no_answer_since": _text(outage.since if outage else None),
                    "no_answer_until": _text(outage.until if outage else None),
                }
                for name, outage in self.offices.items()
            ],
            "processes": [one.data() for one in self.processes],
        }


def running_of(
    city: City,
    seen: datetime | None,
    backlog: Backlog,
    outages: Mapping[Key, RecentOutage],
    now: datetime,
) -> Running:
    """What runs for a city."""
    offices = {
        name: outages.get((city.id, name))
        for name in city_services(city)
        if not city.catalog[name].is_closed and has_back_office(city.catalog[name])
    }
    return Running(seen, seen is not None and now - seen < SILENT, backlog, offices)


def processes_of(states: Sequence[RunnerState], now: datetime) -> tuple[Processes, ...]:
    """The platform's processes by kind, of kinds that there are."""
    found = []
    for kind in RunnerKind:
        lives = [one for one in states if one.kind is kind and one.lives(now)]
        silent = [one.seen_at for one in states if one.kind is kind and not one.lives(now)]
        done, failed = sum(one.done for one in lives), sum(one.failed for one in lives)
        if lives or silent:
            found.append(Processes(kind, len(lives), max(silent, default=None), done, failed))
    return tuple(found)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
