"""Slow strangers: pages with 200 unfinished bodies open, or with sign-ins that wait for a provider
that drips, beside the same pages without, in turns."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.support.documents import HANGZHOU
from tests.support.served import Server, dripping_provider, is_open, served, two_cities

from benchmarks.table import absolute

SLOW, VISITORS, TURNS, PAGES = 200, 24, 6, 40
HOSTS = ("hangzhou.localhost", "ningbo.localhost")


def strangers() -> None:
    """Print the 95th percentile of a page, loaded to quiet: the median of the turns."""
    with tempfile.TemporaryDirectory() as folder, served(two_cities(Path(folder))) as server:
        _percentile(server)
        ratios = []
        for _turn in range(TURNS):
            quiet = _percentile(server)
            lines = server.hang(SLOW)
            ratios.append(_percentile(server) / quiet)
            held = sum(map(is_open, lines))
            for line in lines:
                line.close()
        absolute(
            f"95th percentile of a page, {held} unfinished bodies open, in times of none",
            ratios,
            "times",
        )


def dripping() -> None:
    """Print the same while visitors of one city wait to sign in with a provider that sends a byte a
    second."""
    with tempfile.TemporaryDirectory() as folder, dripping_provider() as (issuer, asked):
        oidc = f"channels:\n  oidc: {{issuer: '{issuer}', client_id: city-site}}\n"
        allowed = {"SMARTCITY_ALLOWED_NETWORKS": "127.0.0.0/8"}
        with served(two_cities(Path(folder), HANGZHOU + oidc, **allowed)) as server:
            for _warm in range(TURNS // 2):
                _percentile(server)
            ratios: list[float] = []
            while len(ratios) < TURNS:
                quiet = statistics.median(_percentile(server) for _turn in range(TURNS // 2))
                visitors = _sign_ins(server, asked)
                while any(visitor.is_alive() for visitor in visitors):
                    ratios.append(_percentile(server) / quiet)
        absolute(
            f"95th percentile of a page, {VISITORS} sign-ins at a provider that drips, in times of none",
            ratios,
            "times",
        )


def _sign_ins(server: Server, asked: list[Any]) -> list[threading.Thread]:
    """Visitors who go to sign in, for one of whom the provider is asked. A failure is remembered
    for seconds, and one address may begin 60 sign-ins in five minutes."""
    before, visitors = len(asked), []
    while len(asked) == before:
        visitors.append(_sign_in(server))
        visitors[-1].join(0.5)
        time.sleep(0 if len(asked) > before else 5)
    return [*visitors, *(_sign_in(server) for _visitor in range(VISITORS - len(visitors)))]


def _sign_in(server: Server) -> threading.Thread:
    visitor = threading.Thread(target=server.get, args=(HOSTS[0], "/sign-in/oidc"))
    visitor.start()
    return visitor


def _percentile(server: Server) -> float:
    spent = []
    for turn in range(PAGES):
        begun = time.perf_counter()
        status, _body = server.get(HOSTS[turn % len(HOSTS)], "/services")
        spent.append(time.perf_counter() - begun)
        assert status == 200
    return sorted(spent)[int(PAGES * 0.95) - 1]
