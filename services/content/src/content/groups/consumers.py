"""Members' events about groups."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.groups import commands
from contracts.members import (
    GroupCreated,
    GroupEvent,
    GroupMemberEvent,
    GroupMemberJoined,
    GroupMemberLeft,
    GroupUpdated,
)

consumers = Consumers("content-groups")


@consumers.on(GroupCreated, GroupUpdated, mode=Mode.LATEST)
async def on_group(session: Session, events: list[Received[GroupEvent]]) -> None:
    """Keep each group's state and hosts."""
    await commands.keep_groups(
        session,
        [
            {
                "group_id": received.event.group_id,
                "organization_id": received.envelope.organization,
                "community_id": received.event.community_id,
                "state": received.event.state,
                "hosts": received.event.hosts,
            }
            for received in events
        ],
    )


@consumers.on(GroupMemberJoined, GroupMemberLeft, mode=Mode.LATEST)
async def on_member(session: Session, events: list[Received[GroupMemberEvent]]) -> None:
    """Keep each member's groups."""
    await commands.keep_members(
        session,
        [
            {
                "community_id": received.event.community_id,
                "account_id": received.event.account_id,
                "organization_id": received.envelope.organization,
                "group_ids": received.event.group_ids,
            }
            for received in events
        ],
    )


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's groups."""
    await commands.forget(session)
