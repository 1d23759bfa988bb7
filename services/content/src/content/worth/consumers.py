"""What worth learns from others: which communities there are, and which orders and referrals are put down to a piece."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.worth import commands
from content.worth.attribution import commands as attribution
from content.worth.attribution.commands import Attribution
from contracts.engagement import OrderEvent, OrderRecorded, OrderReversed
from contracts.members import CommunityCreated, ReferralEvent, ReferralQualified, ReferralReversed

consumers = Consumers("worth")


@consumers.on(CommunityCreated, mode=Mode.EACH)
async def on_community(session: Session, events: list[Received[CommunityCreated]]) -> None:
    """Begin to count in an organization."""
    await commands.begin(session, events[0].envelope.organization)


@consumers.on(OrderRecorded, OrderReversed, mode=Mode.LATEST)
async def on_order(session: Session, events: list[Received[OrderEvent]]) -> None:
    """Keep which orders stand, and what they are put down to. Of one that was given back in whole nothing stands."""
    told = [
        Attribution(
            one.event.order_id,
            one.event.post_id,
            one.event.account_id,
            not one.event.cancelled and (one.event.reversed_fen < one.event.amount_fen or not one.event.reversed_fen),
        )
        for one in events
    ]
    await attribution.note(session, events[0].envelope.organization, "order", told)


@consumers.on(ReferralQualified, ReferralReversed, mode=Mode.LATEST)
async def on_referral(session: Session, events: list[Received[ReferralEvent]]) -> None:
    """Keep which referrals stand, and what they are put down to; whoever refers is the one who was moved by the piece."""
    told = [
        Attribution(one.event.referral_id, one.event.post_id, one.event.referrer_id, one.event.counts) for one in events
    ]
    await attribution.note(session, events[0].envelope.organization, "referral", told)


@consumers.clears
async def clear(session: Session) -> None:
    """Forget what the tenant's orders and referrals are put down to."""
    await attribution.forget(session)
