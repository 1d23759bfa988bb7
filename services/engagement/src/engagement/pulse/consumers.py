"""What pulse does when somebody was active."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.base import Event
from contracts.content import CommentPublished, PostPublished, ReactionAdded
from engagement.pulse import commands
from engagement.pulse.commands import Fact
from engagement.pulse.policy import Kind

consumers = Consumers("pulse")


# One handler for the three, so that a batch is one statement however they are mixed.
@consumers.on(PostPublished, CommentPublished, ReactionAdded, mode=Mode.EACH)
async def on_activity(session: Session, events: list[Received[Event]]) -> None:
    """Note who posted, commented and reacted."""
    await commands.note(session, [fact for received in events if (fact := fact_of(received)) is not None])


def fact_of(received: Received[Event]) -> Fact | None:
    """Return who did what when; None for a reaction whose time nobody knows, which is no activity."""
    match received.event:
        case PostPublished(community_id=community_id, author_id=account_id):
            return Fact(received.envelope, community_id, account_id, Kind.POST)
        case CommentPublished(community_id=community_id, author_id=account_id):
            return Fact(received.envelope, community_id, account_id, Kind.COMMENT)
        case ReactionAdded(community_id=community_id, account_id=account_id, timed=True):
            return Fact(received.envelope, community_id, account_id, Kind.REACTION)
        case _:
            return None


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's activity, before a backfill."""
    await commands.forget(session)
