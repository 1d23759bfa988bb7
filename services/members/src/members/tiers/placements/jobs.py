"""Placements end by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from members.tiers.placements import commands

jobs = Jobs()


@jobs.on(commands.END)
async def expire(session: Session, work: Due) -> None:
    """Give a member back to the standard."""
    community_id, _, account_id = work.key.partition("/")
    await commands.expire(session, UUID(community_id), UUID(account_id))
