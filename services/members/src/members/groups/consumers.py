"""What groups learn from memberships, and what segments learn of groups."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import (
    GroupMemberEvent,
    GroupMemberJoined,
    GroupMemberLeft,
    MembershipEvent,
    MembershipLeft,
    MembershipRemoved,
)
from members.groups.seats import commands as seats
from members.segments.currency import commands as segments

consumers = Consumers("groups")


@consumers.on(MembershipLeft, MembershipRemoved, mode=Mode.EACH)
async def on_end(session: Session, events: list[Received[MembershipEvent]]) -> None:
    """Take those who left or were removed out of their groups; who came back meanwhile keeps them."""
    gone: dict[UUID, set[UUID]] = {}
    for received in events:
        gone.setdefault(received.event.community_id, set()).add(received.event.account_id)
    for community_id, accounts in sorted(gone.items()):
        await seats.end(session, community_id, accounts)


@consumers.on(GroupMemberJoined, GroupMemberLeft, mode=Mode.EACH)
async def on_group_member(session: Session, events: list[Received[GroupMemberEvent]]) -> None:
    """Have segments look again at those whose groups changed."""
    people = {(received.event.community_id, received.event.account_id) for received in events}
    await segments.touch(session, events[0].envelope.organization, people)
