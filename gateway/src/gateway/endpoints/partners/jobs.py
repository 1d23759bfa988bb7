"""What happens to what people agreed to by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.endpoints.partners import commands

jobs = Jobs()


@jobs.on(commands.FORGET)
async def forget_consents(session: Session, work: Due) -> None:
    """Destroy what an erased person's withdrawals have left behind."""
    await commands.forget(session, [UUID(work.key)])
