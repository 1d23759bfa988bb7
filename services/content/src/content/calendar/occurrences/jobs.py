"""What occurrences do by the clock."""

from __future__ import annotations

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from content.calendar.occurrences import commands

jobs = Jobs()


@jobs.on(commands.SETTLE)
async def settle_due(session: Session, work: Due) -> None:
    """Settle occurrences whose hour has come, a batch at a time.

    The clock may have been set back since the work was claimed: what was due then is due.
    """
    if await commands.settle_due(session, max(clock.now(), work.due_at)):
        await due.schedule(session, work.organization_id, work.kind, work.key, work.due_at)


@jobs.on(commands.NOTICE)
async def foresee_gaps(session: Session, work: Due) -> None:
    """Tell of gaps before they fall due, a batch at a time."""
    if await commands.foresee_gaps(session, max(clock.now(), work.due_at)):
        await due.schedule(session, work.organization_id, work.kind, work.key, work.due_at)
