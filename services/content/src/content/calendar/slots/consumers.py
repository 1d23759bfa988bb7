"""What slots learn from members: their communities' zones."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.calendar.slots import commands
from contracts.members import CommunityUpdated

consumers = Consumers("slots")


@consumers.on(CommunityUpdated, mode=Mode.LATEST)
async def on_community(session: Session, events: list[Received[CommunityUpdated]]) -> None:
    """Have slots fall by their community's present zone."""
    await commands.follow_zones(session, {one.event.community_id: one.event.zone for one in events})


@consumers.clears
async def clear(_session: Session) -> None:
    """Nothing is kept apart from the slots themselves: a backfill goes through the zones once more."""
