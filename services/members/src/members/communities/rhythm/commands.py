"""Every write of the rhythm: content's slots, as it tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from chassis.db import Session
from chassis.inbox import Received
from contracts.content import SlotEvent, SlotRetired

_PUT = text("""
INSERT INTO recurring_slot (slot_id, organization_id, community_id, theme_id, retired)
VALUES (:slot_id, :organization_id, :community_id, :theme_id, :retired)
ON CONFLICT (slot_id) DO UPDATE SET theme_id = EXCLUDED.theme_id, retired = EXCLUDED.retired
""")


async def note_slots(session: Session, events: Sequence[Received[SlotEvent]]) -> None:
    """Keep which slots there are, and under which theme."""
    await session.execute(
        _PUT,
        [
            {
                "slot_id": one.event.slot_id,
                "organization_id": one.envelope.organization,
                "community_id": one.event.community_id,
                "theme_id": one.event.theme_id,
                "retired": isinstance(one.event, SlotRetired),
            }
            for one in events
        ],
    )


async def forget_slots(session: Session) -> None:
    """Forget the tenant's slots, before a backfill."""
    await session.execute(text("DELETE FROM recurring_slot"))
