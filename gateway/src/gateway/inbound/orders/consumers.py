"""Accounts that become one: what the one bought is the other's."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import AccountMerged
from gateway.inbound.orders import commands

consumers = Consumers("inbound-orders")


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merged(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Move contacts and orders to the account that lives on."""
    for one in events:
        await commands.merge_accounts(
            session, one.envelope.organization, one.event.merged_account_id, one.event.account_id
        )
