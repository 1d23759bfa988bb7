"""What follows when an endpoint is enabled, or is elsewhere."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.deliveries.resuming import commands
from gateway.endpoints.commands import HASTEN, RESUME

jobs = Jobs()


@jobs.on(RESUME)
async def resume(session: Session, work: Due) -> None:
    """Let out what has waited while an endpoint was disabled."""
    await commands.resume(session, work)


@jobs.on(HASTEN)
async def hasten(session: Session, work: Due) -> None:
    """Let out what waits for a later attempt."""
    await commands.hasten(session, work)
