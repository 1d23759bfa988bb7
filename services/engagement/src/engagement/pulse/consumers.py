"""What pulse does when somebody was active."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.content import CommentPublished, PostPublished, ReactionAdded
from engagement.pulse import commands
from engagement.pulse.policy import Kind

consumers = Consumers("pulse")


@consumers.on(PostPublished, mode=Mode.EACH)
async def on_post(session: Session, events: list[Received[PostPublished]]) -> None:
    """Note that authors posted."""
    await commands.note(
        session, Kind.POST, [(one.envelope, one.event.community_id, one.event.author_id) for one in events]
    )


@consumers.on(CommentPublished, mode=Mode.EACH)
async def on_comment(session: Session, events: list[Received[CommentPublished]]) -> None:
    """Note that authors commented."""
    await commands.note(
        session, Kind.COMMENT, [(one.envelope, one.event.community_id, one.event.author_id) for one in events]
    )


@consumers.on(ReactionAdded, mode=Mode.EACH)
async def on_reaction(session: Session, events: list[Received[ReactionAdded]]) -> None:
    """Note that people reacted; a reaction whose time nobody knows is no activity."""
    await commands.note(
        session,
        Kind.REACTION,
        [(one.envelope, one.event.community_id, one.event.account_id) for one in events if one.event.timed],
    )


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's activity, before a backfill."""
    await commands.forget(session)
