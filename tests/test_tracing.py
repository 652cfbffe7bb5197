"""Traces: whole from a request to its statements and calls, and of nobody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy import event

from smartcity_saas import tracing
from smartcity_saas.database import db
from smartcity_saas.outbox import enqueue
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from tests.support.browser import fresh
from tests.support.world import World

KNOWN = {
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "smartcity.site",
    "smartcity.city_id",
    "db.system.name",
    "db.query.text",
    "server.address",
    "messaging.message.id",
    "error.type",
}


class Spans(InMemorySpanExporter):
    """What was traced, as it ended."""

    def named(self, beginning: str) -> list[ReadableSpan]:
        return [one for one in self.get_finished_spans() if one.name.startswith(beginning)]


@pytest.fixture
def spans(world: World) -> Iterator[Spans]:
    """Traces of this test alone, statements among them."""
    found, provider, engine = Spans(), TracerProvider(), db.engine
    provider.add_span_processor(SimpleSpanProcessor(found))
    tracing.trace_by(provider)
    tracing.trace_statements(engine)
    yield found
    tracing.trace_by(None)
    for name in ("before_cursor_execute", "after_cursor_execute", "handle_error"):
        for listener in ("_statement_begins", "_statement_ends", "_statement_fails"):
            if event.contains(engine, name, getattr(tracing, listener)):
                event.remove(engine, name, getattr(tracing, listener))


def test_a_requests_statements_stand_below_it(world: World, spans: Spans) -> None:
    """One trace a request: its rule, its status, its city, and each statement without a value."""
    world.resident().get("/me")
    (request,) = spans.named("GET /me")
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["smartcity.city_id"] == world.city_id("hangzhou")
    below = [one for one in spans.named("SELECT") if one.parent and request.context
             and one.parent.span_id == request.context.span_id]  # fmt: skip
    assert below
    assert all("resident" in str(one.attributes) or one.attributes for one in below)


def test_no_trace_has_anything_of_a_person(world: World, spans: Spans) -> None:
    """Promise: attributes are of a known few, and none has a name, an address, a token or a value that
    somebody brought; errors have their kind alone."""
    resident = world.resident()
    resident.get("/search?q=13800138000")
    resident.get("/services/utility-bills/accounts/0190a1b2-0000-7000-8000-000000000000")
    world.client("hangzhou.localhost").get("/preview/a-secret-token-of-somebody")
    found = spans.get_finished_spans()
    assert {key for one in found for key in one.attributes or {}} <= KNOWN
    told = " ".join(
        f"{one.name} {dict(one.attributes or {})} {list(one.events)} {one.status.description}"
        for one in found
    )
    for secret in ("13800138000", "0190a1b2", "a-secret-token", "household", "session="):
        assert secret not in told
    assert all(one.events == () for one in found)


def test_a_fault_page_and_its_log_line_tell_the_trace(
    world: World, spans: Spans, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reports a fault reads out a number by which its trace is found."""
    view = next(name for name in world.app.view_functions if name.endswith(".services"))
    monkeypatch.setitem(world.app.view_functions, view, lambda: 1 / 0)
    page = world.client("hangzhou.localhost").get("/services?x")
    (request,) = spans.named("GET /services")
    assert request.context is not None
    trace = f"{request.context.trace_id:032x}"
    assert page.status_code == 500
    assert f"trace {trace}" in page.text
    assert f'"trace_id": "{trace}"' in capsys.readouterr().err


def test_a_task_is_a_trace_that_says_how_it_failed(world: World, spans: Spans) -> None:
    """By its kind and city, with the error's kind and none of its text."""

    def task(payload: object, now: object) -> None:
        raise ValueError("what nobody may read")

    with world.inside("ningbo"):
        enqueue("note", {}, world.clock())
    fresh(Runner(world.app, {"note": task}, tenant_context, world.clock).run_due)
    (made,) = spans.named("note")
    assert made.attributes is not None
    assert made.attributes["error.type"] == "ValueError"
    assert made.attributes["smartcity.city_id"] == world.city_id("ningbo")
    assert made.status.status_code == StatusCode.ERROR
    assert "nobody" not in made.to_json()


def test_nothing_is_loaded_unless_it_is_asked_for() -> None:
    """A process without ``OTEL_*`` has no module of OpenTelemetry."""
    code = "import smartcity_saas.app, sys; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_standard_variables_decide(variables: dict[str, str], asked: bool) -> None:
    """As OpenTelemetry's specification of its environment variables says."""
    assert Settings.from_environment(variables).tracing is asked
