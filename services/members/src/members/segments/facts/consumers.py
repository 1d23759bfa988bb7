"""What facts learn from content and from merges."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.base import Event
from contracts.content import CommentPublished, PostPublished, ReactionAdded, ReactionRemoved
from contracts.members import AccountMerged
from members.segments.currency import commands as currency
from members.segments.facts import commands
from members.segments.facts.policy import Act, Fact, Reacted

consumers = Consumers("facts")


# One handler for all kinds: one batch takes its rows in one order.
@consumers.on(PostPublished, CommentPublished, ReactionAdded, ReactionRemoved, mode=Mode.EACH)
async def on_act(session: Session, events: list[Received[Event]]) -> None:
    """Count what members did; a reaction whose time nobody knows is no activity, one taken back counts no more."""
    moved = await commands.note(
        session,
        [fact for one in events if (fact := _fact(one)) is not None],
        [reacted for one in events if (reacted := _reacted(one)) is not None],
    )
    await currency.touch(session, events[0].envelope.organization, moved)
    await commands.tell(session, events[0].envelope.organization, moved)


def _fact(one: Received[Event]) -> Fact | None:
    event, at = one.event, one.envelope.time
    if isinstance(event, PostPublished):
        return Fact(event.community_id, event.author_id, Act.POST, at)
    if isinstance(event, CommentPublished):
        return Fact(event.community_id, event.author_id, Act.COMMENT, at)
    if isinstance(event, ReactionAdded) and event.timed:
        return Fact(event.community_id, event.account_id, Act.REACTION, at)
    return None


def _reacted(one: Received[Event]) -> Reacted | None:
    event = one.event
    if not isinstance(event, ReactionAdded | ReactionRemoved) or (isinstance(event, ReactionAdded) and not event.timed):
        return None
    return Reacted(
        event.community_id,
        event.account_id,
        event.subject_author_id,
        event.reaction_id,
        event.emoji,
        one.envelope.aggregateversion,
        one.envelope.time if isinstance(event, ReactionAdded) else None,
    )


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_account_merged(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Count the merged account's acts as the living one's."""
    for one in events:
        moved = await commands.hand_over(session, one.event.merged_account_id, one.event.account_id)
        await currency.touch(session, one.envelope.organization, moved)
        await commands.tell(session, one.envelope.organization, moved)


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's facts, before a backfill."""
    await commands.forget(session)
