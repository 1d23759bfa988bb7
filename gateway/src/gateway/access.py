"""What a request leaves behind: a span, a figure and one log line, none with a query string, an address or other personal data."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from random import getrandbits

import orjson
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from prometheus_client import Histogram

from chassis import clock, telemetry
from gateway.exchange import Exchange

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


class Spans:
    """Starts each request's span in the trace that its caller is in, or in a new one.

    Without an exporter (`exported` false) a span is only its ids, which still travel on: then the SDK, which would make and throw away much
    more, is not asked.
    """

    def __init__(self, *, exported: bool) -> None:
        self._exported = exported

    def start(self, method: str, exchange: Exchange) -> None:
        """Start the span, and set the exchange's `span`, `trace_id` and, when the caller gave none, `request_id`."""
        parent = exchange.traceparent
        if self._exported:
            context = None
            if parent is not None:
                remote = SpanContext(
                    int(parent[1], 16), int(parent[2], 16), is_remote=True, trace_flags=TraceFlags(int(parent[3], 16))
                )
                context = set_span_in_context(NonRecordingSpan(remote))
            span = exchange.span = telemetry.tracer.start_span(method, context, SpanKind.SERVER)
            found = span.get_span_context()
            exchange.trace_id = f"{found.trace_id:032x}"
            exchange.span_id = f"{found.span_id:016x}"
            exchange.trace_flags = f"{found.trace_flags:02x}"
        else:
            if parent is not None:
                exchange.trace_id = parent[1].decode()
                exchange.trace_flags = parent[3].decode()
            else:
                exchange.trace_id = f"{getrandbits(128) or 1:032x}"
            exchange.span_id = f"{getrandbits(64) or 1:016x}"
        if not exchange.request_id:
            exchange.request_id = exchange.trace_id


def end_span(exchange: Exchange, method: str, status: int) -> None:
    """Name the span by its route's pattern and end it."""
    span = exchange.span
    if span is None:
        return
    if span.is_recording():
        pattern = exchange.route.pattern if exchange.route is not None else "unmatched"
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

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._enabled = logging.getLogger("gateway.access").isEnabledFor(logging.INFO)

    def write(self, exchange: Exchange, method: str, status: int, seconds: float) -> None:
        """Write the line of one request: its route by the pattern, its caller by id."""
        if not self._enabled:
            return
        route, principal = exchange.route, exchange.principal
        line: dict[str, object] = {
            "event": "request",
            "level": "info",
            "timestamp": clock.now(),
            "service": OWN,
            "method": method if method in METHODS else "other",
            "status": status,
            "seconds": round(seconds, 6),
            "request_id": exchange.request_id,
            "trace_id": exchange.trace_id,
        }
        if route is not None:
            line["route"] = route.pattern
            line["upstream"] = route.service
        if principal is not None:
            line["organization"] = principal.organization_id
            if principal.client_id is not None:
                line["client"] = principal.client_id
            else:
                line["account"] = principal.account_id
        if exchange.problem is not None:
            line["problem"] = exchange.problem
        with suppress(OSError):  # nobody reads the log: no reason to refuse requests
            os.write(self._descriptor, orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE))
