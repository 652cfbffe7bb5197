"""Logs: one JSON object a line, which names the rule of an address and repeats no token."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from sqlalchemy.exc import IntegrityError, OperationalError

import smartcity_saas
from smartcity_saas import measures
from smartcity_saas.database import db, transaction
from smartcity_saas.observability import _RequestCollector, _WorkGauges, init_logging
from smartcity_saas.outbox import Heartbeat, PermanentFailure, RunnerKind, enqueue
from smartcity_saas.outbox.queue import run_task
from smartcity_saas.request import error_pages
from tests.support.browser import fresh
from tests.support.world import World

TOKEN = "tok-ZqvXkmPrTwLdsJfhBnyGcuEaOiYtReWqAs"


@pytest.fixture
def said(world: World) -> Iterator[Callable[[], str]]:
    """What has been logged since it was last asked."""
    before, written = structlog.get_config(), io.StringIO()
    init_logging()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))

    def taken() -> str:
        text = written.getvalue()
        written.seek(0)
        written.truncate()
        return text

    yield taken
    structlog.configure(**before)


def busy() -> Exception:
    return OperationalError("SELECT 1", {"token": TOKEN}, Exception("database is locked"))


def taken() -> Exception:
    said = f"duplicate key\nDETAIL:  Key (city_id, subject)=(1, {TOKEN}) already exists."
    return IntegrityError("INSERT", {"hash": "x"}, Exception(said), hide_parameters=True)


FAULTS: dict[str, Callable[[], Exception]] = {
    "the database is busy": busy,
    "a row is taken": taken,
    "a fault that says the token": lambda: ValueError(f"cannot open {TOKEN}"),
}


def lines(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_line_of_a_failing_page_has_a_token(
    world: World, fault: str, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every address of the product that has something in its path, failing in each way, its token
    in the path, in the query and in ``Referer``: a line says which rule it was, and no more."""

    def fail() -> None:
        raise FAULTS[fault]()

    hooks = [fail, *world.app.before_request_funcs[None]]
    monkeypatch.setitem(world.app.before_request_funcs, None, hooks)
    hosts = {"city": "hangzhou.localhost", "console": "console.localhost", "unknown": "x.localhost"}
    tried = 0
    for rule in world.app.url_map.iter_rules():
        if rule.host not in hosts or not rule.arguments or "static" in rule.rule:
            continue
        path = re.sub(r"<(?:uuid|int|any)[^>]*>", "no-such", rule.rule)
        path = re.sub(r"<[^>]+>", TOKEN, path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            fresh(
                world.app.test_client().open,
                f"{path}?state={TOKEN}",
                method=method,
                base_url=f"http://{hosts[rule.host]}",
                headers={"Referer": f"http://{hosts[rule.host]}{path}"},
            )
            tried += 1
        written = said()
        assert TOKEN not in written, rule.rule
        if "no-such" not in path:
            assert {one["rule"] for one in lines(written)} == {rule.rule}, rule.rule
    assert tried > 60


def test_a_fault_in_the_error_page_is_a_line_too(
    world: World, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails while an error is answered is logged as any other, without the path."""

    def fail(*ignored: Any) -> None:
        raise RuntimeError("no page")

    monkeypatch.setattr(error_pages, "_error_response", fail)
    with contextlib.suppress(RuntimeError):
        fresh(world.app.test_client().get, f"/preview/{TOKEN}", base_url="http://x.localhost")
    written = said()
    assert TOKEN not in written
    assert lines(written)[-1]["rule"] == "/preview/<token>"


def test_no_code_logs_an_address() -> None:
    """No line is written with the path, the query or the whole address of a request."""
    source = Path(smartcity_saas.__file__).parent
    calls = [
        call
        for path in source.rglob("*.py")
        for call in re.findall(r"log\.\w+\((?:[^()]|\([^()]*\))*\)", path.read_text("utf-8"))
    ]
    assert len(calls) > 10
    told = r"request\.(path|full_path|url|base_url|referrer|args)"
    assert [call for call in calls if re.search(told, call)] == []


def test_libraries_that_log_addresses_are_quiet() -> None:
    """Whoever runs the worker with a chattier log gets no address of a provider, secrets in it."""
    init_logging()
    for name in ("httpx", "httpcore", "stripe", "authlib", "sqlalchemy"):
        assert logging.getLogger(name).getEffectiveLevel() >= logging.WARNING


def test_work_after_commits_is_told_as_metrics(world: World) -> None:
    """Tasks due and given up by age, when the worker was seen, counts to fold: of all cities, and
    none of them named."""
    registry = CollectorRegistry()
    gauges = _WorkGauges(registry)

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"smartcity_{name}", labels)

    now = world.clock()
    for city in ("hangzhou", "ningbo"):
        with world.inside(city), transaction():
            enqueue("note", {}, now)
            measures.count("utility_bills", measures.Measure.DONE, now)
    with world.inside("ningbo"):
        task = enqueue("note", {}, now, key="given up")
        assert task is not None
        run_task({"note": _refuse}, task, now)
    db.session.rollback()
    gauges.read(now + timedelta(minutes=2))
    assert (told("tasks_due", age="60"), told("tasks_due", age="600")) == (2, 0)
    assert (told("tasks_failed", age="0"), told("tasks_failed", age="3600")) == (1, 0)
    assert (told("measure_events"), told("worker_seen_timestamp_seconds")) == (2, 0)
    Heartbeat(RunnerKind.WORKER).beat(now)
    gauges.read(now)
    assert told("worker_seen_timestamp_seconds") == pytest.approx(now.timestamp())
    assert told("database_up") == 1


def _refuse(payload: Any, now: datetime) -> None:
    raise PermanentFailure


def test_requests_are_counted_as_the_library_would() -> None:
    """Promise: what is counted by hand, for its speed, is what Prometheus' own counter and histogram
    would have said of the same requests, those at a bound too."""
    ours, theirs, collector = CollectorRegistry(), CollectorRegistry(), _RequestCollector()
    ours.register(collector)
    number = Counter("smartcity_requests", "Requests", ["site", "status"], registry=theirs)
    seconds = Histogram("smartcity_request_seconds", "Seconds a request", ["site"], registry=theirs)
    for kind, status, spent in [
        ("city", 200, 0.0),
        ("city", 304, 0.005),
        ("city", 204, 0.0051),
        ("console", 500, 10.0),
        ("console", 200, 11.5),
        ("unknown", 404, None),
    ]:
        collector.count(kind, status, spent)
        number.labels(kind, status // 100 * 100).inc()
        if spent is not None:
            seconds.labels(kind).observe(spent)

    def told(registry: CollectorRegistry) -> list[str]:
        lines = generate_latest(registry).decode().splitlines()
        return sorted(line for line in lines if "_created" not in line)

    assert told(ours) == told(theirs)
