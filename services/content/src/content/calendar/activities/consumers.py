"""What the calendar learns from engagement."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from content.calendar.activities import commands
from contracts.engagement import ActivityChanged, ActivityEvent, ActivityPublished

consumers = Consumers("activities")


@consumers.on(ActivityPublished, ActivityChanged, mode=Mode.LATEST)
async def on_activity(session: Session, events: list[Received[ActivityEvent]]) -> None:
    """Keep each activity's state and times."""
    await commands.note_activities(session, events)


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's activities."""
    await commands.forget_activities(session)
