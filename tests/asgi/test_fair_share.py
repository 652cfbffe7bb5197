"""Places are given in turn: nobody's crowd keeps others from working."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from smartcity_saas.asgi.fair_share import Crowded, FairShare


def run(act: Callable[[], Awaitable[None]]) -> None:
    """Act on a loop in a thread of its own: Playwright keeps one running in the tests' thread."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, act()).result()  # type: ignore[arg-type]


class Crowd:
    """Requests that each hold a place until they are let go."""

    def __init__(self, places: FairShare) -> None:
        self.places = places
        self.working: list[str] = []
        self.begun: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.ends: dict[str, list[asyncio.Event]] = {}

    async def come(self, key: str, number: int = 1) -> None:
        self.tasks += [asyncio.create_task(self._work(key)) for _one in range(number)]
        await _settle()

    async def _work(self, key: str) -> None:
        async with self.places.place(key):
            end = asyncio.Event()
            self.ends.setdefault(key, []).append(end)
            self.working.append(key)
            self.begun.append(key)
            await end.wait()
            self.working.remove(key)

    async def finish(self, key: str) -> None:
        self.ends[key].pop(0).set()
        await _settle()


async def _settle() -> None:
    for _turn in range(10):
        await asyncio.sleep(0)


def test_a_crowd_holds_half_of_the_places_at_most() -> None:
    """A hundred requests of one city leave half of the places to whoever else comes."""

    async def act() -> None:
        crowd = Crowd(FairShare(8))
        await crowd.come("a", 100)
        assert crowd.working == ["a"] * 4
        await crowd.come("b", 1)
        assert crowd.working == ["a"] * 4 + ["b"]
        for task in crowd.tasks:
            task.cancel()

    run(act)


def test_who_waits_is_served_in_turn_among_cities() -> None:
    """With every place held, one request of a quiet city waits for one place, not for a line."""

    async def act() -> None:
        crowd = Crowd(FairShare(4))
        await crowd.come("a", 50)
        await crowd.come("b", 50)
        await crowd.come("c", 1)
        assert sorted(crowd.working) == ["a", "a", "b", "b"]
        for key in ("a", "b", "a"):
            await crowd.finish(key)
        assert crowd.begun[4:] == ["a", "b", "c"]
        for task in crowd.tasks:
            task.cancel()

    run(act)


def test_whoever_leaves_while_waiting_takes_no_place() -> None:
    """Cancelled in line, or just as its turn came: the places are all there afterwards."""

    async def act() -> None:
        places = FairShare(2)
        crowd = Crowd(places)
        await crowd.come("a", 3)
        waiting = crowd.tasks[1:]
        waiting[0].cancel()
        crowd.ends["a"][0].set()
        waiting[1].cancel()
        await _settle()
        assert crowd.working == []
        await crowd.come("b", 1)
        await crowd.come("c", 1)
        assert sorted(crowd.working) == ["b", "c"]
        for task in crowd.tasks:
            task.cancel()

    run(act)


def test_a_line_has_an_end() -> None:
    """Whoever would wait behind too many of the same city is told at once; others are not."""

    async def act() -> None:
        places = FairShare(2, most_waiting=3)
        crowd = Crowd(places)
        await crowd.come("a", 4)
        with pytest.raises(Crowded):
            async with places.place("a"):
                pass
        async with places.place("b"):
            pass
        for task in crowd.tasks:
            task.cancel()

    run(act)
