"""The publication log is destroyed on its date."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from content.moderation.compliance import commands

jobs = Jobs()


@jobs.on(commands.DESTROY_KIND)
async def destroy_log(session: Session, work: Due) -> None:
    """Destroy what has been kept for long enough."""
    await commands.destroy_log(session, work.organization_id)
