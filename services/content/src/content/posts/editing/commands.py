"""Changing and deleting posts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.requests import check_version
from content.media.uses import commands as media_uses
from content.posts import commands, policy, queries
from content.posts.commands import arrange, judge, render_checked, schedule_upkeep, settle_post, utterance_of
from content.posts.models import Post, PostProposal, PostRevision
from content.posts.policy import Act, PostKind, PostState, Verdict
from content.posts.reviewing import queries as reviewing
from content.posts.schemas import PostUpdate
from content.posts.telling.commands import emit, ids, tell_written
from content.rendering.texts import Rendered
from contracts.content import PostDeleted, PostEdited


def check_may_change(member: Standing, post: Post) -> None:
    """Raise Problem 403 unless the member may edit and delete the post, 404 for what is held, or begun by others, and not theirs to see."""
    own = post.author_id == member.principal.account_id
    editorial = post.kind != PostKind.POST
    caller = queries.caller_of(member)
    state = PostState(post.state)
    seen = policy.sees(state, caller, own=own, editorial=editorial or member.principal.staff)
    may = policy.may_change(caller, own=own, editorial=editorial)
    if not seen and (may or state is PostState.HELD):
        raise not_found("post")
    if not may:
        raise Problem(403, "forbidden", "Only its author and moderators, and editors what is theirs, may do this.")


async def edit_post(
    session: Session, member: Standing, post_id: UUID, expected: int, change: PostUpdate
) -> queries.Document:
    """Change a post; a change that changes nothing is none. Raises Problem 403, 404, 409, 412, 422, KeptProblem 422.

    New words of a published piece of a kind that is reviewed wait as a proposal, and the piece stays as it is.
    """
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post)
    check_version(expected, post.version)
    commands.check_may_edit(member)
    editor, caller = member.principal.account_id, queries.caller_of(member)
    title = change.title if "title" in change.model_fields_set else post.title
    body = post.body if change.body is None else change.body
    reworded = (title, body) != (post.title, post.body)
    reviewed = reworded and post.state == PostState.PUBLISHED and await _is_reviewed(session, post)
    rendered, verdict = None, policy.ALLOWED
    if reworded:
        rendered = await render_checked(body)
        if not reviewed and post.state in {PostState.PUBLISHED, PostState.HELD}:
            utterance = policy.replaced(utterance_of(post, caller, rendered, by=editor, edited=True), title, body)
            verdict = await judge(session, utterance)
    wanted = change.arrangement()
    if "benefit" in wanted and wanted["benefit"] != post.benefit:
        await _check_benefit(session, post)
    arranged = arrange(post, wanted, caller)
    if rendered is not None and not reviewed:
        await reword(session, post, title, body, rendered, editor=editor, verdict=verdict)
    elif arranged or reviewed:
        if reviewed:
            await _propose(session, post, title, body, editor)
            media = rendered.media if rendered is not None else []
            await media_uses.use(session, post.organization_id, editor, "post", post.id, media, beside=True)
        post.version += 1
        await session.flush()
        if arranged and post.state == PostState.PUBLISHED:
            emit(session, post, PostEdited(**ids(post)), actor=editor)
        else:
            tell_written(session, post, editor)
    if arranged:
        await schedule_upkeep(session, post)
    return await queries.get_written_post(session, member, post.id)


async def _is_reviewed(session: Session, post: Post) -> bool:
    return post.kind in await reviewing.reviewed_kinds(session, post.community_id)


async def _check_benefit(session: Session, post: Post) -> None:
    """Raise Problem 409 when what readers are promised would change past the second person."""
    if post.state == PostState.PUBLISHED and await _is_reviewed(session, post):
        raise Problem(409, "review-needed", "Take it back first: a second person reads its benefit too.")


async def _propose(session: Session, post: Post, title: str | None, body: str, editor: UUID) -> None:
    """Keep new words until a second person has read them; newer words take the place of those that wait."""
    said = {"title": title, "body": body, "proposed_by": editor, "proposed_at": clock.now()}
    await session.execute(
        insert(PostProposal)
        .values(
            post_id=post.id,
            organization_id=post.organization_id,
            community_id=post.community_id,
            base_revision=post.revision,
            **said,
        )
        .on_conflict_do_update(index_elements=["post_id"], set_=said | {"base_revision": post.revision})
    )


async def reword(
    session: Session,
    post: Post,
    title: str | None,
    body: str,
    rendered: Rendered,
    *,
    editor: UUID,
    verdict: Verdict,
) -> None:
    """Give a locked post other words, which were judged, and keep those that it had."""
    seen = post.state == PostState.PUBLISHED
    session.add(
        PostRevision(
            organization_id=post.organization_id,
            post_id=post.id,
            number=post.revision,
            editor_id=post.edited_by or post.author_id,
            title=post.title,
            body=post.body,
            written_at=post.edited_at or post.published_at,
        )
    )
    post.title, post.body, post.mentions = title, body, rendered.mentions
    post.html, post.tree, post.renderer = rendered.html, rendered.tree, rendered.renderer
    post.revision += 1
    post.edited_at, post.edited_by = clock.now(), editor
    post.version += 1
    await session.flush()
    await media_uses.use(session, post.organization_id, editor, "post", post.id, rendered.media)
    if not seen:
        tell_written(session, post, editor)
        return
    emit(session, post, PostEdited(**ids(post)), actor=editor)
    if verdict.act is Act.HOLD:
        await settle_post(session, post, PostState.HELD, actor=None)


_FORGET = (
    text("DELETE FROM post_revision WHERE post_id = :post_id"),
    text("DELETE FROM post_proposal WHERE post_id = :post_id"),
    text("UPDATE post_review SET note = NULL WHERE post_id = :post_id"),
)


async def delete_post(session: Session, member: Standing, post_id: UUID, expected: int) -> None:
    """Leave a tombstone in a post's place, and nothing of what it ever said. Raises Problem 403, 404, 412."""
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post)
    check_version(expected, post.version)
    post.deleted_at, post.state = clock.now(), PostState.REMOVED.value
    post.title, post.body, post.attachments, post.mentions = None, "", [], []
    post.html = post.tree = post.benefit = post.submitted_at = post.submitted_by = None
    post.pin_rank = post.pinned_at = post.pinned_until = None
    post.version += 1
    await session.flush()
    for statement in _FORGET:
        await session.execute(statement, {"post_id": post.id})
    await commands.note_settled(session, post)
    await media_uses.release(session, "post", [post.id])
    await media_uses.release_threads(session, [post.id])
    emit(session, post, PostDeleted(**ids(post)), actor=member.principal.account_id, at=post.deleted_at)
