"""What segments learn of orders, and of those who placed them."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import AccountMerged, ErasureOrdered
from contracts.partners import PartnerOrderEvent, PartnerOrderRecorded, PartnerOrderRefunded
from members.segments.currency import commands as currency
from members.segments.orders import commands
from members.segments.orders.policy import Order

consumers = Consumers("order-facts")


@consumers.on(PartnerOrderRecorded, PartnerOrderRefunded, mode=Mode.LATEST)
async def on_order(session: Session, events: list[Received[PartnerOrderEvent]]) -> None:
    """Count orders for their buyers, and look at these again."""
    organization_id = events[0].envelope.organization
    orders = [
        Order(
            one.event.order_id,
            one.envelope.aggregateversion,
            one.event.community_id,
            one.event.account_id,
            one.event.placed_at,
            one.event.currency,
            one.event.amount_fen,
            one.event.refunded_fen,
            one.event.cancelled,
        )
        for one in events
    ]
    await currency.touch(session, organization_id, await commands.keep(session, organization_id, orders))


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_account_merged(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Count merged accounts' orders as those of who lives on."""
    organization_id = events[0].envelope.organization
    gone = {one.event.merged_account_id for one in events}
    await currency.touch(session, organization_id, await commands.hand_over(session, organization_id, gone))


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Count nothing for people who are erased."""
    organization_id = events[0].envelope.organization
    gone = {one.event.account_id for one in events}
    await currency.touch(session, organization_id, await commands.erase(session, organization_id, gone))


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's orders, before a backfill."""
    await commands.forget(session)
