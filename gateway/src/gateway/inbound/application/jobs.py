"""What is forgotten by the clock."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.inbound.application import commands

jobs = Jobs()


@jobs.on(commands.TIDY)
async def tidy(session: Session, work: Due) -> None:
    """Forget bodies and ids of messages that are old enough."""
    await commands.tidy(session, work.organization_id)
