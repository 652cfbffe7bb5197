"""``make soak``: memory of a web process and of a worker over a long time, with 352 cities.

Residents, strangers, staff and back offices of eight cities go on asking for pages at a modest pace,
strangers ask for every city's, and back offices store bills. Memory is what the kernel counts as a
process's own (``Private_*`` of ``smaps_rollup``). It is flat where the line through what was seen
after the warm-up rises by no more than the figures vary about it.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.support import postgres
from tests.support.api_client import BILL
from tests.support.fault_trials.processes import COMMAND, Node, Process
from tests.support.isolation_proof.cities import Visitor, marked_cities
from tests.support.isolation_proof.visits import found_pages
from tests.support.served import descendants
from tests.support.served_world import environment_of

from benchmarks.setting import superuser
from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.settings import Settings

CITIES, FILLED, RESIDENTS = 352, 8, 16
MINUTES, PACE, THREADS = 30.0, 8.0, 4
EVERY_SECONDS, TOLD_EVERY = 10, 12
WARM_UP = 1 / 3
"""The part of the time after which memory is looked at."""
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Line:
    """A process's memory after the warm-up, in MB.

    Attributes:
        first, last: The medians of the first and the last tenth.
        rise: What the line of least squares rises by, from its beginning to its end.
        spread: Between the least and the greatest distance from that line.
    """

    first: float
    last: float
    rise: float
    spread: float

    @property
    def is_flat(self) -> bool:
        """See the module."""
        return self.rise <= self.spread


def line_through(seconds: Sequence[float], megabytes: Sequence[float]) -> Line:
    """The line through what was seen."""
    slope, start = statistics.linear_regression(seconds, megabytes)
    distances = [mb - (start + slope * at) for at, mb in zip(seconds, megabytes, strict=True)]
    tenth = max(1, len(megabytes) // 10)
    return Line(
        statistics.median(megabytes[:tenth]),
        statistics.median(megabytes[-tenth:]),
        slope * (seconds[-1] - seconds[0]),
        max(distances) - min(distances),
    )


class Crowd:
    """Visitors who go on until they are told to stop.

    Args:
        port: Where the node listens.
        visitors: Who asks.
        pages: The pages of each, by name.
        hosts: The sites of all cities, which strangers ask for.
        pace: Requests a second of all together.
    """

    def __init__(
        self,
        port: int,
        visitors: list[Visitor],
        pages: Mapping[str, list[str]],
        hosts: list[str],
        pace: float,
    ) -> None:
        self.port, self.visitors, self.pages, self.hosts = port, visitors, pages, hosts
        self.pause = THREADS / pace
        self.answers: Counter[tuple[str, int]] = Counter()
        self._numbers = itertools.count(1)
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, args=(seed,)) for seed in range(THREADS)
        ]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let them ask until the block ends."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in self._threads:
                thread.join(90)

    def _go_on(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._stopped.wait(chance.uniform(0, 2 * self.pause)):
            kind, ask = self._next(chance)
            self.answers[kind, ask()] += 1

    def _next(self, chance: random.Random) -> tuple[str, Callable[[], int]]:
        language = {"Accept-Language": chance.choice(LANGUAGES)}
        if chance.random() < 0.4:
            host, path = (
                chance.choice(self.hosts),
                chance.choice(("/", "/services", "/transparency")),
            )
            return "stranger", lambda: self._get(host, path, language)
        visitor = chance.choice(self.visitors)
        if visitor.name.startswith("back office") and chance.random() < 0.5:
            return "bill stored by API", lambda: self._store_bill(visitor)
        path = chance.choice(self.pages[visitor.name] or ["/"])
        kind = visitor.name.split(" of ")[0] if " of " in visitor.name else "resident"
        return kind, lambda: self._get(visitor.host, path, {**visitor.headers, **language})

    def _store_bill(self, office: Visitor) -> int:
        number = f"42{next(self._numbers):08d}"
        head = {**office.headers, "Idempotency-Key": number, "Content-Type": "application/json"}
        body = json.dumps({"items": [{**BILL, "account_number": number}]})
        path = "/api/v1/utility-bills/bills"
        return self._send("POST", office.host, path, head, body)

    def _get(self, host: str, path: str, headers: Mapping[str, str]) -> int:
        return self._send("GET", host, path, headers)

    def _send(
        self, method: str, host: str, path: str, headers: Mapping[str, str], body: str = ""
    ) -> int:
        """The status; 0 where there is no answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(method, path, body or None, {"Host": host, **headers})
            answer = line.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()


def main() -> None:
    """Soak, write what was seen, and fail where memory was not flat."""
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--pace", type=float, default=PACE, help="requests a second")
    parser.add_argument("--cities", type=int, default=CITIES)
    parser.add_argument("--write", type=Path, help="where the result goes")
    wanted = parser.parse_args()
    with superuser() as cluster, tempfile.TemporaryDirectory() as folder:
        if cluster is None:
            sys.exit("PostgreSQL is needed")
        with (
            postgres.test_database(cluster) as database,
            marked_cities(database, FILLED, RESIDENTS) as (settings, made),
        ):
            hosts = [f"{name}.localhost" for name in _grow(settings, wanted.cities)]
            result = _soak(settings, made.visitors, hosts, Path(folder), wanted)
    for said in result["summary"]:
        sys.stdout.write(f"{said}\n")
    if wanted.write:
        wanted.write.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    if not result["flat"]:
        sys.exit("Memory was not flat")


def _grow(settings: Settings, size: int) -> list[str]:
    """Store the cities that have nothing but their document; returns the names of all."""
    app, names = create_app(settings, serving=False), [f"sample-{n}" for n in range(FILLED)]
    texts = []
    for number in range(FILLED, size):
        names.append(f"town-{number}")
        texts.append(
            f'city: town-{number}\nprovince: sample\ndivision_code: "90{5000 + number}"\n'
            f"name: {{zh: 城{number}, en: Town {number}}}\nstate: live\n"
        )
    with app.app_context():
        registry = app.registry
        registry.refresh()
        documents = Documents(
            system("soak"), registry.extensions, registry.platform_host, utc_now()
        )
        documents.save_all([Candidate(parse(text, "soak")) for text in texts], {}, "", "rollout")
    return names


def _soak(
    settings: Settings,
    visitors: list[Visitor],
    hosts: list[str],
    folder: Path,
    wanted: argparse.Namespace,
) -> dict[str, Any]:
    env = environment_of(settings)
    web = Node(1, env, folder / "web.log")
    worker = Process("worker", (*COMMAND, "worker"), env, folder / "worker.log")
    try:
        web.again()
        worker.again()
        pages = found_pages(visitors, web.port)
        crowd = Crowd(web.port, visitors, pages, hosts, wanted.pace)
        for host, language in itertools.product(hosts, LANGUAGES):
            crowd._get(host, "/", {"Accept-Language": language})
        with crowd.at_work():
            samples = _watch(_processes(web, worker), wanted.minutes * 60)
        return _result(samples, crowd, len(hosts), wanted)
    finally:
        for process in (web, worker):
            if process.process is not None:
                process.kill()


def _processes(web: Node, worker: Process) -> dict[str, int]:
    """What is watched, by name. granian's first process loads no application and begins one."""
    assert web.process is not None
    assert worker.process is not None
    serving = descendants(web.process.pid)[-1]
    return {"web": serving, "web, first process": web.process.pid, "worker": worker.process.pid}


def _watch(processes: Mapping[str, int], seconds: float) -> list[tuple[float, dict[str, float]]]:
    """The memory of each every few seconds, with the seconds since the beginning."""
    begun, samples = time.monotonic(), []
    while (at := time.monotonic() - begun) < seconds:
        found = {name: _own_megabytes(pid) for name, pid in processes.items()}
        if len(samples) % TOLD_EVERY == 0:
            told = ", ".join(f"{name} {megabytes:.1f} MB" for name, megabytes in found.items())
            sys.stdout.write(f"{at:6.0f} s  {told}\n")
            sys.stdout.flush()
        samples.append((at, found))
        time.sleep(EVERY_SECONDS)
    return samples


def _own_megabytes(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def _result(
    samples: list[tuple[float, dict[str, float]]],
    crowd: Crowd,
    cities: int,
    wanted: argparse.Namespace,
) -> dict[str, Any]:
    until_warm = wanted.minutes * 60 * WARM_UP
    after = [(at, found) for at, found in samples if at >= until_warm]
    seconds = [at for at, _found in after]
    lines = {
        name: line_through(seconds, [found[name] for _at, found in after]) for name in after[0][1]
    }
    kinds = Counter[str]()
    statuses = Counter[str]()
    for (kind, status), count in crowd.answers.items():
        kinds[kind] += count
        statuses[str(status)] += count
    answered = sum(statuses.values())
    summary = [
        f"{cities} cities, {wanted.minutes:g} minutes, {answered:,} requests, "
        f"{sum(n for status, n in statuses.items() if status in ('0',) or status >= '500'):,} without an answer or with a fault",
        *(
            f"{name}: {one.first:.1f} MB after the warm-up, {one.last:.1f} MB at the end; the line rises by "
            f"{one.rise:+.2f} MB, the figures vary by {one.spread:.2f} MB about it: "
            f"{'flat' if one.is_flat else 'NOT flat'}"
            for name, one in lines.items()
        ),
    ]
    return {
        "summary": summary,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": version("smartcity-saas"),
        "flat": all(one.is_flat for one in lines.values()),
        "minutes": wanted.minutes,
        "warm_up_minutes": round(until_warm / 60, 1),
        "cities": cities,
        "requests": dict(sorted(kinds.items())),
        "statuses": dict(sorted(statuses.items())),
        "megabytes": {
            name: {
                "first": round(one.first, 2),
                "last": round(one.last, 2),
                "rise": round(one.rise, 3),
                "spread": round(one.spread, 3),
            }
            for name, one in lines.items()
        },
        "samples": [
            [round(at), *(round(found[name], 1) for name in lines)] for at, found in samples[::3]
        ],
    }


if __name__ == "__main__":
    main()
