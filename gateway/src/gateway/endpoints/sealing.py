"""How endpoints' keys and headers rest in the database: sealed, and good for no other endpoint."""

from __future__ import annotations

from uuid import UUID

import orjson

from chassis.vault import Vault

SECRET = "endpoint secret"  # noqa: S105  the name of a purpose
HEADERS = "endpoint headers"


def seal_secret(vault: Vault, endpoint_id: UUID, text: str) -> bytes:
    """Seal a key's text (whsec_…, whsk_…)."""
    return vault.seal(SECRET, text.encode(), endpoint_id.bytes)


def open_secret(vault: Vault, endpoint_id: UUID, sealed: bytes) -> str:
    """Return a key's text. Raises ValueError when it was sealed with another secret, or for another endpoint."""
    return vault.open(SECRET, sealed, endpoint_id.bytes).decode()


def seal_headers(vault: Vault, endpoint_id: UUID, headers: dict[str, str]) -> bytes | None:
    """Seal an endpoint's headers, which may be a partner's credentials; None for none."""
    return vault.seal(HEADERS, orjson.dumps(headers), endpoint_id.bytes) if headers else None


def open_headers(vault: Vault, endpoint_id: UUID, sealed: bytes | None) -> dict[str, str]:
    """Return an endpoint's headers. Raises ValueError when they were sealed with another secret, or for another endpoint."""
    headers: dict[str, str] = {} if sealed is None else orjson.loads(vault.open(HEADERS, sealed, endpoint_id.bytes))
    return headers
