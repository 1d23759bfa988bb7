"""Whether a message is its partner's: what is signed, by which key, and when. Whatever is wrong is a verdict, never an error."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway import signing
from gateway.inbound.mapping.paths import MISSING
from gateway.inbound.sources.policy import PLACEHOLDER, public_key_bytes

TOLERANCE_SECONDS = 300
LONGEST_ID = 256
LONGEST_SIGNATURE = 1024
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){1,128}")
_INSTANT = re.compile(r"0|[1-9][0-9]{0,13}")
_ID = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A message that is its partner's. Without `message_id` it has none outside of its body."""

    message_id: str | None
    sent_at: datetime | None


def verify(
    verification: Mapping[str, Any], headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime
) -> Verified | None:
    """Return what a message's headers say, signed by one of the keys, or None. `headers` has names in small letters, each once."""
    if verification["kind"] == "standard":
        verdict = signing.verify(headers, body, [signing.parse_key(key) for key in keys], now, TOLERANCE_SECONDS)
        if not verdict.verified or verdict.sent_at is None:
            return None
        return Verified(verdict.message_id, datetime.fromtimestamp(verdict.sent_at, UTC))
    return _custom(verification, headers, body, keys, now)


def _custom(
    verification: Mapping[str, Any], headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime
) -> Verified | None:
    signature = _signature(verification, headers)
    parts = {"body": body, "timestamp": b"", "id": b""}
    sent_at, message_id = None, None
    if verification["timestamp"] is not None:
        written = headers.get(verification["timestamp"]["header"].lower(), "")
        if not _INSTANT.fullmatch(written):
            return None
        seconds = int(written) / (1 if verification["timestamp"]["unit"] == "s" else 1000)
        if abs(now.timestamp() - seconds) > TOLERANCE_SECONDS:
            return None
        sent_at, parts["timestamp"] = datetime.fromtimestamp(seconds, UTC), written.encode()
    place = verification["message_id"]
    if place is not None and place["header"] is not None:
        message_id = headers.get(place["header"].lower(), "")
        if not _ID.fullmatch(message_id):
            return None
        parts["id"] = message_id.encode()
    if signature is None:
        return None
    content = _content(verification["signed"], parts)
    # Every key is tried, whichever matches.
    matches = [_accepts(verification["algorithm"], key, signature, content) for key in keys]
    return Verified(message_id, sent_at) if any(matches) else None


def _content(template: str, parts: Mapping[str, bytes]) -> bytes:
    pieces = PLACEHOLDER.split(template)
    return b"".join(parts[piece] if index % 2 else piece.encode() for index, piece in enumerate(pieces))


def _signature(verification: Mapping[str, Any], headers: Mapping[str, str]) -> bytes | None:
    given = headers.get(verification["signature_header"].lower(), "")
    prefix = verification["prefix"]
    if len(given) > LONGEST_SIGNATURE or not given.startswith(prefix):
        return None
    text = given.removeprefix(prefix).strip(" ")
    if verification["encoding"] == "hex":
        return bytes.fromhex(text) if _HEX.fullmatch(text) else None
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None


def _accepts(algorithm: str, key: str, signature: bytes, content: bytes) -> bool:
    if algorithm == "ed25519":
        raw = public_key_bytes(key)
        try:
            Ed25519PublicKey.from_public_bytes(raw or b"").verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True
    return hmac.compare_digest(hmac.digest(key.encode(), content, algorithm.removeprefix("hmac-")), signature)


def message_id_in(verification: Mapping[str, Any], document: Any, body: bytes) -> str | None:  # noqa: ANN401  JSON
    """Return the id of a message that has none in its headers: from its body, or the sum of it. None when the body lacks it."""
    place = verification["message_id"]
    if place is None:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    found = _resolve(document, place["pointer"])
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found if isinstance(found, str) and 1 <= len(found) <= LONGEST_ID and found.isprintable() else None


def _resolve(document: Any, place: str) -> Any:  # noqa: ANN401  JSON
    """Return what a JSON pointer (RFC 6901) points at, MISSING for nothing."""
    here = document
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and name in here:
            here = here[name]
        elif isinstance(here, list) and name.isascii() and name.isdigit() and len(name) < 7 and int(name) < len(here):  # noqa: PLR2004  no list is longer
            here = here[int(name)]
        else:
            return MISSING
    return here
