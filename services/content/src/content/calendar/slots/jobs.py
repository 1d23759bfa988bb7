"""What slots do by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from content.calendar.slots import commands

jobs = Jobs()


@jobs.on(commands.EXPAND)
async def expand_slot(session: Session, work: Due) -> None:
    """Work out a slot's next day at the horizon."""
    await commands.expand_slot(session, UUID(work.key))
