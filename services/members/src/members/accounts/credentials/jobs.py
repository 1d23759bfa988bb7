"""Forgetting old failures."""

from __future__ import annotations

from datetime import timedelta

from chassis import clock, due
from chassis.db import Session, transaction
from chassis.due import Due, Jobs
from chassis.runtime import Runtime
from contracts.base import SYSTEM_ORGANIZATION
from members.accounts.credentials import commands

FORGET_KIND = "login_limits.forget"
EVERY = timedelta(hours=6)

jobs = Jobs()


@jobs.on(FORGET_KIND)
async def forget(session: Session, _due: Due) -> None:
    """Delete what is forgotten, and come back."""
    await commands.forget_old(session)
    await due.schedule(session, SYSTEM_ORGANIZATION, FORGET_KIND, "all", clock.now() + EVERY)


async def start(runtime: Runtime) -> None:
    """Have it scheduled."""
    async with transaction(runtime.worker_engine) as session:
        await due.schedule(session, SYSTEM_ORGANIZATION, FORGET_KIND, "all", clock.now() + EVERY, keep=True)
