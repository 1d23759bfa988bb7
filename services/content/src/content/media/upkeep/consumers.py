"""Members' events about people whose uploads are here."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.media.upkeep import commands
from contracts.members import AccountMerged, ErasureOrdered

consumers = Consumers("content-media")


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Erase what the people uploaded."""
    organization_id = events[0].envelope.organization
    await commands.erase_people(session, organization_id, [received.event.account_id for received in events])


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merge(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Give the merged account's uploads to the one that lives on."""
    for received in events:
        event = received.event
        await commands.adopt(session, received.envelope.organization, event.account_id, event.merged_account_id)
