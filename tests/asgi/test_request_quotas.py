"""A city's requests beyond its quota: refused before they cost anything, and no other city's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import ceil
from typing import Any

import pytest
from sqlalchemy import event

from smartcity_saas.asgi.application import BufferedApplication
from smartcity_saas.database import db
from smartcity_saas.tenancy.city_quotas import REQUESTS, CityQuotas
from tests.support.connection import Line
from tests.support.documents import HANGZHOU
from tests.support.world import World

SMALL = HANGZHOU + "quotas: {requests_per_minute: 60}\n"
BURST = 10


class Moment:
    """A clock of the buckets that stands until it is moved."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def served(world: World, moment: Moment) -> Iterator[BufferedApplication]:
    """Hangzhou has a small quota; nobody has asked for anything yet, and time stands."""
    world.save(SMALL)
    made = BufferedApplication(world.app, 4)
    assert made.quotas is not None
    made.quotas.quotas = CityQuotas(monotonic=moment)
    yield made
    made.pool.shutdown()


def ask(app: BufferedApplication, *lines: Line) -> list[Line]:
    """Send requests without a body, one after the other."""

    async def act() -> None:
        for line in lines:
            line.scope["client"] = ("127.0.0.1", 1234)  # the demo answers this machine only
            line.comes(b"", more=False)
            await line.served_by(app)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, act()).result()
    return list(lines)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    seen: list[str] = []

    def note(*event_arguments: Any) -> None:
        seen.append(event_arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def flood(
    app: BufferedApplication, path: str = "/nothing-here?x", number: int = BURST
) -> list[Line]:
    return ask(app, *(Line(path, "GET") for _one in range(number)))


def headers(line: Line) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in line.sent[0]["headers"]}


def test_the_eleventh_request_is_told_when_to_come_again(
    served: BufferedApplication, moment: Moment
) -> None:
    """A bucket of ten seconds' worth, then ``Retry-After`` (RFC 9110); whoever waits that long is served."""
    assert {line.status for line in flood(served)} == {404}
    (refused,) = flood(served, number=1)
    assert refused.status == 429
    seconds = int(headers(refused)["retry-after"])
    assert seconds == ceil(1.0)
    moment.now += seconds
    assert [line.status for line in flood(served, number=2)] == [404, 429]


def test_another_city_the_console_and_the_probe_notice_nothing(
    served: BufferedApplication,
) -> None:
    """Only the city that asked too much is refused; its staff still pause a service on the console."""
    flood(served, number=BURST + 5)
    lines = ask(
        served,
        Line("/services", "GET", host="ningbo.localhost"),
        Line("/sign-in", "GET", host="console.localhost"),
        Line("/healthz", "GET"),
    )
    assert [line.status for line in lines] == [200, 200, 200]


def test_what_is_kept_is_given_beyond_the_quota(world: World, served: BufferedApplication) -> None:
    """A page that is kept costs nothing, so nobody is refused it; making one counts."""
    world.app.registry._looked_at = float("inf")  # nothing changes meanwhile
    ask(served, Line("/services", "GET"))
    flood(served)
    lines = ask(served, Line("/services", "GET"), Line("/privacy", "GET"))
    assert [line.status for line in lines] == [200, 429]


def test_webhooks_have_a_bucket_of_their_own(served: BufferedApplication) -> None:
    """A flood of pages never turns away news of a payment, and a flood of webhooks is bounded too."""
    flood(served, number=BURST + 5)
    told = flood(served, "/webhooks/stripe", BURST + 1)
    assert {line.status for line in told[:-1]} != {429}
    assert told[-1].status == 429


@pytest.mark.parametrize(
    ("sent", "words"),
    [({"accept_language": "en"}, "The site is very busy"), ({"cookie": "lang=zh"}, "访问的人太多")],
)
def test_a_person_reads_the_citys_page_in_their_language(
    world: World, served: BufferedApplication, sent: dict[str, str], words: str
) -> None:
    """With the city's name, safe headers and nothing kept; no statement is sent for it."""
    flood(served)
    world.app.registry._looked_at = float("inf")  # no look for changes is due meanwhile
    with statements() as sent_statements:
        (line,) = ask(served, Line("/services", "GET", **sent))
    assert sent_statements == []
    text = line.content.decode()
    assert line.status == 429
    assert words in text
    assert ("Hangzhou" if "accept_language" in sent else "杭州市") in text
    assert headers(line)["cache-control"] == "no-store"
    assert "default-src 'none'" in headers(line)["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "accept"), [("/api/v1/nothing", "*/*"), ("/", "application/json")]
)
def test_a_program_reads_problem_details(
    served: BufferedApplication, path: str, accept: str
) -> None:
    """RFC 9457, as every other error."""
    flood(served)
    (line,) = ask(served, Line(path, "GET", accept=accept))
    assert headers(line)["content-type"] == "application/problem+json"
    assert json.loads(line.content)["status"] == 429


def test_a_draft_stays_unknown(world: World, served: BufferedApplication) -> None:
    """However often it is asked for, a draft answers as a host that leads nowhere: no quota tells."""
    draft = SMALL.replace("hangzhou", "jiaxing").replace("3301", "3304").replace("杭州", "嘉兴")
    world.save(draft.replace("state: live", "state: draft").replace("Hangzhou", "Jiaxing"))
    lines = ask(
        served, *(Line("/x?", "GET", host="jiaxing.localhost") for _one in range(BURST + 5))
    )
    assert {line.status for line in lines} == {404}


@pytest.mark.usefixtures("served")
def test_processes_share_a_rate(world: World, moment: Moment) -> None:
    """Each of several processes admits its part, so that together they admit no more than the quota."""
    quotas = CityQuotas(2, moment)
    admitted = [quotas.take(world.city("hangzhou"), REQUESTS) == 0 for _one in range(BURST)]
    assert admitted.count(True) == BURST // 2


@pytest.mark.parametrize("path", ["/nothing-here?x", "/services"])
def test_refusals_are_counted_by_city(world: World, served: BufferedApplication, path: str) -> None:
    """The metrics name the cities that were refused, and no other: each request once, whether its answer
    would have been kept or not."""
    flood(served, number=BURST)
    assert {line.status for line in flood(served, path, 3)} == {429}
    assert served.quotas is not None
    used, hangzhou = served.quotas.quotas.used(), world.city_id("hangzhou")
    assert used[hangzhou, REQUESTS] == (BURST, 3)
    assert [city for city, _quota in used] == [hangzhou]
