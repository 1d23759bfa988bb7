"""What becomes of partners and endpoints when members tells of API clients, consents, people and communities."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import (
    AccountMerged,
    ClientChanged,
    CommunityCreated,
    CommunityUpdated,
    ConsentChanged,
    ConsentPurpose,
    ErasureOrdered,
)
from contracts.members.communities import CommunityEvent
from gateway.endpoints import commands
from gateway.endpoints.partners import commands as partners

consumers = Consumers("endpoints")


@consumers.on(ClientChanged, mode=Mode.LATEST)
async def on_client(session: Session, events: list[Received[ClientChanged]]) -> None:
    """Know an API client; the endpoints of one that was withdrawn get nothing any more."""
    told = {one.event.client_id: one.event for one in events}
    await partners.note_partners(session, events[0].envelope.organization, list(told.values()))
    await commands.withdraw(session, [client_id for client_id, event in told.items() if not event.active])


@consumers.on(ConsentChanged, mode=Mode.LATEST)
async def on_consent(session: Session, events: list[Received[ConsentChanged]]) -> None:
    """Know who agreed that a partner is told of them."""
    told = {
        (one.event.client_id, one.event.account_id): one.event.granted
        for one in events
        if one.event.purpose is ConsentPurpose.PARTNER and one.event.client_id is not None
    }
    await partners.note_consents(session, events[0].envelope.organization, told)


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merge(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Let one account have what two agreed to."""
    for one in events:
        await partners.merge(session, one.envelope.organization, one.event.account_id, one.event.merged_account_id)


@consumers.on(ErasureOrdered, mode=Mode.EACH)
async def on_erasure(session: Session, events: list[Received[ErasureOrdered]]) -> None:
    """Destroy what people agreed to."""
    accounts = [one.event.account_id for one in events]
    await partners.erase(session, events[0].envelope.organization, accounts)


@consumers.on(CommunityCreated, CommunityUpdated, mode=Mode.LATEST)
async def on_community(session: Session, events: list[Received[CommunityEvent]]) -> None:
    """Know which communities an endpoint can be about."""
    ids = [one.event.community_id for one in events]
    await partners.note_communities(session, events[0].envelope.organization, ids)


@consumers.clears
async def clear(_session: Session) -> None:
    """Empty nothing before a backfill, which writes every row anew.

    Without partners and consents, what happens meanwhile would be withheld for good from partners that may have it.
    """
