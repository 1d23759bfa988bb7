"""Looking at members by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from members.segments.currency import policy as beats
from members.tiers.evaluation import commands, queries
from members.tiers.standards.commands import EVALUATE

jobs = Jobs()


@jobs.on(EVALUATE)
async def evaluate(session: Session, work: Due) -> None:
    """Look at everybody, some thousand at a time; after the last, have the same done when the community's next day begins."""
    community_id = UUID(work.key)
    after = UUID(work.payload.get("after", str(UUID(int=0))))
    following = await commands.evaluate(session, community_id, after)
    if following is not None:
        payload = {"after": str(following)}
        await due.schedule(session, work.organization_id, EVALUATE, work.key, clock.now(), payload)
        return
    zone = await queries.zone_of(session, community_id)
    night = beats.next_night(clock.now(), zone)
    await due.schedule(session, work.organization_id, commands.DAILY, work.key, night)


@jobs.on(commands.DAILY)
async def begin_day(session: Session, work: Due) -> None:
    """When a community's day begins, windows of days have moved and graces may be over."""
    await commands.evaluate_soon(session, work.organization_id, UUID(work.key))


@jobs.on(commands.REFRESH)
async def refresh(session: Session, work: Due) -> None:
    """Look at the members that were touched, and come back at once while more wait."""
    if await commands.refresh(session, UUID(work.payload["community_id"])):
        await due.schedule(session, work.organization_id, commands.REFRESH, work.key, clock.now(), work.payload)
