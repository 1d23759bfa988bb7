"""Members' events about conduct, tiers and phones."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.moderation.sanctions import commands
from contracts.members import (
    PhoneVerificationChanged,
    SanctionEnded,
    SanctionEvent,
    SanctionImposed,
    TierChanged,
    TierEvent,
    TierStandingChanged,
)

consumers = Consumers("content-conduct")


@consumers.on(SanctionImposed, SanctionEnded, mode=Mode.LATEST)
async def on_sanction(session: Session, events: list[Received[SanctionEvent]]) -> None:
    """Keep mutes and suspensions."""
    for received in events:
        await commands.keep_sanction(session, received.envelope.organization, received.event)


@consumers.on(TierChanged, TierStandingChanged, mode=Mode.LATEST)
async def on_tier(session: Session, events: list[Received[TierEvent]]) -> None:
    """Keep each member's tier."""
    for received in events:
        await commands.keep_tier(session, received.envelope.organization, received.event)


@consumers.on(PhoneVerificationChanged, mode=Mode.LATEST)
async def on_phone(session: Session, events: list[Received[PhoneVerificationChanged]]) -> None:
    """Keep who has a verified phone."""
    for received in events:
        await commands.keep_phone(session, received.envelope.organization, received.event)


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's sanctions, tiers and phones."""
    await commands.forget(session)
