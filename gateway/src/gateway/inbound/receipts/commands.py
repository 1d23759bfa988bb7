"""Having a message that failed tried again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock
from chassis.db import Session
from chassis.errors import Problem, not_found

_LOCK = text(
    "SELECT state, body IS NOT NULL AS kept FROM inbound_receipt WHERE id = :id AND source_id = :source_id FOR UPDATE"
)
_WAIT = text("""
UPDATE inbound_receipt SET state = 'waiting', reason = NULL, faults = '[]', settled_at = NULL, tried_since = :now WHERE id = :id
""")
_WAIT_ITEMS = text("""
UPDATE inbound_item SET state = 'waiting', reason = NULL, settled_at = NULL WHERE receipt_id = :id AND state = 'failed'
""")
_QUEUE = text("""
INSERT INTO inbound_queue (receipt_id, organization_id, due_at) VALUES (:id, :organization_id, :now)
ON CONFLICT (receipt_id) DO UPDATE SET due_at = EXCLUDED.due_at
""")


async def retry(session: Session, organization_id: UUID, source_id: UUID, receipt_id: UUID) -> None:
    """Try what failed of a message again, by the mapping that is in force. Raises Problem 404, 409."""
    found = (await session.execute(_LOCK, {"id": receipt_id, "source_id": source_id})).one_or_none()
    if found is None:
        raise not_found("receipt")
    if found.state != "failed":
        raise Problem(409, "not-failed", "Only what failed can be tried again.")
    if not found.kept:
        raise Problem(409, "body-gone", "What the message said is not kept any more: have the partner send it anew.")
    now = clock.now()
    await session.execute(_WAIT, {"id": receipt_id, "now": now})
    await session.execute(_WAIT_ITEMS, {"id": receipt_id})
    await session.execute(_QUEUE, {"id": receipt_id, "organization_id": organization_id, "now": now})
