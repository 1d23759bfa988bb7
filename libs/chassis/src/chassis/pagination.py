"""Keyset cursors: opaque, signed, and good only for the list and the tenant that they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Query

from chassis.errors import Fault, Problem

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
_SIGNATURE_BYTES = 16

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="how many at the most")]
CursorText = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")]


Row = TypeVar("Row")


class Cursors:
    """Makes and reads cursors."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"cursor:{secret}".encode()).digest()

    def _sign(self, scope: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\0" + payload, "sha256")[:_SIGNATURE_BYTES]

    def encode(self, scope: str, *values: Any) -> str:  # noqa: ANN401  any JSON value
        """Return a cursor behind a row with these sort values; `scope` names the list, its tenant and its filters."""
        payload = orjson.dumps(values)
        return base64.urlsafe_b64encode(self._sign(scope, payload) + payload).rstrip(b"=").decode()

    def following(self, scope: str, rows: Sequence[Row], limit: int, key: Callable[[Row], Any]) -> str | None:
        """Return the cursor behind the first `limit` of these rows, None when no more of them were read.

        `key` gives a row's sort value, or a tuple of them; ids, instants and decimals are written as texts.
        """
        if len(rows) <= limit:
            return None
        found = key(rows[limit - 1])
        return self.encode(scope, *map(_plain, found if isinstance(found, tuple) else (found,)))

    def decode(self, scope: str, cursor: str | None) -> list[Any] | None:
        """Return the sort values of a cursor, None for none. Raises Problem 422 for one that was not given out for this list."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not raw or not hmac.compare_digest(signature, self._sign(scope, payload)):
            raise Problem(
                422,
                "invalid",
                "The cursor was not given out for this list.",
                errors=[
                    Fault(
                        "/query/cursor", "cursor-invalid", "Use next_cursor of the page before, with the same filters."
                    )
                ],
            )
        values: list[Any] = orjson.loads(payload)
        return values


def _plain(value: Any) -> Any:  # noqa: ANN401  any sort value
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value
