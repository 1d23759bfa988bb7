"""Looking up what is to be applied."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.db import Session

_RECEIPT = text("""
SELECT receipt.id, receipt.organization_id, receipt.body, receipt.mapping AS read_by, receipt.tries, receipt.tried_since,
    source.client_id, source.mapping AS in_force, source_mapping.text
FROM inbound_receipt AS receipt JOIN source ON source.id = receipt.source_id
    LEFT JOIN source_mapping ON source_mapping.source_id = source.id AND source_mapping.number = source.mapping
WHERE receipt.id = :id AND receipt.state = 'waiting' FOR UPDATE OF receipt
""")
_WAITING = text("SELECT position FROM inbound_item WHERE receipt_id = :id AND state = 'waiting'")
_NEWEST = text("SELECT item_version FROM inbound_applied WHERE client_id = :client_id AND kind = :kind AND key = :key")


async def lock_receipt(session: Session, receipt_id: UUID) -> Row[Any] | None:
    """Return a receipt that waits, with its source and the mapping in force; None when it was settled."""
    return (await session.execute(_RECEIPT, {"id": receipt_id})).one_or_none()


async def waiting_positions(session: Session, receipt_id: UUID) -> set[int]:
    """Return which items of a receipt are not settled."""
    return set((await session.execute(_WAITING, {"id": receipt_id})).scalars())


async def newest_version(session: Session, client_id: UUID, kind: str, key: str) -> int | None:
    """Return the newest version of a thing that members took."""
    found = await session.execute(_NEWEST, {"client_id": client_id, "kind": kind, "key": key})
    version: int | None = found.scalar_one_or_none()
    return version
