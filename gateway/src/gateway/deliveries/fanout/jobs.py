"""Writing deliveries for many endpoints, piece by piece."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.deliveries.fanout import commands

jobs = Jobs()


@jobs.on(commands.SPREAD_KIND)
async def spread(session: Session, work: Due) -> None:
    """Write some of a tenant's deliveries that were too many to be written with their events."""
    await commands.spread(session, work)
