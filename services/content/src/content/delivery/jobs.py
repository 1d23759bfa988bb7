"""What deliveries do by the clock."""

from __future__ import annotations

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from content.delivery import commands

jobs = Jobs()


@jobs.on(commands.DUE)
async def deliver_due(session: Session, work: Due) -> None:
    """Deliver what was sent and is due, a batch at a time.

    The clock may have been set back since the work was claimed: what was due then is due.
    """
    moment = max(clock.now(), work.due_at)
    again = await commands.deliver_due(session, moment)
    if again is not None:
        # Behind what has become due meanwhile: a busy minute of one brand holds nobody else up.
        await due.schedule(session, work.organization_id, work.kind, work.key, again)
