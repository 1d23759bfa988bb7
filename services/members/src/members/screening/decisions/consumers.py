"""What screening learns of memberships, accounts and communities."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import (
    AccountMerged,
    CommunityState,
    CommunityUpdated,
    MembershipEvent,
    MembershipLeft,
    MembershipRemoved,
)
from members.screening.decisions import commands

consumers = Consumers("screening")


@consumers.on(MembershipLeft, MembershipRemoved, mode=Mode.EACH)
async def on_gone(session: Session, events: list[Received[MembershipEvent]]) -> None:
    """Free the places of those who belong no more."""
    for received in events:
        await commands.member_gone(session, received.event.community_id, received.event.account_id)
        await session.flush()


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merge(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Give a merged account's applications to the one that lives on."""
    for received in events:
        await commands.merge(session, received.event.merged_account_id, received.event.account_id)
        await session.flush()


@consumers.on(CommunityUpdated, mode=Mode.LATEST)
async def on_community(session: Session, events: list[Received[CommunityUpdated]]) -> None:
    """Go on with waiting lists when a community opens again."""
    for received in events:
        if received.event.state is CommunityState.OPEN:
            await commands.reopen(session, received.event.community_id)
