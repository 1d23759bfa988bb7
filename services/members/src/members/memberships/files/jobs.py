"""Looking at rows and taking them, some at a time; dropping files whose time is over."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due, Jobs
from members.memberships.files import commands
from members.memberships.files.taking import commands as taking

jobs = Jobs()


@jobs.on(commands.ADVANCE)
async def advance(session: Session, work: Due) -> None:
    """Look at, or take, the next rows, and come back at once while more wait. How far it is stands in the file and not in the work."""
    if await taking.advance(session, UUID(work.key)):
        await due.schedule(session, work.organization_id, commands.ADVANCE, work.key, clock.now())


@jobs.on(commands.EXPIRE)
async def expire(session: Session, work: Due) -> None:
    """Drop a file with its rows; one that is being taken stays for another day."""
    later = await commands.expire(session, UUID(work.key))
    if later is not None:
        await due.schedule(session, work.organization_id, commands.EXPIRE, work.key, later)
