"""Watching for silence by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from members.segments.currency import policy as beats
from members.tiers.evaluation import queries as tiers
from members.tiers.removal import commands

jobs = Jobs()


@jobs.on(commands.WATCH)
async def watch(session: Session, work: Due) -> None:
    """Look at a community, at once again while more is left, and then when its next day begins."""
    community_id = UUID(work.key)
    more = await commands.watch(session, community_id)
    zone = await tiers.zone_of(session, community_id)
    then = clock.now() if more else beats.next_night(clock.now(), zone)
    await due.schedule(session, work.organization_id, commands.WATCH, work.key, then)
