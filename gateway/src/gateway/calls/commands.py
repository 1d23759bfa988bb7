"""Destroying calls that are old."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from gateway.calls import policy

FORGET = "calls.forget"
"""The work of destroying old calls; the ledger asks for it with an organization's first call, and it asks for itself from then on."""
KEY = "calls"
BATCH = 5000
AGAIN_AFTER = timedelta(days=1)

_FORGET = text("""
DELETE FROM client_call WHERE id IN (SELECT id FROM client_call WHERE at < :since ORDER BY at LIMIT :most) RETURNING 1
""")


async def forget_some(session: Session, organization_id: UUID) -> None:
    """Destroy a batch of the organization's calls that are too old, and have the next one destroyed in its turn."""
    now = clock.now()
    gone = (await session.execute(_FORGET, {"since": policy.kept_since(now), "most": BATCH})).all()
    again = now if len(gone) == BATCH else now + AGAIN_AFTER
    await due.schedule(session, organization_id, FORGET, KEY, again)
