"""Reminding by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from content.announcements import commands

jobs = Jobs()


@jobs.on(commands.REMIND)
async def remind(session: Session, work: Due) -> None:
    """Remind a batch."""
    await commands.remind_some(session, UUID(work.key))
