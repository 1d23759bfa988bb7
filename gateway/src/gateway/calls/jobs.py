"""What happens to calls by the clock."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.calls import commands

jobs = Jobs()


@jobs.on(commands.FORGET)
async def forget_calls(session: Session, work: Due) -> None:
    """Destroy calls that are older than they are kept."""
    await commands.forget_some(session, work.organization_id)
