"""What deliveries learn from outreach and its channels."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.delivery import commands
from contracts.engagement import DeliveryReached

consumers = Consumers("delivery")


@consumers.on(DeliveryReached, mode=Mode.EACH)
async def on_reached(session: Session, events: list[Received[DeliveryReached]]) -> None:
    """Keep when each channel had carried a delivery."""
    await commands.note_reached(session, [one.event for one in events])


@consumers.clears
async def clear(session: Session) -> None:
    """Forget what the tenant's channels carried."""
    await commands.forget_reached(session)
