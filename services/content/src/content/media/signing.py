"""Signed, expiring addresses of media: whoever holds one may read that one thing until it expires, and nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from content.media.policy import Variant

_EXPIRY_BYTES = 5
_SIGNATURE_BYTES = 18  # with what is signed a multiple of three bytes: then base64 has one way to write it
_BODY_BYTES = 16 + _EXPIRY_BYTES


class Granted(NamedTuple):
    """What a token says: whose organization the thing is, and until when it may be read."""

    organization_id: UUID
    expires_at: datetime


class Signer:
    """Makes and reads the tokens of addresses."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"media:{secret}".encode()).digest()

    def _sign(self, body: bytes, media_id: UUID, variant: str) -> bytes:
        return hmac.digest(self._key, body + media_id.bytes + variant.encode(), "sha256")[:_SIGNATURE_BYTES]

    def token(self, organization_id: UUID, media_id: UUID, variant: Variant, expires_at: datetime) -> str:
        """Return the token that lets its holder read this variant until then."""
        body = organization_id.bytes + int(expires_at.timestamp()).to_bytes(_EXPIRY_BYTES)
        return base64.urlsafe_b64encode(body + self._sign(body, media_id, variant)).rstrip(b"=").decode()

    def read(self, token: str, media_id: UUID, variant: str) -> Granted | None:
        """Return what a token of this variant says, None when nobody here made it. Whether it expired is the caller's question."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, signature = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
        if len(body) != _BODY_BYTES or not hmac.compare_digest(signature, self._sign(body, media_id, variant)):
            return None
        return Granted(UUID(bytes=body[:16]), datetime.fromtimestamp(int.from_bytes(body[16:]), UTC))


def rounded_expiry(now: datetime, seconds: int) -> datetime:
    """Return when an address made now expires: between `seconds` and a quarter more, so that it stays the same for a while.

    Whoever reads a list twice finds the images that it names in the browser's cache.
    """
    step = max(seconds // 4, 1)
    return datetime.fromtimestamp((int(now.timestamp()) // step + 1) * step + seconds, UTC)
