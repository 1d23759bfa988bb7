"""What occurrences do by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from content.backlog.commands import UNREADY
from content.calendar.activities.commands import WITHDRAWN
from content.calendar.occurrences import commands

jobs = Jobs()


@jobs.on(commands.SETTLE)
async def settle_due(session: Session, work: Due) -> None:
    """Settle occurrences whose hour has come, a batch at a time.

    The clock may have been set back since the work was claimed: what was due then is due.
    """
    moment = max(clock.now(), work.due_at)
    again = await commands.settle_due(session, moment)
    if again is not None:
        # Behind what has become due meanwhile: a busy minute of one brand holds nobody else up.
        await due.schedule(session, work.organization_id, work.kind, work.key, again)


@jobs.on(commands.NOTICE)
async def foresee_gaps(session: Session, work: Due) -> None:
    """Tell of gaps before they fall due, a batch at a time."""
    moment = max(clock.now(), work.due_at)
    again = await commands.foresee_gaps(session, moment)
    if again is not None:
        await due.schedule(session, work.organization_id, work.kind, work.key, again)


@jobs.on(UNREADY)
async def item_unready(session: Session, work: Due) -> None:
    """Look after the hour of an item that is not ready any more."""
    await commands.look_after(session, work.organization_id, UUID(work.payload["item_id"]))


@jobs.on(WITHDRAWN)
async def activity_withdrawn(session: Session, work: Due) -> None:
    """Look after the hours of an activity that will not be."""
    await commands.look_after(session, work.organization_id, UUID(work.payload["activity_id"]))
