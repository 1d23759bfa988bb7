"""Members' orders to erase people."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.erasure import commands
from contracts.members import ErasureOrdered

consumers = Consumers("content-erasure")


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Have what the people left here erased."""
    organization_id = events[0].envelope.organization
    await commands.order(session, organization_id, [received.event.account_id for received in events])
