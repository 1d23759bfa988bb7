"""Keeping segments current, by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from members.segments.currency import commands, policy, queries

jobs = Jobs()


@jobs.on(commands.REFRESH)
async def refresh(session: Session, work: Due) -> None:
    """Look at the members that were touched, and come back at once while more wait."""
    if await commands.refresh(session, work.organization_id, UUID(work.payload["community_id"])):
        await due.schedule(session, work.organization_id, commands.REFRESH, work.key, clock.now(), work.payload)


@jobs.on(commands.RECOMPUTE)
async def recompute(session: Session, work: Due) -> None:
    """Work out a whole segment, and come back at once while more is left."""
    if await commands.recompute(session, work.organization_id, UUID(work.key)):
        await due.schedule(session, work.organization_id, commands.RECOMPUTE, work.key, clock.now())


@jobs.on(commands.DAILY)
async def begin_day(session: Session, work: Due) -> None:
    """When a community's day begins, windows of days have moved: all its segments are worked out anew."""
    community_id = UUID(work.key)
    segments = await queries.segments_of(session, community_id)
    if not segments:
        return
    await commands.recompute_soon(session, work.organization_id, segments)
    moment = await queries.moment(session, community_id)
    await due.schedule(
        session, work.organization_id, commands.DAILY, work.key, policy.next_night(moment.now, moment.zone)
    )
