"""What figures of doors learn: moments of value, orders, merges."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.engagement import OrderEvent, OrderRecorded, OrderReversed
from contracts.members import AccountMerged, ValueMomentReached
from members.screening.figures import commands

consumers = Consumers("entry_figures")


@consumers.on(ValueMomentReached, mode=Mode.EACH)
async def on_moment(session: Session, events: list[Received[ValueMomentReached]]) -> None:
    """Keep who had a moment of value."""
    await commands.note_moments(session, events)


@consumers.on(OrderRecorded, OrderReversed, mode=Mode.EACH)
async def on_order(session: Session, events: list[Received[OrderEvent]]) -> None:
    """Keep what was bought, and what of it was given back."""
    await commands.note_orders(session, events)


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merge(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Give what a merged account had to the one that lives on."""
    for received in events:
        await commands.hand_over(session, received.event.merged_account_id, received.event.account_id)


@consumers.clears
async def clear(session: Session) -> None:
    """Forget what the tenant's events told, before a backfill."""
    await commands.forget(session)
