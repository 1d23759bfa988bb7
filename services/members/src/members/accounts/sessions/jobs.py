"""Forgetting sessions that have expired."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from members.accounts.sessions import commands

jobs = Jobs()


@jobs.on(commands.PURGE_KIND)
async def purge(session: Session, work: Due) -> None:
    """Delete the tenant's."""
    await commands.purge(session, work.organization_id)
