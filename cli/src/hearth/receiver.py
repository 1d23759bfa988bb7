"""A receiver of webhooks on this machine: verifies what it gets, as any partner's receiver must, and says what came."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from chassis import clock

PATH: Final = "/webhooks"
MOST_BYTES: Final = 20_000
"""Bodies are shorter than this."""
TOLERANCE_SECONDS: Final = 300
READ_SECONDS: Final = 15.0
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  what secrets begin with


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came, and what is wrong with it: nothing when it is verified."""

    id: str
    fault: str | None
    body: bytes

    @property
    def verified(self) -> bool:
        """Whether it is what Hearth sent, lately."""
        return self.fault is None

    def document(self) -> dict[str, Any]:
        """Return the body as JSON, empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def fault_of(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> str | None:
    """Return why a message is not to be believed, None when it is. `headers` are looked up in small letters."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return "the secret is none"
    identity, at, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (identity and at and signatures):
        return "it is not signed"
    if not (at.isascii() and at.isdecimal() and len(at) <= len(str(2**53))):
        return "its time is none"
    if abs(now.timestamp() - int(at)) > TOLERANCE_SECONDS:
        return "its time is more than five minutes off"
    signed = f"{identity}.{at}.".encode("utf-8", "replace") + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    given = [one.encode("utf-8", "replace") for one in signatures.split(" ")]
    return None if any([hmac.compare_digest(expected, one) for one in given]) else "no signature fits"  # noqa: C419


class Receiver:
    """Listens on 127.0.0.1 in threads of its own, until it is closed. `tell` gets each request, one at a time or not.

    `secret` is given once the endpoint is there; what comes before that is refused and comes again.
    """

    def __init__(self, port: int, tell: Callable[[Received], None]) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = READ_SECONDS

            def do_POST(self) -> None:
                self.send_response(receiver.take(self))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401  the base class's
                """Say nothing: what comes is told by `tell`."""

        self.secret: str | None = None
        self._tell = tell
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}{PATH}"

    def take(self, request: BaseHTTPRequestHandler) -> HTTPStatus:
        """Read a request and tell of it; return what to answer."""
        if request.path != PATH:
            return HTTPStatus.NOT_FOUND
        if self.secret is None:
            return HTTPStatus.SERVICE_UNAVAILABLE
        length = request.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            return HTTPStatus.LENGTH_REQUIRED
        if len(length) > len(str(MOST_BYTES)) or int(length) >= MOST_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        body = request.rfile.read(int(length))
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(headers.get("webhook-id", ""), fault_of(headers, body, self.secret, clock.now()), body)
        self._tell(received)
        return HTTPStatus.NO_CONTENT if received.verified else HTTPStatus.UNAUTHORIZED
