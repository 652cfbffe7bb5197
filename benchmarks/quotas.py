"""Quotas: other cities' pages while one city is asked for ten times what its quota gives, beside the
same pages without, in turns."""

from __future__ import annotations

import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.documents import HANGZHOU
from tests.support.served import Server, served, two_cities

from benchmarks.table import absolute

QUOTA = 600
"""Requests a minute of the city that is flooded."""
TIMES, CLIENTS, TURNS, PAGES = 10, 8, 8, 80
FLOODED, QUIET = "hangzhou.localhost", "ningbo.localhost"
PAGE = "/services/traffic-tickets?flood"
"""A page with a query, which no cache keeps: each request is work unless it is refused."""


def flooded_neighbour() -> None:
    """Record the 95th percentile of another city's page, in times of its quiet value."""
    document = f"{HANGZHOU}quotas: {{requests_per_minute: {QUOTA}}}\n"
    with tempfile.TemporaryDirectory() as folder, served(two_cities(Path(folder), document)) as one:
        _percentile(one)
        ratios, refused = [], 0
        for _turn in range(TURNS):
            quiet = _percentile(one)
            with _flood(one) as answers:
                ratios.append(_percentile(one) / quiet)
            refused += answers.count(429)
        absolute(
            "95th percentile of a page, another city at ten times its quota, in times of quiet",
            ratios,
            "times",
            "≤ 1.5",
        )
        if not refused:
            raise RuntimeError("the flood was never refused, so nothing was measured")


@contextmanager
def _flood(server: Server) -> Iterator[list[int]]:
    """Ask for the flooded city's page at ten times its quota, evenly, until the block ends; what was
    answered."""
    answers: list[int] = []
    over = threading.Event()
    clients = [
        threading.Thread(target=_ask_evenly, args=(server, over, answers))
        for _client in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    time.sleep(1.5)  # by then what its bucket held is gone
    try:
        yield answers
    finally:
        over.set()
        for client in clients:
            client.join()


def _ask_evenly(server: Server, over: threading.Event, answers: list[int]) -> None:
    pause = 60 / (QUOTA * TIMES) * CLIENTS
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    due = time.monotonic()
    while not over.wait(max(0.0, due - time.monotonic())):
        due += pause
        line.request("GET", PAGE, headers={"Host": FLOODED})
        answer = line.getresponse()
        answer.read()
        answers.append(answer.status)
    line.close()


def _percentile(server: Server) -> float:
    """The 95th percentile of the quiet city's page, in seconds."""
    spent = []
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _page in range(PAGES):
        begun = time.perf_counter()
        line.request("GET", PAGE, headers={"Host": QUIET})
        line.getresponse().read()
        spent.append(time.perf_counter() - begun)
    line.close()
    return statistics.quantiles(spent, n=20)[-1]
