"""Looking up a source for a message, before anything is known of its sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from chassis import clock
from chassis.db import Reader
from chassis.vault import Vault
from contracts.base import SYSTEM_ORGANIZATION
from gateway.inbound.sources.commands import PURPOSE


@dataclass(frozen=True, slots=True)
class Taking:
    """What verifying a source's messages needs."""

    organization_id: UUID
    verification: Mapping[str, Any]
    keys: tuple[str, ...]


async def find_taking(reader: Reader, vault: Vault, source_id: UUID) -> Taking | None:
    """Return an open source, None when there is none."""
    # The function looks across tenants; nothing else is read.
    found = await reader.json(SYSTEM_ORGANIZATION, "SELECT inbound_source($2)", source_id)
    if found is None:
        return None
    row, now = orjson.loads(found), clock.now()
    keys = [
        _unsealed(vault, UUID(key["id"]), key["sealed"])
        for key in row["keys"]
        if key["expires_at"] is None or datetime.fromisoformat(key["expires_at"]) > now
    ]
    return Taking(UUID(row["organization_id"]), row["verification"], tuple(keys))


@lru_cache(maxsize=1024)
def _unsealed(vault: Vault, key_id: UUID, sealed: str) -> str:
    return vault.open(PURPOSE, bytes.fromhex(sealed), key_id.bytes).decode()
