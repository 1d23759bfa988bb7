"""Applying the rules to everybody who belongs, chunk by chunk."""

from __future__ import annotations

from uuid import UUID

from chassis import due
from chassis.db import Session
from members.groups.assignments import commands

jobs = due.Jobs()


@jobs.on(commands.APPLY_KIND)
async def apply_rules(session: Session, work: due.Due) -> None:
    """Apply the rules to the next members of a community."""
    await commands.work_on(session, work.organization_id, UUID(work.key))
