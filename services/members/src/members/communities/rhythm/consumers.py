"""What communities learn from content: their slots."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.content import SlotChanged, SlotDefined, SlotEvent, SlotRetired
from members.communities.rhythm import commands

consumers = Consumers("rhythm")


@consumers.on(SlotDefined, SlotChanged, SlotRetired, mode=Mode.LATEST)
async def on_slot(session: Session, events: list[Received[SlotEvent]]) -> None:
    """Keep which slots there are, and under which theme."""
    await commands.note_slots(session, events)


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's slots."""
    await commands.forget_slots(session)
