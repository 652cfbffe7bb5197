"""Slow strangers: pages with 200 unfinished bodies open beside the same pages without, in turns."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.served import Server, is_open, served, two_cities

SLOW, TURNS, PAGES = 200, 6, 40
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
        sys.stdout.write(
            f"  95th percentile of a page, {held} unfinished bodies open : none "
            f"{statistics.median(ratios):5.2f} (from {min(ratios):.2f} to {max(ratios):.2f})\n"
        )


def _percentile(server: Server) -> float:
    spent = []
    for turn in range(PAGES):
        begun = time.perf_counter()
        status, _body = server.get(HOSTS[turn % len(HOSTS)], "/services")
        spent.append(time.perf_counter() - begun)
        assert status == 200
    return sorted(spent)[int(PAGES * 0.95) - 1]
