"""Accounts that become one, and people who go: whose orders are they then?"""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import AccountMerged, ErasureOrdered
from gateway.inbound.orders import commands

consumers = Consumers("inbound-orders")


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merged(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Move contacts and orders to the account that lives on."""
    for one in events:
        await commands.merge_accounts(
            session, one.envelope.organization, one.event.merged_account_id, one.event.account_id
        )


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Forget whom partners' contacts and orders led to."""
    for one in events:
        await commands.erase_account(session, one.envelope.organization, one.event.account_id)
