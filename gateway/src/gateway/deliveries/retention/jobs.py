"""What becomes of deliveries by the clock."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.deliveries.fanout.commands import PRUNE_KIND
from gateway.deliveries.retention import commands

jobs = Jobs()


@jobs.on(commands.SETTLE_KIND)
async def settle(session: Session, work: Due) -> None:
    """Give up some of what waits for an endpoint that does not get it."""
    await commands.settle(session, work)


@jobs.on(PRUNE_KIND)
async def prune(session: Session, work: Due) -> None:
    """Forget some of what a tenant's endpoints were told long ago."""
    await commands.prune(session, work)
