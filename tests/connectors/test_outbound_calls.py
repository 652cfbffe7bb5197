"""Calls to other systems: so many at one time, each by its deadline, by owner and host."""

from __future__ import annotations

import ast
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import smartcity_saas
from smartcity_saas.connectors import address_guard, outbound_calls
from smartcity_saas.connectors.address_guard import connect
from smartcity_saas.connectors.circuit_breaker import FAILURES, CircuitBreakers
from smartcity_saas.connectors.http_client import BackOffice, BackOfficeDown, call_once
from smartcity_saas.connectors.outbound_calls import Bulkhead, CallRefused, outbound
from smartcity_saas.identity.federation.channels import ChannelDown
from smartcity_saas.identity.federation.provider_metadata import (
    FAILED_SECONDS,
    KEPT_SECONDS,
    LOOK_AGAIN_SECONDS,
    STALE_SECONDS,
    Published,
)
from smartcity_saas.outbox import Postponed
from tests.support.documents import HANGZHOU
from tests.support.world import World

LOOPBACK = "127.0.0.0/8"


@pytest.fixture(autouse=True)
def fresh_breakers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breakers and places of this test alone."""
    monkeypatch.setattr(outbound_calls, "breakers", CircuitBreakers())
    monkeypatch.setattr(outbound_calls, "bulkhead", Bulkhead(4, 3, 2, patience=0))


def test_no_owner_takes_every_place() -> None:
    """So many to a host, of an owner, in all; whoever is refused holds nothing, and places come
    back."""
    bulkhead = Bulkhead(4, 3, 2, patience=0)

    def taken(*places: tuple[str, str]) -> int:
        with ExitStack() as stack:
            count = 0
            for place in places:
                try:
                    stack.enter_context(bulkhead.place(*place))
                except CallRefused:
                    continue
                count += 1
            return count

    for _again in range(2):
        assert taken(*[("city:1", "a")] * 9) == 2
        assert taken(*[("city:1", "a"), ("city:1", "b")] * 9) == 3
        assert taken(*[(f"city:{n}", "a") for n in range(9)]) == 4
        assert taken(*[("city:1", "a")] * 9, ("city:2", "a")) == 3
    assert not bulkhead._held


def test_a_host_is_waited_for_a_moment() -> None:
    """A burst that is over at once refuses nobody."""
    bulkhead = Bulkhead(9, 9, 1, patience=30)
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(30)
        with bulkhead.place("city:1", "a"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with bulkhead.place("city:1", "a"):
        inside.set()
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_breaker_is_one_owners_at_one_host() -> None:
    """What fails for one city at one host is left alone by that city there, and nowhere else."""
    for _failure in range(FAILURES):
        with (
            pytest.raises(TimeoutError),
            outbound_calls.outbound("https://a.example/x", "city:1"),
        ):
            raise TimeoutError
    with pytest.raises(CallRefused), outbound_calls.outbound("https://a.example/y", "city:1"):
        raise AssertionError
    for url, owner in (("https://b.example", "city:1"), ("https://a.example/x", "city:2")):
        with outbound_calls.outbound(url, owner):
            pass


def test_a_refusal_is_an_answer() -> None:
    """What says no does answer, and opens no breaker."""
    for _failure in range(FAILURES + 1):
        with (
            pytest.raises(LookupError),
            outbound_calls.outbound("https://a.example", "city:1", answered=(LookupError,)),
        ):
            raise LookupError


def test_a_request_that_waits_for_another_system_leaves_its_turn() -> None:
    """Whoever works next need not wait for an answer from elsewhere."""
    turn = threading.Semaphore(1)
    token = outbound_calls.working.set(turn)
    try:
        with turn:
            assert not turn.acquire(blocking=False)
            with outbound_calls.outbound("https://a.example", "city:1"):
                assert turn.acquire(blocking=False)
                turn.release()
            assert not turn.acquire(blocking=False)
    finally:
        outbound_calls.working.reset(token)


def test_an_exchange_outside_a_block_is_refused(world: World) -> None:
    """Nobody can forget the guard."""
    with world.inside("hangzhou"), pytest.raises(RuntimeError, match="outbound"):
        call_once("GET", "https://a.example", None, {})


def test_every_way_out_of_the_product_is_guarded() -> None:
    """A table of all modules that can open a connection: a new one belongs behind ``outbound``."""
    root = Path(smartcity_saas.__file__).parent
    ways = {"httpx", "smtplib", "socket", "urllib.request", "http.client", "requests", "httpcore"}
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            if ways & set(names):
                found.add(str(path.relative_to(root)))
    listen_or_name_the_machine = {"__main__.py", "held_socket.py", "outbox/heartbeats.py"}
    assert found - listen_or_name_the_machine == {
        "connectors/address_guard.py",
        "connectors/client_credentials.py",
        "connectors/http_client.py",
        "connectors/settings.py",
        "identity/staff/invitations.py",
        "identity/federation/oauth_client.py",
        "notifications/senders/smtp.py",
        "payments/probes.py",
        "payments/stripe_client.py",
        "sandboxes/stripe/sending.py",
    }


@contextmanager
def hanging_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    end = threading.Event()

    def hang(*_arguments: Any, **_options: Any) -> Any:
        end.wait(60)
        raise OSError("over")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield
    end.set()


def test_a_name_that_does_not_resolve_in_time_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline of a call holds for the resolver too, on every road: HTTP and mail."""
    with hanging_resolver(monkeypatch), world.inside("hangzhou"):
        with (
            pytest.raises((OSError, httpx.HTTPError)),
            outbound_calls.outbound("https://slow.example", seconds=0.2),
        ):
            call_once("GET", "https://slow.example", None, {})
        with (
            pytest.raises(TimeoutError),
            outbound_calls.outbound("smtp://slow.example", seconds=0.2),
        ):
            connect("slow.example", 25, 5, ())


@pytest.mark.parametrize("dead", [["127.0.0.2"], ["127.0.0.2", "127.0.0.3"]])
def test_each_address_of_a_name_is_tried(
    world: World, monkeypatch: pytest.MonkeyPatch, dead: list[str]
) -> None:
    """Those before the good one refuse, or do not answer at all within their share of the time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        answers = [(2, 1, 6, "", (one, port)) for one in (*dead, "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: answers)
        allowed = world.app.product.settings.allowed_networks
        connect("name.example", port, 5, allowed, plain=True).close()
        backend = address_guard.GuardedBackend(allowed, plain=True)
        backend.connect_tcp("name.example", port, timeout=5).close()


def test_an_address_that_is_silent_takes_its_share_alone() -> None:
    """The last address has time left, however long those before it would have hung."""
    token = address_guard.deadline.set(time.monotonic() + 1)
    shares: list[float] = []

    def silent(address: str, seconds: float | None) -> str:
        assert seconds is not None
        shares.append(seconds)
        if address == "good":
            return address
        time.sleep(seconds / 10)
        raise TimeoutError

    try:
        assert address_guard.first_that_answers(["a", "b", "good"], 9, silent) == "good"
    finally:
        address_guard.deadline.reset(token)
    assert 0 < shares[0] <= 1 / 3
    assert shares[2] > 0.3


class Provider:
    """What a provider publishes, and how often it was asked."""

    def __init__(self) -> None:
        self.now, self.asked, self.down = 0.0, 0, False
        self.published = Published(lambda: self.now, self.fetch)

    def fetch(self, owner: str, url: str) -> str:
        self.asked += 1
        if self.down:
            raise ChannelDown("down")
        return f"{owner} {url} {self.asked}"

    def get(self, **options: bool) -> str:
        found: str = self.published.get("city:1", "https://id.example", **options)
        return found


def test_a_failure_is_remembered_for_seconds() -> None:
    """However many come, a provider that does not answer is asked once in a while."""
    provider = Provider()
    provider.down = True
    for _visitor in range(9):
        with pytest.raises(ChannelDown):
            provider.get()
    assert provider.asked == 1
    provider.now += FAILED_SECONDS
    provider.down = False
    assert provider.get() == "city:1 https://id.example 2"


def test_what_was_published_stands_in_for_an_hour() -> None:
    """A provider that is down for a while signs people in by what it said before."""
    provider = Provider()
    first = provider.get()
    provider.down = True
    provider.now += KEPT_SECONDS + 1
    assert provider.get() == first
    assert provider.get(again=True) == first
    provider.now += STALE_SECONDS
    with pytest.raises(ChannelDown):
        provider.get()


def test_keys_are_looked_at_again_after_seconds() -> None:
    """A key that is not known makes us look once more, and not with every visitor."""
    provider = Provider()
    provider.get()
    assert provider.get(again=True).endswith(" 1")
    provider.now += LOOK_AGAIN_SECONDS + 1
    assert provider.get(again=True).endswith(" 2")


def test_one_asks_and_few_wait() -> None:
    """While one request asks, a few wait for a moment and the rest are told at once; whoever has
    seen an older answer takes that."""
    begun, end = threading.Event(), threading.Event()
    asked: list[str] = []

    def slow(owner: str, url: str) -> str:
        asked.append(url)
        begun.set()
        assert end.wait(30)
        return "found"

    published = Published(time.monotonic, slow)
    found: list[str] = []
    lock = threading.Lock()

    def visit() -> None:
        try:
            said = published.get("city:1", "https://id.example")
        except ChannelDown:
            said = "refused"
        with lock:
            found.append(said)

    def start(act: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=act)
        thread.start()
        return thread

    threads = [start(visit)]
    assert begun.wait(30)
    threads += [start(visit) for _visitor in range(12)]
    while len(found) < 9:
        time.sleep(0.01)
    assert found == ["refused"] * len(found)
    end.set()
    for thread in threads:
        thread.join(30)
    assert len(asked) == 1
    assert "found" in found


def test_a_city_calls_no_more_often_than_its_quota(world: World) -> None:
    """Beyond it nothing is sent, and the refusal says when a call would be made; another city calls on."""
    world.save(HANGZHOU + "quotas: {outbound_calls_per_minute: 24}\n")

    def call(slug: str) -> None:
        with world.inside(slug), outbound("http://127.0.0.1:9/"):
            pass

    call("hangzhou")
    call("hangzhou")
    with pytest.raises(CallRefused) as refused:
        call("hangzhou")
    assert refused.value.reason == "quota"
    assert 0 < refused.value.seconds <= 5
    call("ningbo")


def test_work_beyond_the_quota_of_calls_is_done_later(world: World) -> None:
    """A task meets it as a slow back office: it is put off for as long as it takes, and not given up."""
    world.save(HANGZHOU + "quotas: {outbound_calls_per_minute: 10}\n")
    office = BackOffice("test", "http://127.0.0.1:9", "token")
    with world.inside("hangzhou"):
        with outbound("http://127.0.0.1:9/"):
            pass
        with pytest.raises(Postponed) as put_off:
            office.get("/bills")
    assert isinstance(put_off.value, BackOfficeDown)
    assert put_off.value.seconds > 0
