"""Sanctions whose time is over."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from content.moderation.sanctions import commands

jobs = Jobs()


@jobs.on(commands.OVER_KIND)
async def end_sanction(session: Session, work: Due) -> None:
    """Give back what a sanction took."""
    await commands.end_sanction(session, UUID(work.key))
