"""Moving up from waiting lists."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from members.screening.decisions import commands
from members.screening.personas.policy import FILL_KIND

jobs = Jobs()


@jobs.on(FILL_KIND)
async def fill(session: Session, work: Due) -> None:
    """Give freed places to those who have waited longest."""
    await commands.fill(session, UUID(work.payload["persona_id"]))
