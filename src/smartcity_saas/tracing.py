"""Traces by OpenTelemetry: nothing is loaded unless the ``OTEL_*`` variables ask for it.

A span says what was done, in which city and how it ended, never for whom: no address beyond its rule, no
bound value of a statement, no text of an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, ExceptionContext, event

from smartcity_saas.errors import SettingsError
from smartcity_saas.tenant_context import current_city_id_or_none

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

SERVICE = "smartcity"
CITY = "smartcity.city_id"
_tracer: Tracer | None = None
_STATEMENT = "trace_span"


def start_tracing() -> None:
    """Send spans by OTLP over HTTP, as the standard variables say (``OTEL_EXPORTER_OTLP_ENDPOINT``,
    ``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER`` …); once a process.

    Raises:
        SettingsError: The extra is not installed.
    """
    if _tracer is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "OTEL_* asks for traces: install them with `pip install smartcity-saas[opentelemetry]`."
        ) from None
    resource = Resource({SERVICE_NAME: SERVICE}).merge(Resource.create())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_by(provider)


def trace_by(provider: TracerProvider | None) -> None:
    """Make spans by a provider from here on; by none for none."""
    global _tracer
    _tracer = provider.get_tracer("smartcity_saas") if provider is not None else None


@contextmanager
def span(name: str, kind: str = "INTERNAL", **attributes: str | int) -> Iterator[Span | None]:
    """A span for the length of a block, below the one around it; None where nothing is traced.

    Args:
        name: What is done, in few words of which there are few.
        kind: ``SERVER``, ``CLIENT``, ``CONSUMER`` or ``INTERNAL``.
        attributes: OpenTelemetry's names, with ``__`` for a dot.
    """
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind

    with _tracer.start_as_current_span(
        name,
        kind=SpanKind[kind],
        attributes=_named(attributes),
        record_exception=False,  # its text may hold anything
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            fail(made, error)
            raise


def fail(made: Span, error: BaseException) -> None:
    """Note that what a span is about failed: the error's kind alone."""
    from opentelemetry.trace import StatusCode

    made.set_attribute("error.type", type(error).__name__)
    made.set_status(StatusCode.ERROR)


def trace_id() -> str:
    """The present trace's id, 32 hexadecimal digits; empty where there is none."""
    if _tracer is None:
        return ""
    from opentelemetry.trace import format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else ""


def trace_statements(engine: Engine) -> None:
    """Make a span of each statement of an engine: its text with the names of its parameters."""
    event.listen(engine, "before_cursor_execute", _statement_begins)
    event.listen(engine, "after_cursor_execute", _statement_ends)
    event.listen(engine, "handle_error", _statement_fails)


def _statement_begins(
    connection: Connection, _cursor: Any, sql: str, _parameters: Any, _context: Any, _many: bool
) -> None:
    if _tracer is None:
        return
    from opentelemetry.trace import SpanKind

    made = _tracer.start_span(
        sql.split(maxsplit=1)[0].upper(),
        kind=SpanKind.CLIENT,
        attributes=_named({"db__system__name": connection.dialect.name, "db__query__text": sql}),
    )
    connection.info[_STATEMENT] = made


def _statement_ends(connection: Connection, *_rest: Any) -> None:
    made = connection.info.pop(_STATEMENT, None)
    if made is not None:
        made.end()


def _statement_fails(context: ExceptionContext) -> None:
    if context.connection is None:
        return
    made = context.connection.info.pop(_STATEMENT, None)
    if made is not None:
        fail(made, context.original_exception)
        made.end()


def _named(attributes: dict[str, str | int]) -> dict[str, str | int]:
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    city_id = current_city_id_or_none()
    return named if city_id is None else {**named, CITY: city_id}
