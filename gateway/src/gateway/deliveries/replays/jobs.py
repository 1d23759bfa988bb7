"""Replays of a span of time, piece by piece."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from gateway.deliveries.replays import commands

jobs = Jobs()


@jobs.on(commands.REPLAY_KIND)
async def go_on(session: Session, work: Due) -> None:
    """Tell an endpoint some of a span of time again."""
    await commands.go_on(session, work)
