"""How a source's messages are verified, what a key for it looks like, and whose a source is."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.errors import Problem, invalid
from chassis.tokens import Principal
from gateway import signing

OLD_KEY_GOOD_FOR = timedelta(hours=24)
SHORTEST_SECRET = 24
LONGEST_SECRET = 512
MOST_KEYS = 5
"""Keys of one source that are good at once; each costs a verification of every message."""
_PUBLIC_KEY_SIZE = 32
PLACEHOLDER = re.compile(r"\{(id|timestamp|body)\}")


def client_of(principal: Principal, named: UUID | None) -> UUID:
    """Return whose source it shall be. Raises Problem 422 when staff name nobody, 403 when a program names another."""
    if principal.client_id is None:
        if named is None:
            raise invalid("/client_id", "missing", "Name the API client of the partner that sends.")
        return named
    if named not in {None, principal.client_id}:
        raise Problem(403, "forbidden", "An API client has sources of its own only.")
    return principal.client_id


def allowed(opened: bool, deleted: bool) -> list[str]:  # noqa: FBT001  two facts
    """Return what whoever sees a source may do with it."""
    if deleted:
        return []
    return ["edit", "close" if opened else "open", "rotate_key", "map", "delete"]


def new_secret(verification: Mapping[str, Any]) -> str:
    """Return a new secret for a source. Raises Problem 422 where the partner alone can make one."""
    if verification["kind"] == "standard":
        return signing.make_secret()
    if verification["algorithm"] == "ed25519":
        raise invalid(
            "/secret", "missing", "Messages signed by ed25519 are verified by the partner's public key: send it."
        )
    return secrets.token_urlsafe(32)


def check_secret(verification: Mapping[str, Any], text: str) -> None:
    """Raise Problem 422 unless the text is a key for messages verified this way; it never repeats the text."""
    if verification["kind"] == "standard":
        try:
            key = signing.parse_key(text)
        except signing.InvalidKeyError as error:
            raise invalid("/secret", error.code.replace("_", "-"), error.detail) from None
        if isinstance(key, signing.PrivateKey):
            raise invalid(
                "/secret", "key-private", "Send the public key (whpk_...); the private one stays with the partner."
            )
    elif verification["algorithm"] == "ed25519":
        if public_key_bytes(text) is None:
            raise invalid("/secret", "key-malformed", "An ed25519 public key is 32 bytes in hex or base64.")
    elif not SHORTEST_SECRET <= len(text.encode()) <= LONGEST_SECRET:
        raise invalid("/secret", "key-length", f"The secret must have {SHORTEST_SECRET} to {LONGEST_SECRET} bytes.")


def public_key_bytes(text: str) -> bytes | None:
    """Return the 32 bytes of an ed25519 public key in hex or base64, None for anything else."""
    try:
        raw = bytes.fromhex(text) if len(text) == 2 * _PUBLIC_KEY_SIZE else b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    return raw if len(raw) == _PUBLIC_KEY_SIZE else None


def shown(verification: Mapping[str, Any]) -> bool:
    """Whether the source's key is a secret; a public key is none."""
    return bool(verification["kind"] == "standard" or verification["algorithm"] != "ed25519")
