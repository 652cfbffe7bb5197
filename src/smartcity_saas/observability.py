"""Logs and metrics. Every log line names its city; none carries a secret or a person."""

from __future__ import annotations

import hmac
import logging
import re
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from threading import Lock
from typing import Any

from flask import Response, abort, g, has_request_context, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Histogram,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.logs import EventDict, Processor, structlog
from smartcity_saas.measures import events_waiting
from smartcity_saas.outbox import RunnerKind, RunnerState, ages, runner_states, worker_seen
from smartcity_saas.product import request_site
from smartcity_saas.tenancy.city_quotas import PERIODS
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import INDEX_HOST
from smartcity_saas.tenant_context import current_city_id_or_none
from smartcity_saas.tracing import trace_id
from smartcity_saas.web.policy import allow_everyone

_TALKATIVE = ("sqlalchemy", "httpx", "httpcore", "stripe", "authlib")
"""Libraries that log addresses, with what stands in their queries, if they are let."""
_SHORTEST_TOKEN = 20
_DETAIL = re.compile(r"(?m)^(DETAIL: +).*$")
_SECRET = re.compile(r"(?i)secret|password|token|cookie|authorization|api_?key|private_?key")


def init_logging() -> None:
    """Write one JSON object a line to standard error, whatever library speaks."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_city,
        _add_trace,
        _redact,
        structlog.processors.format_exc_info,
        _mask,
    ]
    json_lines = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, json_lines],
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, json_lines],
        )
    )
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, _StandardError)]:
        root.removeHandler(before)
    root.addHandler(handler)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _StandardError(logging.Handler):
    """Lines of other libraries to standard error, wherever that leads at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        sys.stderr.write(self.format(record) + "\n")


def init_metrics(app: SiteFlask, token: str) -> None:
    """Count and time requests, and offer ``/metrics`` on the platform's host.

    It answers 404 unless ``SMARTCITY_METRICS_TOKEN`` is set and sent as a bearer token.
    """
    registry = CollectorRegistry()
    requests = _RequestCollector()
    registry.register(requests)
    cities = Gauge("smartcity_cities", "Cities loaded", registry=registry)
    broken = Gauge(
        "smartcity_cities_on_earlier_revision",
        "Cities whose newest revision does not compile",
        registry=registry,
    )

    work = _WorkGauges(registry)
    registry.register(_QuotaCollector(app))

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    app.count_request = requests.count

    @app.after_request
    def observe(response: Response) -> Response:
        started = g.pop("started", None)
        spent = None if started is None else time.perf_counter() - started
        app.count_request(request_site().kind, response.status_code, spent)
        return response

    def metrics() -> Response:
        sent = request.headers.get("Authorization", "")
        if not token or not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            abort(404)
        cities.set(len(app.registry.snapshot.cities))
        broken.set(len(app.registry.snapshot.broken))
        work.read(app.product.clock())
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", view_func=metrics, host=INDEX_HOST)
    allow_everyone(app, "metrics")


class _RequestCollector(Collector):
    """Requests and how long they took. One lock and three additions for each: the library's counter and
    histogram took a fifth of the time that an answer takes which is kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds = [float(bound) for bound in Histogram.DEFAULT_BUCKETS]
        self._counts: dict[tuple[str, int], int] = {}
        self._within: dict[str, list[int]] = {}
        self._spent: dict[str, float] = {}

    def count(self, kind: str, status: int, spent: float | None) -> None:
        """Count a request.

        Args:
            kind: Of its site.
            status: Of its answer.
            spent: Seconds; None where nobody knows.
        """
        key = (kind, status // 100 * 100)
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            if spent is not None:
                if kind not in self._within:
                    self._within[kind], self._spent[kind] = [0] * len(self._seconds), 0.0
                self._within[kind][bisect_left(self._seconds, spent)] += 1
                self._spent[kind] += spent

    def collect(self) -> Iterator[Metric]:
        """The counter and the histogram."""
        requests = CounterMetricFamily("smartcity_requests", "Requests", labels=["site", "status"])
        seconds = HistogramMetricFamily(
            "smartcity_request_seconds", "Seconds a request", labels=["site"]
        )
        with self._lock:
            for (kind, status), number in self._counts.items():
                requests.add_metric([kind, str(status)], number)
            for kind, within in self._within.items():
                bounds = map(floatToGoString, self._seconds)
                buckets = list(zip(bounds, accumulate(within), strict=True))
                seconds.add_metric([kind], buckets, self._spent[kind])
        yield requests
        yield seconds


class _QuotaCollector(Collector):
    """What quotas admitted and refused in this process, read when somebody asks. Only cities that were
    refused are named: most never are."""

    def __init__(self, app: SiteFlask) -> None:
        self.app = app

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The two counters."""
        admitted = CounterMetricFamily(
            "smartcity_quota_admitted", "Admitted within the quotas of cities", labels=["quota"]
        )
        refused = CounterMetricFamily(
            "smartcity_quota_refused",
            "Refused or put off by a city's quota",
            labels=["quota", "city"],
        )
        used, cities = self.app.product.quotas.used(), self.app.registry.snapshot.by_id
        for quota in PERIODS:
            number = sum(use.admitted for (_city, name), use in used.items() if name == quota)
            admitted.add_metric([quota], number)
        for (city_id, quota), use in used.items():
            if use.refused and (city := cities.get(city_id)) is not None:
                refused.add_metric([quota, city.slug], use.refused)
        yield admitted
        yield refused


AGES = {
    "0": timedelta(0),
    "60": timedelta(minutes=1),
    "600": timedelta(minutes=10),
    "3600": timedelta(hours=1),
    "86400": timedelta(days=1),
}
"""Bounds of the gauges by age, in seconds: a task counts at each that it has passed."""


class _WorkGauges:
    """How the work after commits goes, on the whole platform: asked when somebody asks for it, in
    three statements, none of which reads a city's table."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, words: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(f"smartcity_{name}", words, labels, registry=registry)

        self.database = gauge("database_up", "Whether the database answered")
        self.waiting = gauge("tasks_due", "Tasks due for longer than so many seconds", ("age",))
        self.failed = gauge("tasks_failed", "Tasks given up longer ago than that", ("age",))
        self.seen = gauge("worker_seen_timestamp_seconds", "When the worker last said it lives")
        self.runners = gauge(
            "runners", "Processes that work for all cities, seen lately", ("kind",)
        )
        self.silent = gauge("runners_silent", "Those that ended without a word in a day", ("kind",))
        self.tasks = gauge(
            "runner_tasks", "Tasks that the running processes have had", ("kind", "outcome")
        )
        self.backlog = gauge("measure_events", "Counts that are not folded into their day yet")

    def read(self, now: datetime) -> None:
        """Ask the database. Where it does not answer only that is told, beside what was last known."""
        try:
            due, failed = ages(now, list(AGES.values()))
            states, unfolded = runner_states(), events_waiting()
        except SQLAlchemyError:
            self.database.set(0)
            return
        self.database.set(1)
        for name, waiting, given_up in zip(AGES, due, failed, strict=True):
            self.waiting.labels(name).set(waiting)
            self.failed.labels(name).set(given_up)
        seen = worker_seen(states)
        self.seen.set(seen.timestamp() if seen is not None else 0)
        self.backlog.set(unfolded)
        for kind in RunnerKind:
            self._tell([one for one in states if one.kind is kind], kind.value, now)

    def _tell(self, states: Sequence[RunnerState], kind: str, now: datetime) -> None:
        lives = [one for one in states if one.lives(now)]
        self.runners.labels(kind).set(len(lives))
        self.silent.labels(kind).set(len(states) - len(lives))
        self.tasks.labels(kind, "done").set(sum(one.done for one in lives))
        self.tasks.labels(kind, "failed").set(sum(one.failed for one in lives))


def _add_city(logger: Any, method: str, event: EventDict) -> EventDict:
    if (city_id := current_city_id_or_none()) is not None:
        event["city_id"] = city_id
    return event


def _add_trace(logger: Any, method: str, event: EventDict) -> EventDict:
    if found := trace_id():
        event["trace_id"] = found
    return event


def _mask(logger: Any, method: str, event: EventDict) -> EventDict:
    """No text of a line, a traceback among them, repeats what a token of the request's address
    says, or the values by which a database explains itself."""
    secrets = _carried()
    for key, value in event.items():
        if isinstance(value, str):
            value = _DETAIL.sub(r"\1…", value)
            for secret in secrets:
                value = value.replace(secret, "…")
            event[key] = value
    return event


def _carried() -> set[str]:
    """What stands in the present request's address and may be a token."""
    if not has_request_context():
        return set()
    found = [*(request.view_args or {}).values(), *request.args.values()]
    return {one for one in found if isinstance(one, str) and len(one) >= _SHORTEST_TOKEN}


def _redact(logger: Any, method: str, event: EventDict) -> EventDict:
    return {key: "…" if _SECRET.search(key) else value for key, value in event.items()}
