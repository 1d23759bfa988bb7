"""Reading receipts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from chassis.errors import not_found
from gateway.inbound.receipts.schemas import ItemOut, ReceiptDetailOut, ReceiptOut, ReceiptState

_COLUMNS = """id, source_id, message_id, sent_at, received_at, state, reason, faults, mapping, tries, settled_at,
    CASE WHEN state = 'failed' AND body IS NOT NULL THEN ARRAY['retry'] ELSE '{}'::text[] END AS can"""
_LIST = f"""
SELECT {_COLUMNS} FROM inbound_receipt WHERE source_id = :source_id
"""
_ITEMS = text("""
SELECT position, kind, external_id, item_version AS version, state, reason, settled_at
FROM inbound_item WHERE receipt_id = :receipt_id ORDER BY position
""")


async def list_receipts(
    session: Session, source_id: UUID, state: ReceiptState | None, *, limit: int, before: UUID | None
) -> list[ReceiptOut]:
    """Return a source's receipts, the newest first."""
    query, values = _LIST, {"source_id": source_id, "limit": limit}
    filters: dict[str, Any] = {"state": state, "before": before}
    if state is not None:
        query += " AND state = :state"
    if before is not None:
        query += " AND id < :before"
    values |= {name: value for name, value in filters.items() if value is not None}
    rows = await session.execute(text(query + " ORDER BY id DESC LIMIT :limit"), values)
    return [ReceiptOut.model_validate(row) for row in rows]


async def get_receipt(session: Session, source_id: UUID, receipt_id: UUID) -> ReceiptDetailOut:
    """Return a receipt with its items. Raises Problem 404."""
    found = (
        await session.execute(text(_LIST + " AND id = :id"), {"source_id": source_id, "id": receipt_id})
    ).one_or_none()
    if found is None:
        raise not_found("receipt")
    items = await session.execute(_ITEMS, {"receipt_id": receipt_id})
    return ReceiptDetailOut(
        **ReceiptOut.model_validate(found).model_dump(), items=[ItemOut.model_validate(item) for item in items]
    )
