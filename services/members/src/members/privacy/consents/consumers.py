"""What consents learn from accounts."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import AccountMerged, ErasureOrdered
from members.privacy.consents import commands

consumers = Consumers("consents")


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merge(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Let a merged account's decisions count for the one that lives on."""
    for received in events:
        await commands.hand_over(session, received.event.merged_account_id)


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Withdraw everything that an erased person agreed to."""
    for received in events:
        await commands.erase(session, received.event.account_id)
