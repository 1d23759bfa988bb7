"""Every write of single posts, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import clock, due
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, KeptProblem, Problem, invalid
from chassis.ids import new_id
from content.groups import queries as groups
from content.media.uses import commands as media_uses
from content.personas import policy as persona_policy
from content.personas import queries as personas
from content.posts import policy, queries
from content.posts.models import Post
from content.posts.policy import Act, PostKind, PostState, Utterance, Verdict
from content.posts.reviewing import queries as reviewing
from content.posts.schemas import PostCreate
from content.posts.telling.commands import emit, ids, tell_published, tell_written
from content.refusal import check
from content.rendering.texts import Rendered, render
from contracts.base import Origin
from contracts.content import PostRestored, PostWithdrawn

Check = Callable[[Session, Utterance], Awaitable[Verdict]]
CHECKS: list[Check] = []
"""What judges every text before it is written, posts and comments alike; the composition root fills it.

A check may write what it found and emit its own events: a text that is blocked is not written, but what the checks wrote is.
"""


EXPIRE, LOOK_AGAIN, UNPIN = "posts.expire", "posts.look_again", "posts.unpin"
"""Kinds of due work: what a post's dates ask for."""


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
            errors=[Fault(f"/{name}", "text-blocked", "It is not published.") for name in verdict.fields or ("body",)],
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Something to publish that nobody posts at this moment: the calendar's items.

    `author_id` is the person, kept behind a persona; `approved_by` the second person who has read it, where there is one.
    """

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
    approved_by: UUID | None = None
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
    the persona is retired or does not speak here, or the community asks for a second person and there was none.
    """
    if piece.delivery_id is not None:
        before = await queries.find_delivered(session, piece.delivery_id)
        if before is not None:
            return before
    caller = policy.Caller(trusted=True, moderator=False, editor=True)
    await check_persona(session, piece.community_id, piece.persona_id, caller)
    if piece.approved_by is None and piece.kind in await _reviewed(session, piece.community_id):
        raise Problem(409, "review-missing", "The community asks that a second person reads it first.")
    rendered = await render_checked(piece.body)
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
        mentions=rendered.mentions,
        html=rendered.html,
        tree=rendered.tree,
        renderer=rendered.renderer,
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
    verdict = await judge(session, utterance_of(post, caller, rendered, by=None))
    post.state = (PostState.HELD if verdict.act is Act.HOLD else PostState.PUBLISHED).value
    await _add(session, post, actor)
    await media_uses.use_planned(session, post.author_id, post.id, rendered.media)
    return post


async def _reviewed(session: Session, community_id: UUID) -> frozenset[str]:
    """Return the kinds that a community has reviewed, asked once in a transaction: many pieces are published in one."""
    known: dict[UUID, frozenset[str]] = session.info.setdefault("content.reviewed", {})
    if community_id not in known:
        known[community_id] = await reviewing.reviewed_kinds(session, community_id)
    return known[community_id]


async def _add(session: Session, post: Post, actor: UUID | None) -> None:
    post.ever_published = post.state == PostState.PUBLISHED
    session.add(post)
    await session.flush()
    if post.state == PostState.PUBLISHED:
        tell_published(session, post, actor)
    else:
        tell_written(session, post, actor)
    await schedule_upkeep(session, post)


async def render_checked(body: str) -> Rendered:
    """Return a text rendered. Raises Problem 422 when it nests without end, is nearly all markup or mentions a crowd."""
    rendered = await render(body)
    if rendered.plain:
        raise invalid("/body", "too-complex", "It nests too deep, or nearly all of it is markup.")
    if len(rendered.mentions) > policy.MOST_MENTIONS:
        raise invalid("/body", "too-many-mentions", f"At most {policy.MOST_MENTIONS} people are mentioned in one text.")
    return rendered


def utterance_of(
    post: Post, caller: policy.Caller, rendered: Rendered, *, by: UUID | None, edited: bool = False
) -> Utterance:
    """Return a post as checks judge it; `by` is who says or changes it, none: the calendar."""
    return Utterance(
        id=post.id,
        organization_id=post.organization_id,
        community_id=post.community_id,
        author_id=post.author_id,
        caller=caller,
        kind=post.kind,
        title=post.title,
        body=post.body,
        media=tuple(rendered.media),
        group_id=post.group_id,
        persona_id=post.persona_id,
        edited=edited,
        by=by,
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
    rendered = await render_checked(new.body)
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
        mentions=rendered.mentions,
        html=rendered.html,
        tree=rendered.tree,
        renderer=rendered.renderer,
        kind=new.kind.value,
        group_id=new.group_id,
        persona_id=new.persona_id,
    )
    arrange(post, new.arrangement(), caller)
    post.state = PostState.DRAFT.value
    if not new.draft:
        await bring_out(session, post, caller, rendered, by=post.author_id)
    await _add(session, post, post.author_id)
    if rendered.media:
        await media_uses.use(session, post.organization_id, post.author_id, "post", post.id, rendered.media)
    return await queries.get_written_post(session, member, post.id)


def arrange(post: Post, wanted: dict[str, Any], caller: policy.Caller) -> bool:
    """Set what editors say of a piece beside its words; return whether anything changed. Raises Problem 403, 422."""
    changed = {name: value for name, value in wanted.items() if getattr(post, name) != value}
    if not changed:
        return False
    if not caller.editor:
        raise Problem(403, "forbidden", "Only editors and managers set this.")
    for name, value in changed.items():
        setattr(post, name, value)
    fault = policy.arrangement_fault(
        PostKind(post.kind),
        now=clock.now(),
        dates={name: getattr(post, name) for name in policy.DATES if name in changed},
        acknowledge=post.acknowledge,
        acknowledge_by=post.acknowledge_by,
        benefit=post.benefit is not None,
    )
    if fault is not None:
        raise invalid(f"/{fault.field}", fault.code, fault.detail)
    return True


async def schedule_upkeep(session: Session, post: Post) -> None:
    """Have a published post expire, looked at again and unpinned at its dates; a review date is told of once, when it comes.

    Work that nothing asks for any more is left to find that: its worker holds that work's row and waits for the post.
    """
    now = clock.now()
    for kind, at in ((EXPIRE, post.expires_at), (LOOK_AGAIN, post.review_at), (UNPIN, post.pinned_until)):
        if at is not None and post.state == PostState.PUBLISHED and (kind != LOOK_AGAIN or at > now):
            await due.schedule(session, post.organization_id, kind, str(post.id), at)


async def bring_out(session: Session, post: Post, caller: policy.Caller, rendered: Rendered, *, by: UUID) -> None:
    """Give a post that nobody saw the state that publishing it leads to: in review where the community asks for it, else judged."""
    if post.kind in await reviewing.reviewed_kinds(session, post.community_id):
        post.state = PostState.IN_REVIEW.value
        post.submitted_at, post.submitted_by = clock.now(), by
        return
    verdict = await judge(session, utterance_of(post, caller, rendered, by=by))
    post.state = (PostState.HELD if verdict.act is Act.HOLD else PostState.PUBLISHED).value


Settled = Callable[[Session, Post], Awaitable[None]]
SETTLED: list[Settled] = []
"""Who is told in the same transaction that a post which the calendar delivered was published, taken down or deleted.

The composition root fills it.
"""


async def settle_post(session: Session, post: Post, state: PostState, *, actor: UUID | None) -> None:
    """Bring a locked post into a state, with its event: hold, remove, expire or take it back, publish or restore it."""
    if post.state == state:
        return
    seen_before = post.state == PostState.PUBLISHED
    post.state = state.value
    post.submitted_at = post.submitted_by = None
    post.version += 1
    if state is PostState.PUBLISHED:
        if post.ever_published:
            emit(session, post, PostRestored(**ids(post)), actor=actor)
        else:
            post.published_at, post.ever_published = clock.now(), True
            tell_published(session, post, actor)
    elif seen_before:
        emit(session, post, PostWithdrawn(**ids(post), cause=state.value), actor=actor)
    else:
        tell_written(session, post, actor)
    await session.flush()
    await note_settled(session, post)
    await schedule_upkeep(session, post)


async def note_settled(session: Session, post: Post) -> None:
    """Tell the calendar what became of a post that it delivered."""
    if post.delivery_id is not None:
        for told in SETTLED:
            await told(session, post)
