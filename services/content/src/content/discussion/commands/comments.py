"""Every write of comments."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.discussion import queries
from content.discussion.models import Comment
from content.discussion.policy import CommentState
from content.discussion.schemas import CommentCreate, CommentImport, CommentImports, CommentUpdate
from content.imports import ImportReport, Reason, Tally, attachments_json
from content.media.uses import commands as media_uses
from content.posts import queries as posts
from content.posts.commands import check_may_change, check_may_edit, check_may_speak, judge, render_checked
from content.posts.imported.commands import AUTHOR_UNKNOWN
from content.posts.policy import MOST_MENTIONS, Act, Utterance, Verdict
from content.rendering.commands import render_later
from content.rendering.texts import Rendered
from content.text import mentions
from contracts.base import Origin
from contracts.content import (
    CommentDeleted,
    CommentEdited,
    CommentEvent,
    CommentHeld,
    CommentPublished,
    CommentRestored,
    CommentWithdrawn,
)

POST_UNKNOWN = Reason("post-unknown", "No post of this source was imported under this id.")
POST_DELETED = Reason("post-deleted", "The post was deleted.")


async def publish_comment(session: Session, member: Standing, post_id: UUID, new: CommentCreate) -> posts.Document:
    """Answer a post, or a comment on it. Raises Problem 404, 409, 422 for a parent that is none of the post's comments."""
    post_author = await posts.get_subject(session, member, post_id)
    check_may_speak(member)
    if new.parent_id is not None and not await queries.is_comment_of(session, post_id, new.parent_id):
        raise invalid("/parent_id", "parent-unknown", "It is no comment of this post.")
    identifier = new_id()
    rendered = await render_checked(new.body)
    verdict = await _judge(session, member, identifier, member.principal.account_id, new.body, rendered)
    comment = Comment(
        id=identifier,
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        post_id=post_id,
        parent_id=new.parent_id,
        author_id=member.principal.account_id,
        body=new.body,
        commented_at=clock.now(),
        origin=Origin.LIVE.value,
        mentions=rendered.mentions,
        html=rendered.html,
        tree=rendered.tree,
        renderer=rendered.renderer,
        state=CommentState.PUBLISHED.value,
    )
    if verdict.act is Act.HOLD:
        comment.state, comment.ever_published = CommentState.HELD.value, False
    session.add(comment)
    await session.flush()
    if rendered.media:
        await media_uses.use(session, comment.organization_id, comment.author_id, "comment", comment.id, rendered.media)
    if comment.state == CommentState.PUBLISHED:
        _tell_published(session, comment, post_author, actor=comment.author_id)
    else:
        _tell(session, comment, CommentHeld(**_ids(comment)), actor=comment.author_id)
    return await queries.get_written_comment(session, member, comment.id)


async def edit_comment(
    session: Session, member: Standing, comment_id: UUID, expected: int, change: CommentUpdate
) -> posts.Document:
    """Change a comment's text; a change that changes nothing is none. Raises Problem 403, 404, 409, 412."""
    comment = await queries.lock_comment(session, member.community_id, comment_id)
    check_may_change(member, comment.author_id)
    check_version(expected, comment.version)
    check_may_edit(member)
    if change.body != comment.body:
        rendered = await render_checked(change.body)
        verdict = await _judge(session, member, comment.id, comment.author_id, change.body, rendered, edited=True)
        comment.body, comment.mentions = change.body, rendered.mentions
        comment.html, comment.tree, comment.renderer = rendered.html, rendered.tree, rendered.renderer
        comment.edited_at = clock.now()
        comment.version += 1
        await session.flush()
        editor = member.principal.account_id
        await media_uses.use(session, comment.organization_id, editor, "comment", comment.id, rendered.media)
        _tell(session, comment, CommentEdited(**_ids(comment)), actor=member.principal.account_id)
        if verdict.act is Act.HOLD:
            await settle_comment(session, comment, CommentState.HELD, actor=None)
    return await queries.get_written_comment(session, member, comment.id)


async def delete_comment(session: Session, member: Standing, comment_id: UUID, expected: int) -> None:
    """Leave a tombstone in a comment's place; answers to it stay. Raises Problem 403, 404, 412."""
    comment = await queries.lock_comment(session, member.community_id, comment_id)
    check_may_change(member, comment.author_id)
    check_version(expected, comment.version)
    comment.deleted_at, comment.state = clock.now(), CommentState.REMOVED.value
    comment.body, comment.attachments, comment.mentions = "", [], []
    comment.html = comment.tree = None
    comment.version += 1
    await media_uses.release(session, "comment", [comment.id])
    _emit(session, member, CommentDeleted(**_ids(comment)), comment.version, comment.deleted_at)


async def settle_comment(session: Session, comment: Comment, state: CommentState, *, actor: UUID | None) -> None:
    """Bring a locked comment into a state, with its event: hold or remove it, publish or restore it."""
    if comment.state == state:
        return
    comment.state = state.value
    comment.version += 1
    if state is CommentState.HELD:
        _tell(session, comment, CommentHeld(**_ids(comment)), actor=actor)
    elif state is CommentState.REMOVED:
        _tell(session, comment, CommentWithdrawn(**_ids(comment)), actor=actor)
    elif comment.ever_published:
        _tell(session, comment, CommentRestored(**_ids(comment)), actor=actor)
    else:
        comment.commented_at, comment.ever_published = clock.now(), True
        post_author = await posts.get_author(session, comment.post_id)
        _tell_published(session, comment, post_author, actor=actor)
    await session.flush()


async def _judge(
    session: Session,
    member: Standing,
    comment_id: UUID,
    author_id: UUID,
    body: str,
    rendered: Rendered,
    *,
    edited: bool = False,
) -> Verdict:
    utterance = Utterance(
        id=comment_id,
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        author_id=author_id,
        caller=posts.caller_of(member),
        kind="comment",
        title=None,
        body=body,
        media=tuple(rendered.media),
        edited=edited,
        by=member.principal.account_id,
    )
    return await judge(session, utterance)


def _ids(comment: Comment) -> dict[str, UUID]:
    return {
        "comment_id": comment.id,
        "post_id": comment.post_id,
        "community_id": comment.community_id,
        "author_id": comment.author_id,
    }


def _tell_published(session: Session, comment: Comment, post_author: UUID, *, actor: UUID | None) -> None:
    event = CommentPublished(**_ids(comment), post_author_id=post_author, parent_id=comment.parent_id)
    _tell(session, comment, event, actor=actor, at=comment.commented_at)


def _tell(
    session: Session, comment: Comment, event: CommentEvent, *, actor: UUID | None, at: datetime | None = None
) -> None:
    outbox.emit(
        session,
        event,
        organization_id=comment.organization_id,
        aggregate_id=comment.id,
        version=comment.version,
        community_id=comment.community_id,
        actor=actor,
        occurred_at=at,
    )


def _emit(
    session: Session,
    member: Standing,
    event: CommentEvent,
    version: int,
    at: datetime,
    origin: Origin = Origin.LIVE,
) -> None:
    outbox.emit(
        session,
        event,
        organization_id=member.principal.organization_id,
        aggregate_id=event.comment_id,
        version=version,
        community_id=event.community_id,
        actor=member.principal.account_id,
        occurred_at=at,
        origin=origin,
    )


# In the order of the external ids, so that two imports of the same items wait for each other in one direction only.
_INSERT = text("""
INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, edited_at,
    origin, source, external_id, attachments, mentions, version)
SELECT id, :organization_id, :community_id, post_id, author_id, body, commented_at, edited_at,
    'import', :source, external_id, CAST(attachments AS jsonb), CAST(mentions AS uuid[]), 1
FROM unnest(CAST(:ids AS uuid[]), CAST(:post_ids AS uuid[]), CAST(:author_ids AS uuid[]), CAST(:bodies AS text[]),
    CAST(:commented AS timestamptz[]), CAST(:edited AS timestamptz[]), CAST(:external_ids AS text[]),
    CAST(:attachments AS text[]), CAST(:mentions AS text[]))
    AS item(id, post_id, author_id, body, commented_at, edited_at, external_id, attachments, mentions)
ORDER BY external_id
ON CONFLICT (community_id, source, external_id) DO NOTHING
RETURNING external_id, id
""")


async def import_comments(session: Session, member: Standing, batch: CommentImports) -> ImportReport:
    """Bring comments in, each once, at their original times. Raises Problem 409 in an archived community."""
    check_may_edit(member)
    tally = Tally()
    items = tally.sift(batch.items, ("commented_at", "edited_at"))
    place = (session, member.community_id)
    known = await queries.find_imported(*place, batch.source, (item.external_id for item in items.values()))
    subjects = await posts.find_imported(*place, batch.source, (item.post_external_id for item in items.values()))
    authors = await posts.find_accounts(*place, (item.author_id for item in items.values()))
    fresh: dict[str, CommentImport] = {}
    for index, item in items.items():
        if item.external_id in known or item.external_id in fresh:
            continue
        reason = _refusal(item, subjects, authors)
        if reason is None:
            fresh[item.external_id] = item
        else:
            tally.reject(index, item.external_id, reason)
    created = await _insert(session, member, batch.source, fresh, subjects)
    if len(created) < len(fresh):  # somebody else imported them in the meantime
        known |= await queries.find_imported(*place, batch.source, fresh.keys() - created.keys())
    tally.settle(items, created, {external_id: one.id for external_id, one in known.items()})
    for external_id, item in fresh.items():
        if external_id in created:
            post = subjects[item.post_external_id]
            event = CommentPublished(
                comment_id=created[external_id],
                post_id=post.id,
                community_id=member.community_id,
                author_id=item.author_id,
                post_author_id=post.author_id,
                parent_id=None,
            )
            _emit(session, member, event, 1, item.commented_at, Origin.IMPORT)
    if created:
        await render_later(session, member.principal.organization_id)
    return tally.report()


def _refusal(item: CommentImport, subjects: dict[str, posts.Imported], authors: set[UUID]) -> Reason | None:
    post = subjects.get(item.post_external_id)
    if post is None:
        return POST_UNKNOWN
    if post.deleted:
        return POST_DELETED
    return None if item.author_id in authors else AUTHOR_UNKNOWN


async def _insert(
    session: Session,
    member: Standing,
    source: str,
    fresh: dict[str, CommentImport],
    subjects: dict[str, posts.Imported],
) -> dict[str, UUID]:
    """Insert what is not there; return the ids of what was inserted by external id."""
    if not fresh:
        return {}
    items = list(fresh.values())
    rows = await session.execute(
        _INSERT,
        {
            "organization_id": member.principal.organization_id,
            "community_id": member.community_id,
            "source": source,
            "ids": [new_id() for _ in items],
            "post_ids": [subjects[item.post_external_id].id for item in items],
            "author_ids": [item.author_id for item in items],
            "bodies": [item.body for item in items],
            "commented": [item.commented_at for item in items],
            "edited": [item.edited_at for item in items],
            "external_ids": [item.external_id for item in items],
            "attachments": [orjson.dumps(attachments_json(item.attachments)).decode() for item in items],
            "mentions": ["{" + ",".join(map(str, mentions(item.body)[:MOST_MENTIONS])) + "}" for item in items],
        },
    )
    return {row.external_id: row.id for row in rows}
