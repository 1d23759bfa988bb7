"""Deadlines of applications."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from members.screening.applications import commands
from members.screening.applications.policy import OVERDUE_KIND

jobs = Jobs()


@jobs.on(OVERDUE_KIND)
async def overdue(session: Session, work: Due) -> None:
    """Tell that nobody decided in time."""
    await commands.tell_overdue(session, UUID(work.payload["community_id"]), UUID(work.key.partition("/")[0]))
