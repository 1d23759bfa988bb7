"""What a request leaves behind: a span, a figure and one log line, none with a query string, an address or other personal data."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import orjson
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from prometheus_client import Histogram

from chassis import clock, telemetry
from gateway.exchange import Exchange
from gateway.routing import Route

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OWN = "gateway"
"""The service label of what the gateway answers itself."""

REQUESTS = Histogram(
    "hearth_gateway_request_seconds",
    "Requests by the service that they were for, method and status class; seconds until the last byte of the answer",
    ["service", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_figures: dict[tuple[str, str, int], Histogram] = {}


def start_span(method: str, exchange: Exchange) -> Span:
    """Start the request's span in the trace that the caller is in, or in a new one."""
    context = None
    parent = exchange.traceparent
    if parent is not None:
        context = set_span_in_context(
            NonRecordingSpan(
                SpanContext(
                    int(parent[1], 16), int(parent[2], 16), is_remote=True, trace_flags=TraceFlags(int(parent[3], 16))
                )
            )
        )
    return telemetry.tracer.start_span(method, context, SpanKind.SERVER)


def end_span(span: Span, method: str, route: Route | None, status: int) -> None:
    """Name the span by its route's pattern and end it."""
    if span.is_recording():
        pattern = route.pattern if route is not None else "unmatched"
        span.update_name(f"{method} {pattern}")
        span.set_attributes({"http.request.method": method, "http.route": pattern, "http.response.status_code": status})
    span.end()


def measure(service: str, method: str, status: int, seconds: float) -> None:
    """Count a request. The labels are few whatever callers send: never a path."""
    key = (service, method, status // 100)
    figure = _figures.get(key)
    if figure is None:
        figure = _figures[key] = REQUESTS.labels(
            service, method if method in METHODS else "other", f"{status // 100}xx"
        )
    figure.observe(seconds)


class Log:
    """Writes access lines. The same lines as structlog's, made by hand: at one per request its processors would cost as much as the proxy."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._logger = logging.getLogger("gateway.access")

    def write(self, exchange: Exchange, method: str, status: int, seconds: float, trace_id: int) -> None:
        """Write the line of one request: its route by the pattern, its caller by id."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        route, principal = exchange.route, exchange.principal
        line: dict[str, object] = {
            "event": "request",
            "level": "info",
            "timestamp": clock.now(),
            "service": OWN,
            "method": method if method in METHODS else "other",
            "route": route.pattern if route is not None else None,
            "upstream": route.service if route is not None else None,
            "status": status,
            "seconds": round(seconds, 6),
            "request_id": exchange.request_id,
            "trace_id": f"{trace_id:032x}",
        }
        if principal is not None:
            line["organization"] = principal.organization_id
            if principal.client_id is not None:
                line["client"] = principal.client_id
            else:
                line["account"] = principal.account_id
        if exchange.problem is not None:
            line["problem"] = exchange.problem
        self._stream.write(orjson.dumps(line, option=orjson.OPT_UTC_Z).decode() + "\n")
