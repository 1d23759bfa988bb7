"""What contacts learn from accounts. Merges need no word here: they move the identities along."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import ErasureOrdered
from members.contacts import commands

consumers = Consumers("contacts")


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Forget an erased person's contacts."""
    for received in events:
        await commands.erase(session, received.event.account_id)
