"""Contacts that become somebody, accounts that become one, and people who go: whose orders are they then?"""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import AccountMerged, ContactLinked, ErasureOrdered
from gateway.inbound.orders import commands

consumers = Consumers("inbound-orders")


@consumers.on(ContactLinked, mode=Mode.EACH)
async def on_linked(session: Session, events: list[Received[ContactLinked]]) -> None:
    """Know whom a partner's contact stands for, wherever the partner told of it."""
    for one in events:
        contact = one.envelope.organization, one.event.client_id, one.event.contact_id
        version = one.envelope.aggregateversion
        if one.event.account_id is None:
            await commands.forget_contact(session, *contact, version)
        else:
            await commands.know_contact(session, *contact, one.event.account_id, version)


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
