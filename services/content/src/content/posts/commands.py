"""Every write of single posts, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, KeptProblem, Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.groups import queries as groups
from content.personas import policy as persona_policy
from content.personas import queries as personas
from content.posts import policy, queries
from content.posts.models import Post, PostRevision
from content.posts.policy import Act, PostKind, PostState, Utterance, Verdict
from content.posts.schemas import PostCreate, PostUpdate
from content.refusal import check
from content.text import mentions
from contracts.base import Origin
from contracts.content import (
    PostDeleted,
    PostEdited,
    PostEvent,
    PostPublished,
    PostRestored,
    PostWithdrawn,
    PostWritten,
)

Check = Callable[[Session, Utterance], Awaitable[Verdict]]
CHECKS: list[Check] = []
"""What judges every text before it is written, posts and comments alike; the composition root fills it.

A check may write what it found and emit its own events: a text that is blocked is not written, but what the checks wrote is.
"""


async def judge(session: Session, utterance: Utterance) -> Verdict:
    """Return the strictest verdict on a text. Raises KeptProblem 422 `text-blocked`, with the clause, when it is to block it.

    Call it before anything is written: what the session holds by then is committed with the refusal.
    """
    verdict = policy.ALLOWED
    for one in CHECKS:
        verdict = policy.stricter(verdict, await one(session, utterance))
    if verdict.act is Act.BLOCK:
        clause = verdict.clause
        raise KeptProblem(
            422,
            "text-blocked",
            "A rule of the community forbids this text."
            if clause is None
            else f"Rule {clause.code} forbids this text.",
            errors=[Fault("/body", "text-blocked", "It is not published.")],
            more={} if clause is None else {"clause": {"code": clause.code, "text": dict(clause.text)}},
        )
    return verdict


def check_may_speak(member: Standing) -> None:
    """Raise Problem 409 when the member can say nothing new in the community's present state."""
    check(policy.speaking_refusal(member.community_state, queries.caller_of(member)))


def check_may_edit(member: Standing) -> None:
    """Raise Problem 409 when nothing can be changed or imported in the community any more."""
    check(policy.archive_refusal(member.community_state))


def check_may_change(member: Standing, author_id: UUID) -> None:
    """Raise Problem 403 unless the member may edit and delete what this author wrote."""
    if not policy.may_change(queries.caller_of(member), own=author_id == member.principal.account_id):
        raise Problem(403, "forbidden", "Only its author and moderators may do this.")


def emit(
    session: Session,
    post: Post,
    event: PostEvent,
    *,
    actor: UUID | None,
    at: datetime | None = None,
) -> None:
    """Emit an event of a post at its present version."""
    outbox.emit(
        session,
        event,
        organization_id=post.organization_id,
        aggregate_id=post.id,
        version=post.version,
        community_id=post.community_id,
        actor=actor,
        occurred_at=at,
    )


def _ids(post: Post) -> dict[str, UUID]:
    return {"post_id": post.id, "community_id": post.community_id, "author_id": post.author_id}


def tell_published(session: Session, post: Post, actor: UUID | None) -> None:
    """Emit that a post is seen from now on."""
    event = PostPublished(
        **_ids(post),
        section=post.section,
        kind=post.kind,
        persona_id=post.persona_id,
        group_id=post.group_id,
        theme_id=post.theme_id,
        delivery_id=post.delivery_id,
        promotion=post.promotion,
    )
    emit(session, post, event, actor=actor, at=post.published_at)


def tell_written(session: Session, post: Post, actor: UUID | None) -> None:
    """Emit that a post which nobody else sees was begun or changed."""
    emit(session, post, PostWritten(**_ids(post), state=post.state), actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Something to publish that nobody posts at this moment: the calendar's items. `author_id` is the person, kept behind a persona."""

    organization_id: UUID
    community_id: UUID
    author_id: UUID
    kind: PostKind
    body: str
    title: str | None = None
    section: str = policy.DEFAULT_SECTION
    persona_id: UUID | None = None
    group_id: UUID | None = None
    theme_id: UUID | None = None
    delivery_id: UUID | None = None
    expires_at: datetime | None = None
    review_at: datetime | None = None
    evergreen: bool = False
    promotion: bool = False
    acknowledge: bool = False
    acknowledge_by: datetime | None = None
    benefit: dict[str, Any] | None = None


async def publish_item(session: Session, piece: Piece, *, actor: UUID | None = None) -> Post:
    """Publish a piece now, with its event; a delivery that was published before is returned as it is.

    The checks judge it as anybody's text: it may come out `held`. Raises KeptProblem 422 when they block it, Problem 409 when
    the persona is retired or does not speak here.
    """
    if piece.delivery_id is not None:
        before = await queries.find_delivered(session, piece.delivery_id)
        if before is not None:
            return before
    caller = policy.Caller(trusted=True, moderator=False, editor=True)
    await check_persona(session, piece.community_id, piece.persona_id, caller)
    post = Post(
        id=new_id(),
        organization_id=piece.organization_id,
        community_id=piece.community_id,
        author_id=piece.author_id,
        title=piece.title,
        body=piece.body,
        section=piece.section,
        published_at=clock.now(),
        origin=Origin.LIVE.value,
        mentions=mentions(piece.body),
        kind=piece.kind.value,
        theme_id=piece.theme_id,
        group_id=piece.group_id,
        persona_id=piece.persona_id,
        delivery_id=piece.delivery_id,
        expires_at=piece.expires_at,
        review_at=piece.review_at,
        evergreen=piece.evergreen,
        promotion=piece.promotion,
        acknowledge=piece.acknowledge,
        acknowledge_by=piece.acknowledge_by,
        benefit=piece.benefit,
    )
    verdict = await judge(session, _utterance(post, caller, delivered=True))
    post.state = (PostState.HELD if verdict.act is Act.HOLD else PostState.PUBLISHED).value
    await _add(session, post, actor)
    return post


async def _add(session: Session, post: Post, actor: UUID | None) -> None:
    post.ever_published = post.state == PostState.PUBLISHED
    session.add(post)
    await session.flush()
    if post.state == PostState.PUBLISHED:
        tell_published(session, post, actor)
    else:
        tell_written(session, post, actor)


def _utterance(post: Post, caller: policy.Caller, *, edited: bool = False, delivered: bool = False) -> Utterance:
    return Utterance(
        id=post.id,
        organization_id=post.organization_id,
        community_id=post.community_id,
        author_id=post.author_id,
        caller=caller,
        kind=post.kind,
        title=post.title,
        body=post.body,
        group_id=post.group_id,
        persona_id=post.persona_id,
        edited=edited,
        delivered=delivered,
    )


async def check_persona(session: Session, community_id: UUID, persona_id: UUID | None, caller: policy.Caller) -> None:
    """Raise Problem 409 or 422 unless the caller may speak as the persona here; nobody's persona is everybody's."""
    if persona_id is None:
        return
    persona = await personas.find_persona(session, persona_id)
    if persona is None:
        raise invalid("/persona_id", "persona-unknown", "The organization has no such persona.")
    check(
        persona_policy.speaking_refusal(
            community_id, persona.community_ids, editor=caller.editor, retired=persona.retired_at is not None
        )
    )


async def check_group(session: Session, member: Standing, group_id: UUID | None) -> None:
    """Raise Problem 422 unless the member may speak in the group: its members and hosts, editors and moderators."""
    if group_id is None:
        return
    caller = queries.caller_of(member)
    known = await groups.find_group(session, member.community_id, group_id)
    mine = await groups.groups_of(session, member.community_id, member.principal.account_id)
    if known is None or not (group_id in mine or caller.editor or caller.moderator):
        raise invalid("/group_id", "group-unknown", "The community has no such group that you are in.")


async def write_post(session: Session, member: Standing, new: PostCreate) -> queries.Document:
    """Publish a post, or begin one as a draft. Raises Problem 403, 409, 422, KeptProblem 422 when a rule forbids its text."""
    caller = queries.caller_of(member)
    check_may_speak(member)
    check(policy.writing_refusal(new.kind, caller), 403)
    await check_persona(session, member.community_id, new.persona_id, caller)
    await check_group(session, member, new.group_id)
    post = Post(
        id=new_id(),
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        author_id=member.principal.account_id,
        title=new.title,
        body=new.body,
        section=new.section,
        published_at=clock.now(),
        origin=Origin.LIVE.value,
        mentions=mentions(new.body),
        kind=new.kind.value,
        group_id=new.group_id,
        persona_id=new.persona_id,
    )
    verdict = policy.ALLOWED if new.draft else await judge(session, _utterance(post, caller))
    post.state = policy.first_state(new.kind, verdict, draft=new.draft, reviewed=frozenset()).value
    await _add(session, post, post.author_id)
    return await queries.get_written_post(session, member, post.id)


async def edit_post(
    session: Session, member: Standing, post_id: UUID, expected: int, change: PostUpdate
) -> queries.Document:
    """Change a post's text; a change that changes nothing is none. Raises Problem 403, 404, 409, 412, KeptProblem 422."""
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post.author_id)
    check_version(expected, post.version)
    check_may_edit(member)
    title = change.title if "title" in change.model_fields_set else post.title
    body = post.body if change.body is None else change.body
    if (title, body) != (post.title, post.body):
        await rewrite(session, post, title, body, editor=member.principal.account_id, caller=queries.caller_of(member))
    return await queries.get_written_post(session, member, post.id)


async def rewrite(
    session: Session, post: Post, title: str | None, body: str, *, editor: UUID, caller: policy.Caller
) -> None:
    """Give a post other words and keep those that it had. What others see is judged first. Raises KeptProblem 422."""
    seen = post.state == PostState.PUBLISHED
    verdict = policy.ALLOWED
    if seen or post.state == PostState.HELD:
        utterance = _utterance(post, caller, edited=True)
        verdict = await judge(session, policy.replaced(utterance, title, body))
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
    post.title, post.body, post.mentions = title, body, mentions(body)
    post.revision += 1
    post.edited_at, post.edited_by = clock.now(), editor
    post.version += 1
    if seen:
        emit(session, post, PostEdited(**_ids(post)), actor=editor)
        if verdict.act is Act.HOLD:
            await settle_post(session, post, PostState.HELD, actor=None)
    else:
        tell_written(session, post, editor)
    await session.flush()


async def settle_post(session: Session, post: Post, state: PostState, *, actor: UUID | None) -> None:
    """Bring a locked post into a state, with its event: hold, remove, expire or take it back, publish or restore it."""
    if post.state == state:
        return
    seen_before = post.state == PostState.PUBLISHED
    post.state = state.value
    post.version += 1
    if state is PostState.PUBLISHED:
        if post.ever_published:
            emit(session, post, PostRestored(**_ids(post)), actor=actor)
        else:
            post.published_at, post.ever_published = clock.now(), True
            tell_published(session, post, actor)
    elif seen_before:
        emit(session, post, PostWithdrawn(**_ids(post), cause=state.value), actor=actor)
    else:
        tell_written(session, post, actor)
    await session.flush()


_FORGET_REVISIONS = text("DELETE FROM post_revision WHERE post_id = :post_id")
_FORGET_PROPOSAL = text("DELETE FROM post_proposal WHERE post_id = :post_id")


async def delete_post(session: Session, member: Standing, post_id: UUID, expected: int) -> None:
    """Leave a tombstone in a post's place. Raises Problem 403, 404, 412."""
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post.author_id)
    check_version(expected, post.version)
    post.deleted_at, post.state = clock.now(), PostState.REMOVED.value
    post.title, post.body, post.attachments, post.mentions = None, "", [], []
    post.html = post.tree = post.benefit = post.submitted_at = post.submitted_by = None
    post.pin_rank = post.pinned_at = post.pinned_until = None
    post.version += 1
    await session.flush()
    await session.execute(_FORGET_REVISIONS, {"post_id": post.id})
    await session.execute(_FORGET_PROPOSAL, {"post_id": post.id})
    emit(session, post, PostDeleted(**_ids(post)), actor=member.principal.account_id, at=post.deleted_at)
