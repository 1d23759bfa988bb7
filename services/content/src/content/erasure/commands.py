"""Every write that erases a person: what they said as themselves, and what is kept about them. docs/privacy.md says which is which.

Each batch is one transaction with the work that asks for the next one, so a kill at any time loses and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from chassis import clock, due, outbox
from chassis.db import Session
from content.media.uses import commands as media_uses
from contracts.base import Event
from contracts.content import CommentDeleted, PostDeleted, ReactionRemoved

ERASE = "erasure.erase"
"""The work of erasing what a person left; its key is the account."""
BATCH = 500
AGAIN_AFTER = timedelta(minutes=15)
"""Access tokens live for ten minutes: by then nothing that the person had under way can still come."""

# What somebody posted as themselves. What editors write, under whatever name, and what the calendar delivered is the community's.
_POSTS = text("""
WITH gone AS (
    SELECT id FROM post WHERE author_id = :account AND kind = 'post' AND persona_id IS NULL AND delivery_id IS NULL
        AND deleted_at IS NULL ORDER BY id LIMIT :most FOR UPDATE
)
UPDATE post SET deleted_at = :now, state = 'removed', title = NULL, body = '', attachments = '[]', mentions = '{}', html = NULL,
    tree = NULL, benefit = NULL, submitted_at = NULL, submitted_by = NULL, pin_rank = NULL, pinned_at = NULL, pinned_until = NULL,
    version = post.version + 1
FROM gone WHERE post.id = gone.id
RETURNING post.id, post.community_id, post.version
""")
_OF_POSTS = (
    text("DELETE FROM post_revision WHERE post_id = ANY(:ids)"),
    text("DELETE FROM post_proposal WHERE post_id = ANY(:ids)"),
    text("UPDATE post_review SET note = NULL WHERE post_id = ANY(:ids) AND note IS NOT NULL"),
)
_COMMENTS = text("""
WITH gone AS (
    SELECT id FROM comment WHERE author_id = :account AND deleted_at IS NULL ORDER BY id LIMIT :most FOR UPDATE
)
UPDATE comment SET deleted_at = :now, state = 'removed', body = '', attachments = '[]', mentions = '{}', html = NULL, tree = NULL,
    version = comment.version + 1
FROM gone WHERE comment.id = gone.id
RETURNING comment.id, comment.post_id, comment.community_id, comment.version
""")
# Each emoji is taken back by an event of its own, with a version of its own.
_REACTIONS = text("""
WITH gone AS (
    SELECT reaction.id, reaction.emojis, coalesce(post.author_id, comment.author_id) AS subject_author
    FROM reaction LEFT JOIN post ON reaction.subject_kind = 'post' AND post.id = reaction.subject_id
        LEFT JOIN comment ON reaction.subject_kind = 'comment' AND comment.id = reaction.subject_id
    WHERE reaction.account_id = :account AND cardinality(reaction.emojis) > 0
    ORDER BY reaction.id LIMIT :most FOR UPDATE OF reaction
)
UPDATE reaction SET emojis = '{}', reacted_at = :now, version = reaction.version + cardinality(gone.emojis)
FROM gone WHERE reaction.id = gone.id
RETURNING reaction.id, reaction.community_id, reaction.subject_kind, reaction.subject_id, reaction.version, gone.emojis,
    gone.subject_author
""")
# What the person read, kept, was asked and was told, and what members and moderation know of them.
_REST = (
    text("DELETE FROM bookmark WHERE account_id = :account"),
    text("DELETE FROM read_mark WHERE account_id = :account"),
    text("DELETE FROM read_horizon WHERE account_id = :account"),
    text("DELETE FROM mention WHERE account_id = :account"),
    text("DELETE FROM acknowledgement WHERE account_id = :account"),
    text("DELETE FROM post_proposal WHERE proposed_by = :account"),
    text("UPDATE post_review SET note = NULL WHERE reviewer_id = :account AND note IS NOT NULL"),
    text("UPDATE hold SET note = NULL WHERE (author_id = :account OR decided_by = :account) AND note IS NOT NULL"),
    text("DELETE FROM detection WHERE author_id = :account"),
    text("DELETE FROM utterance WHERE author_id = :account"),
    text("DELETE FROM sanction WHERE account_id = :account"),
    text("DELETE FROM member_tier WHERE account_id = :account"),
    text("DELETE FROM verified_phone WHERE account_id = :account"),
    text("DELETE FROM standing_group_member WHERE account_id = :account"),
    text("DELETE FROM standing_member WHERE account_id = :account"),
    text("DELETE FROM worth_touch WHERE account_id = :account"),
    text("DELETE FROM worth_active_day WHERE account_id = :account"),
    text("DELETE FROM worth_outsider WHERE account_id = :account"),
    text("UPDATE worth_attribution SET account_id = NULL WHERE account_id = :account"),
)


async def order(session: Session, organization_id: UUID, account_ids: Sequence[UUID]) -> None:
    """Have people erased, from now on."""
    now = clock.now()
    await due.schedule_many(session, organization_id, ERASE, [(str(one), now) for one in set(account_ids)])


async def erase_some(session: Session, organization_id: UUID, account_id: UUID, *, again: bool) -> None:
    """Erase a batch of what a person left. Nothing left, look once more when nothing of theirs can be under way."""
    for statement in _REST:
        await session.execute(statement, {"account": account_id})
    left = await _erase_posts(session, organization_id, account_id)
    left |= await _erase_comments(session, organization_id, account_id)
    left |= await _erase_reactions(session, organization_id, account_id)
    if left or not again:
        at = clock.now() + (timedelta() if left else AGAIN_AFTER)
        await due.schedule(session, organization_id, ERASE, str(account_id), at, {"again": again or not left})


async def _batch(session: Session, statement: TextClause, account_id: UUID) -> Sequence[Any]:
    bound = {"account": account_id, "most": BATCH, "now": clock.now()}
    return (await session.execute(statement, bound)).all()


async def _erase_posts(session: Session, organization_id: UUID, account_id: UUID) -> bool:
    rows = await _batch(session, _POSTS, account_id)
    ids = [row.id for row in rows]
    if ids:
        for statement in _OF_POSTS:
            await session.execute(statement, {"ids": ids})
        await media_uses.release(session, "post", ids)
        await media_uses.release_threads(session, ids)
    for row in rows:
        event = PostDeleted(post_id=row.id, community_id=row.community_id, author_id=account_id, persona_id=None)
        _tell(session, organization_id, event, row.id, row.version, row.community_id)
    return len(rows) == BATCH


async def _erase_comments(session: Session, organization_id: UUID, account_id: UUID) -> bool:
    rows = await _batch(session, _COMMENTS, account_id)
    if rows:
        await media_uses.release(session, "comment", [row.id for row in rows])
    for row in rows:
        event = CommentDeleted(
            comment_id=row.id, post_id=row.post_id, community_id=row.community_id, author_id=account_id
        )
        _tell(session, organization_id, event, row.id, row.version, row.community_id)
    return len(rows) == BATCH


async def _erase_reactions(session: Session, organization_id: UUID, account_id: UUID) -> bool:
    rows = await _batch(session, _REACTIONS, account_id)
    for row in rows:
        for version, emoji in enumerate(row.emojis, row.version - len(row.emojis) + 1):
            event = ReactionRemoved(
                reaction_id=row.id,
                community_id=row.community_id,
                account_id=account_id,
                subject_kind=row.subject_kind,
                subject_id=row.subject_id,
                subject_author_id=row.subject_author,
                emoji=emoji,
            )
            _tell(session, organization_id, event, row.id, version, row.community_id)
    return len(rows) == BATCH


def _tell(
    session: Session, organization_id: UUID, event: Event, aggregate_id: UUID, version: int, community_id: UUID
) -> None:
    outbox.emit(
        session,
        event,
        organization_id=organization_id,
        aggregate_id=aggregate_id,
        version=version,
        community_id=community_id,
    )
