"""Rendering by the clock."""

from __future__ import annotations

from chassis.db import Session
from chassis.due import Due, Jobs
from content.rendering import commands

jobs = Jobs()


@jobs.on(commands.RENDER)
async def render(session: Session, work: Due) -> None:
    """Render a batch."""
    await commands.render_some(session, work.organization_id)
