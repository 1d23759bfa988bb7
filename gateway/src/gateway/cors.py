"""CORS: which browser origins may read answers. Tokens travel in a header, never in a cookie, so no credentials are allowed."""

from __future__ import annotations

from collections.abc import Iterable

from chassis.errors import Problem
from gateway.exchange import Headers

EXPOSED = b"Content-Language, ETag, Hearth-Position, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
ALLOWED_HEADERS = (
    b"Accept, Accept-Language, Authorization, Content-Language, Content-Type, Hearth-After, Idempotency-Key, If-Match, If-None-Match, "
    b"Last-Event-ID, Traceparent, Tracestate, X-Request-Id"
)
ALLOWED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
PREFLIGHT_SECONDS = b"7200"
VARY = (b"vary", b"Origin")


class Cors:
    """The origins that may read answers."""

    def __init__(self, origins: Iterable[str]) -> None:
        # An Origin has no trailing slash; an operator's may.
        self._origins = frozenset(origin.rstrip("/").encode() for origin in origins)
        self._any = b"*" in self._origins
        self._answers: dict[bytes, Headers] = {
            origin: [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED), VARY]
            for origin in self._origins
        }
        self._other: Headers = [VARY] if self._origins and not self._any else []

    def answer(self, origin: bytes | None) -> Headers:
        """Return what an answer to a request from `origin` carries."""
        if self._any:
            return self._answers[b"*"] if origin is not None else self._other
        return self._answers.get(origin, self._other) if origin is not None else self._other

    def preflight(self, origin: bytes) -> Headers:
        """Return the answer to a preflight. Raises Problem 403 for an origin that is not allowed."""
        headers = self.answer(origin)
        if not headers or headers is self._other:
            raise Problem(403, "origin-not-allowed", "This origin may not use the API from a browser.")
        return [
            *headers,
            (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers"),
            (b"access-control-allow-methods", ALLOWED_METHODS),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
        ]
