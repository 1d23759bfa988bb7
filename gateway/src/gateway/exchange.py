"""One request and its answer, as far as the gateway knows them."""

from __future__ import annotations

import re

from multidict import istr
from opentelemetry.trace import Span

from chassis.tokens import Principal
from gateway.calls.ledger import Call
from gateway.routing import Route

Headers = list[tuple[bytes, bytes]]


class Exchange:
    """What `headers.read` found in a request's head, what was decided since, and what the answer carries whoever gives it."""

    __slots__ = (
        "answer",
        "answered",
        "authorization",
        "call",
        "chunked",
        "connection",
        "content_length",
        "forward",
        "forwarded_for",
        "forwarded_proto",
        "host",
        "idempotency_key",
        "if_none_match",
        "origin",
        "preflight",
        "principal",
        "problem",
        "request_id",
        "route",
        "span",
        "span_id",
        "trace_flags",
        "trace_id",
        "traceparent",
        "tracestate",
        "upgrade",
        "wants_gzip",
    )

    def __init__(self) -> None:
        self.authorization: bytes | None = None
        self.chunked = False
        self.connection: bytes | None = None
        self.content_length: int | None = None
        self.forwarded_for: bytes | None = None
        self.forwarded_proto: bytes | None = None
        self.host: bytes | None = None
        self.idempotency_key = False
        self.if_none_match: bytes | None = None
        self.origin: bytes | None = None
        self.preflight = False
        self.request_id = ""
        self.traceparent: re.Match[bytes] | None = None
        self.tracestate: bytes | None = None
        self.upgrade: bytes | None = None
        self.wants_gzip = False

        self.forward: list[tuple[istr, str]] = []
        """What travels on to the service."""
        self.route: Route | None = None
        self.principal: Principal | None = None
        self.answer: Headers = []
        """What the answer carries besides its own headers."""
        self.answered = False
        """Whether the answer has begun, so that a problem comes too late."""
        self.call: Call | None = None
        """The call in the ledger, when an API client asks."""
        self.problem: str | None = None
        self.span: Span | None = None
        """The span where traces are exported; its ids are below in any case."""
        self.trace_id = ""
        self.span_id = ""
        self.trace_flags = "00"
