"""What assignments learn: who belongs, is tagged, entered or left a segment, or changed language or zone."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.base import Event
from contracts.members import (
    ApplicationDecided,
    MembershipApproved,
    MembershipTagsChanged,
    ProfileUpdated,
    SegmentEntered,
    SegmentLeft,
)
from members.groups.assignments import commands, queries

consumers = Consumers("group_assignments")


@consumers.on(ApplicationDecided, mode=Mode.EACH)
async def on_application(session: Session, events: list[Received[ApplicationDecided]]) -> None:
    """Bring those who were let in by an entry link into the group that it leads to."""
    for received in sorted(events, key=lambda received: received.event.community_id):
        event = received.event
        if event.group_id is not None and event.state == "approved":
            people = {event.account_id: event.group_id}
            await commands.follow_links(session, event.community_id, people, origin=received.envelope.origin)


# One handler for all: one batch locks each community's members once, in one order.
@consumers.on(MembershipApproved, MembershipTagsChanged, SegmentEntered, SegmentLeft, ProfileUpdated, mode=Mode.EACH)
async def on_change(session: Session, events: list[Received[Event]]) -> None:
    """Bring those whom the rules now match into their groups, and those whom they match no longer out of them."""
    touched: dict[UUID, set[UUID]] = {}
    profiles = set()
    for received in events:
        event = received.event
        if isinstance(event, ProfileUpdated):
            profiles.add(event.account_id)
        elif isinstance(event, MembershipApproved | MembershipTagsChanged | SegmentEntered | SegmentLeft):
            touched.setdefault(event.community_id, set()).add(event.account_id)
    for community_id, account_id in await queries.communities_of(session, profiles) if profiles else []:
        touched.setdefault(community_id, set()).add(account_id)
    for community_id, accounts in sorted(touched.items()):
        await commands.judge(session, community_id, accounts)
