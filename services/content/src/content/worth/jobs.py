"""What worth does by the clock."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from content.worth import commands

jobs = Jobs()


@jobs.on(commands.COUNT)
async def count_worth(session: Session, work: Due) -> None:
    """Count what was touched."""
    await commands.count_some(session, work.organization_id)


@jobs.on(commands.SETTLE)
async def settle_returns(session: Session, work: Due) -> None:
    """Compare the readers of a day that is over."""
    community_id, _, day = work.key.partition(":")
    await commands.settle(session, work.organization_id, UUID(community_id), date.fromisoformat(day))
