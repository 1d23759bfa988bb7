"""What happens to endpoints' keys by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.endpoints.secrets import commands

jobs = Jobs()


@jobs.on(commands.FORGET)
async def forget_secrets(session: Session, work: Due) -> None:
    """Destroy keys that sign no more."""
    await commands.forget(session, UUID(work.key))
