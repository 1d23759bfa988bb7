"""What posts' dates ask for, by the clock."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.due import Due, Jobs
from content.posts.commands import EXPIRE, LOOK_AGAIN, UNPIN
from content.posts.upkeep import commands

jobs = Jobs()


@jobs.on(EXPIRE)
async def expire(session: Session, work: Due) -> None:
    """Let a post expire."""
    await commands.expire_post(session, UUID(work.key))


@jobs.on(UNPIN)
async def unpin(session: Session, work: Due) -> None:
    """Take a post off the pins."""
    await commands.unpin_in_time(session, UUID(work.key))


@jobs.on(LOOK_AGAIN)
async def look_again(session: Session, work: Due) -> None:
    """Ask for a look at a post."""
    await commands.ask_to_look_again(session, UUID(work.key))
