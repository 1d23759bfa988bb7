"""Header hygiene, both ways: what arrives is read once, and only what may travel on does.

Hop-by-hop fields (RFC 9110, 7.6.1) end here, with whatever Connection names. Fields by which Hearth or a proxy speaks of a caller
(X-Hearth-*, X-Forwarded-*, Forwarded) are never taken from a client; the gateway writes its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from multidict import istr

from chassis.errors import Problem
from gateway.exchange import Exchange, Headers

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
INTERNAL = (b"x-hearth-", b"x-forwarded-", b"x-real-ip", b"x-original-", b"x-envoy-", b"forwarded")
# Read by name below; what of them travels on is written anew.
READ_HERE = frozenset(
    (b"host", b"content-length", b"expect", b"x-request-id", b"traceparent", b"tracestate", b"baggage")
)
# Answers: these are the gateway's to say.
OWN_ANSWER = (b"access-control-", b"ratelimit", b"x-hearth-", b"x-ratelimit-")
OWN_ANSWER_NAMES = HOP_BY_HOP | {b"date", b"server", b"x-request-id", b"x-content-type-options", b"alt-svc"}

# A caller's own id goes into every log line, so it must be short and plain.
REQUEST_ID = re.compile(rb"[A-Za-z0-9._~-]{8,128}")
TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
DIGITS = re.compile(rb"[0-9]{1,18}")
HOST = re.compile(rb"[A-Za-z0-9.:_\[\]-]{1,255}")
VERSIONS = frozenset(("1.1", "1.0"))
MOST_HEADERS = 100
VIA = "1.1 hearth-gateway"

_DROPPED = istr("")
_common = (
    "Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Content-Encoding Content-Language Content-Type "
    "Cookie DNT Hearth-After Idempotency-Key If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Last-Event-ID "
    "Origin Pragma Prefer Priority Range Referer Save-Data Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest "
    "Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Upgrade-Insecure-Requests User-Agent Via Webhook-Id Webhook-Signature "
    "Webhook-Timestamp"
)
# Names seen on nearly every request, with what becomes of them, so that one look-up decides.
_KNOWN: dict[bytes, istr] = {name.lower().encode(): istr(name) for name in _common.split()}
_KNOWN.update(dict.fromkeys(HOP_BY_HOP | READ_HERE, _DROPPED))


def _disposition(name: bytes) -> istr:
    """Return the name to send on, empty when the field ends here."""
    plain = name.replace(b"_", b"-")
    if plain in HOP_BY_HOP or plain in READ_HERE or plain.startswith(INTERNAL):
        return _DROPPED
    return istr(name.decode("ascii"))


def read(scope: Mapping[str, Any], exchange: Exchange, limit: int) -> None:
    """Read a request's head. `limit` in bytes. Raises Problem 400, 431, 501, 505 or 508."""
    headers: Headers = scope["headers"]
    size = 0
    forward = exchange.forward
    for name, value in headers:
        size += len(name) + len(value) + 4
        take = _TAKEN.get(name)
        if take is not None:
            take(exchange, value)
        target = _KNOWN.get(name)
        if target is None:
            target = _disposition(name)
        if target:
            try:
                forward.append((target, value.decode()))
            except UnicodeDecodeError:
                raise Problem(400, "malformed-header", "A header is not UTF-8.") from None
    if size > limit or len(headers) > MOST_HEADERS:
        raise Problem(431, "headers-too-large", f"A request head holds up to {limit} bytes and {MOST_HEADERS} headers.")
    _check(exchange, scope["http_version"])


def _check(exchange: Exchange, version: str) -> None:
    """Look at the head as a whole."""
    if version not in VERSIONS:
        raise Problem(505, "http-version-unsupported", "HTTP/1.1 and HTTP/1.0 are spoken here.")
    if exchange.connection is not None and exchange.connection.lower() not in {b"keep-alive", b"close"}:
        _drop_named(exchange, exchange.connection)
    else:
        exchange.upgrade = None
    if exchange.chunked and (exchange.content_length is not None or version == "1.0"):
        raise Problem(400, "malformed-framing", "Transfer-Encoding goes neither with Content-Length nor with HTTP/1.0.")
    if exchange.host is None and version == "1.1":
        raise Problem(400, "malformed-header", "Host is missing.")


def _joined(before: bytes | None, value: bytes) -> bytes:
    return value if before is None else before + b"," + value


def _take_host(exchange: Exchange, value: bytes) -> None:
    if exchange.host is not None or not HOST.fullmatch(value):
        raise Problem(400, "malformed-header", "Host is not one name.")
    exchange.host = value


def _take_authorization(exchange: Exchange, value: bytes) -> None:
    # Two readers of two tokens might each take another one.
    if exchange.authorization is not None:
        raise Problem(400, "malformed-header", "Authorization stands twice.")
    exchange.authorization = value


def _take_content_length(exchange: Exchange, value: bytes) -> None:
    if exchange.content_length is not None or not DIGITS.fullmatch(value):
        raise Problem(400, "malformed-framing", "Content-Length is not one number.")
    exchange.content_length = int(value)


def _take_transfer_encoding(exchange: Exchange, value: bytes) -> None:
    if exchange.chunked or value.strip().lower() != b"chunked":
        raise Problem(501, "transfer-encoding-unsupported", "The only transfer coding here is chunked.")
    exchange.chunked = True


def _take_via(_exchange: Exchange, value: bytes) -> None:
    # A service's URL that leads back here would have each request go round until something gives out.
    if VIA.encode() in value:
        raise Problem(508, "loop", "This request has been here before: a service's address leads to the gateway.")


def _take_connection(exchange: Exchange, value: bytes) -> None:
    exchange.connection = _joined(exchange.connection, value)


def _take_upgrade(exchange: Exchange, value: bytes) -> None:
    exchange.upgrade = value.strip().lower()


def _take_request_id(exchange: Exchange, value: bytes) -> None:
    if REQUEST_ID.fullmatch(value):
        exchange.request_id = value.decode("ascii")


def _take_traceparent(exchange: Exchange, value: bytes) -> None:
    exchange.traceparent = TRACEPARENT.fullmatch(value)


def _take_tracestate(exchange: Exchange, value: bytes) -> None:
    exchange.tracestate = _joined(exchange.tracestate, value)


def _take_forwarded_for(exchange: Exchange, value: bytes) -> None:
    exchange.forwarded_for = _joined(exchange.forwarded_for, value)


def _take_forwarded_proto(exchange: Exchange, value: bytes) -> None:
    exchange.forwarded_proto = value


def _take_origin(exchange: Exchange, value: bytes) -> None:
    exchange.origin = value


def _take_preflight(exchange: Exchange, _value: bytes) -> None:
    exchange.preflight = True


def _take_idempotency_key(exchange: Exchange, _value: bytes) -> None:
    exchange.idempotency_key = True


def _take_if_none_match(exchange: Exchange, value: bytes) -> None:
    exchange.if_none_match = _joined(exchange.if_none_match, value)


def _take_accept_encoding(exchange: Exchange, value: bytes) -> None:
    exchange.wants_gzip = b"gzip" in value


_TAKEN: dict[bytes, Callable[[Exchange, bytes], None]] = {
    b"accept-encoding": _take_accept_encoding,
    b"access-control-request-method": _take_preflight,
    b"authorization": _take_authorization,
    b"connection": _take_connection,
    b"content-length": _take_content_length,
    b"host": _take_host,
    b"idempotency-key": _take_idempotency_key,
    b"if-none-match": _take_if_none_match,
    b"origin": _take_origin,
    b"traceparent": _take_traceparent,
    b"tracestate": _take_tracestate,
    b"transfer-encoding": _take_transfer_encoding,
    b"upgrade": _take_upgrade,
    b"via": _take_via,
    b"x-forwarded-for": _take_forwarded_for,
    b"x-forwarded-proto": _take_forwarded_proto,
    b"x-request-id": _take_request_id,
}


def _drop_named(exchange: Exchange, connection: bytes) -> None:
    """Drop what Connection names: it was meant for this hop. Authorization stays, else a caller could make the service see another one."""
    names = {token.strip().lower() for token in connection.decode("latin-1").split(",")} - {
        "authorization",
        "content-type",
        "",
    }
    exchange.forward = [pair for pair in exchange.forward if pair[0].lower() not in names]
    if "upgrade" not in names:
        exchange.upgrade = None


def answer(raw: Iterable[tuple[bytes, bytes]], status: int, base: bytes) -> Headers:
    """Return the headers of a service's answer that travel on to the caller; `base` is the service's own URL, taken off Location."""
    headers: Headers = []
    named: bytes = b""
    for original, value in raw:
        name = original.lower()
        if name in OWN_ANSWER_NAMES or name.startswith(OWN_ANSWER):
            if name == b"connection":
                named = named + b"," + value if named else value
            continue
        if name == b"content-length" and status in (204, 304):
            # Without a body it would be a promise that the server behind `send` insists on.
            continue
        if name == b"location" and value.startswith(base):
            value = value[len(base) :] or b"/"  # noqa: PLW2901  the rewritten one takes its place
        headers.append((name, value))
    if named and named.lower() not in (b"keep-alive", b"close"):
        drop = {token.strip().lower() for token in named.split(b",")}
        headers = [pair for pair in headers if pair[0] not in drop]
    return headers
