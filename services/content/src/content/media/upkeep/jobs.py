"""What media do by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis import clock
from chassis.db import Session
from chassis.due import Due, Jobs
from content.media.commands import COLLECT, SWEEP
from content.media.upkeep import commands

jobs = Jobs()


@jobs.on(COLLECT)
async def collect_media(session: Session, work: Due) -> None:
    """Collect an upload that nobody needs. The clock may have been set back since the work was claimed: what was due is due."""
    await commands.collect(session, UUID(work.key), max(clock.now(), work.due_at))


@jobs.on(SWEEP)
async def sweep_media(session: Session, work: Due) -> None:
    """Delete what no row names. While the store is away this fails, and is tried again."""
    media_id = UUID(work.key)
    if await commands.sweep(session, work.organization_id, media_id) and not work.payload.get("again"):
        await commands.sweep_again(session, work.organization_id, media_id)
