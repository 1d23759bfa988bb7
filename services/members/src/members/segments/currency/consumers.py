"""What may move a member into a segment or out of it, facts apart: standing, tags, profile."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.base import Event
from contracts.members import MEMBERSHIP_EVENTS, AccountClaimed, MembershipEvent, MembershipTagsChanged, ProfileUpdated
from members.segments.currency import commands, queries

consumers = Consumers("segments")


@consumers.on(*MEMBERSHIP_EVENTS, MembershipTagsChanged, mode=Mode.EACH)
async def on_membership(session: Session, events: list[Received[Event]]) -> None:
    """Look at members again whose standing or tags changed."""
    await commands.touch(
        session,
        events[0].envelope.organization,
        {
            (one.event.community_id, one.event.account_id)
            for one in events
            if isinstance(one.event, MembershipEvent | MembershipTagsChanged)
        },
    )


@consumers.on(ProfileUpdated, AccountClaimed, mode=Mode.EACH)
async def on_profile(session: Session, events: list[Received[Event]]) -> None:
    """Look at people again whose profile changed, wherever they belong."""
    accounts = {one.event.account_id for one in events if isinstance(one.event, ProfileUpdated | AccountClaimed)}
    await commands.touch(session, events[0].envelope.organization, await queries.communities_of(session, accounts))
