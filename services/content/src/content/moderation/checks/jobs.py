"""What was said is forgotten after a month."""

from __future__ import annotations

from chassis import due
from chassis.db import Session
from chassis.due import Due, Jobs
from content.moderation.checks import commands

jobs = Jobs()


@jobs.on(commands.FORGET_KIND)
async def forget_said(session: Session, work: Due) -> None:
    """Forget old utterances, and come back for the next."""
    following = await commands.forget_said(session, work.organization_id)
    if following is not None:
        await due.schedule(session, work.organization_id, commands.FORGET_KIND, "all", following, keep=True)
