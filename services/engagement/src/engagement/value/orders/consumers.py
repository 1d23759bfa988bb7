"""What orders learn from partners, and from members about those who bought."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.base import Event
from contracts.members import AccountMerged, ErasureOrdered
from contracts.partners import PartnerOrderEvent, PartnerOrderRecorded, PartnerOrderRefunded
from engagement.value.orders import commands

consumers = Consumers("orders")


@consumers.on(PartnerOrderRecorded, PartnerOrderRefunded, mode=Mode.LATEST)
async def on_order(session: Session, events: list[Received[PartnerOrderEvent]]) -> None:
    """Keep orders as they were told last."""
    await commands.record(session, events[0].envelope.organization, events)


# One handler for both: tenants are locked in one order for everybody.
@consumers.on(AccountMerged, ErasureOrdered, mode=Mode.EACH)
async def on_gone(session: Session, events: list[Received[Event]]) -> None:
    """Move merged accounts' orders, and detach those of erased people."""
    await commands.part(session, events[0].envelope.organization, events)


@consumers.clears
async def clear(session: Session) -> None:
    """Keep the orders: others know of them by versions that cannot begin anew. A backfill adds what is missing or newer."""
