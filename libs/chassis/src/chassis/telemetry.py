"""JSON logs, traces that cross the outbox and NATS, and Prometheus metrics. Nothing here carries personal data."""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import structlog
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram
from structlog.tracebacks import ExceptionDictTransformer

from chassis.settings import Settings

tracer = trace.get_tracer("hearth")
_propagator = TraceContextTextMapPropagator()

REQUESTS = Histogram(
    "hearth_http_request_seconds",
    "HTTP requests by route template",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PUBLISHED = Counter("hearth_outbox_published_total", "Events acknowledged by JetStream")
UNPUBLISHED = Gauge("hearth_outbox_unpublished", "Events written and not yet acknowledged by JetStream")
CONSUMED = Counter("hearth_events_consumed_total", "Events by consumer and outcome", ["consumer", "outcome"])
LAG = Histogram(
    "hearth_event_lag_seconds",
    "From commit of an event at its owner to its effect here",
    ["consumer"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)
DEAD = Counter("hearth_dead_letters_total", "Events given up on", ["consumer"])
DUE = Counter("hearth_due_work_total", "Due work by kind and outcome", ["kind", "outcome"])


def configure(service: str, settings: Settings) -> None:
    """Set up logs and traces for the process. Once, at start."""

    def with_trace(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            event["trace_id"] = format(span.trace_id, "032x")
        event["service"] = service
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        with_trace,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Without the frames' variables, which would put passwords and addresses into the log.
                structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("uvicorn.access", "nats", "aiohttp.access", "alembic"):
        logging.getLogger(noisy).setLevel("WARNING")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    ratio = TraceIdRatioBased(settings.trace_ratio) if settings.otlp_endpoint else ALWAYS_OFF
    provider = TracerProvider(
        sampler=ParentBased(ratio), resource=Resource.create({"service.name": f"hearth-{service}"})
    )
    if settings.otlp_endpoint:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Send what spans are left. At the end."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def log(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger


def traceparent() -> str | None:
    """Return the W3C traceparent of the current span, if there is one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


class _Running(AbstractContextManager[Span]):
    """A span while its block runs. OpenTelemetry's own way there, two generators, costs as much again as the span."""

    __slots__ = ("_span", "_token")

    def __init__(self, started: Span, within: Context) -> None:
        self._span = started
        self._token = context.attach(trace.set_span_in_context(started, within))

    def __enter__(self) -> Span:
        return self._span

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        context.detach(self._token)
        if isinstance(error, Exception) and self._span.is_recording():
            self._span.record_exception(error)
            self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        self._span.end()


def span(name: str, kind: SpanKind, parent: str | None, **attributes: str | int) -> AbstractContextManager[Span]:
    """Run a block in a span that continues the trace of `parent`, a W3C traceparent."""
    within = _propagator.extract({"traceparent": parent}) if parent else context.get_current()
    return _Running(tracer.start_span(name, context=within, kind=kind, attributes=attributes), within)
