"""Erasing people, a batch at a time."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from content.erasure import commands

jobs = Jobs()


@jobs.on(commands.ERASE)
async def erase_person(session: Session, work: Due) -> None:
    """Erase a batch of what a person left, and come back until nothing is left."""
    await commands.erase_some(session, work.organization_id, UUID(work.key), again=bool(work.payload.get("again")))
