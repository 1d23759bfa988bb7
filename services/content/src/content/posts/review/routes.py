"""Bringing pieces out and reviewing them, over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Editor, Member
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.posts import queries as posts
from content.posts.editing.commands import check_may_change
from content.posts.review import commands, queries
from content.posts.review.schemas import ReviewNote, ReviewOut
from content.posts.routes import POST, answer
from content.posts.schemas import PostOut

routes = router("posts")
STEP = problems(409, 412, 428)


@routes.post(POST + "/publish", response_model=PostOut, responses=STEP)
async def publish_post(session: TenantSession, member: Member, post_id: UUID, version: IfMatch) -> Response:
    """Bring a draft out, or what has expired once more: those who may change it.

    Where the community asks for review of its kind it becomes `in_review`; a rule may make it `held`, or refuse it with its clause.
    """
    return answer(await commands.publish_draft(session, member, post_id, version))


@routes.post(POST + "/withdraw", response_model=PostOut, responses=STEP)
async def withdraw_post(session: TenantSession, member: Member, post_id: UUID, version: IfMatch) -> Response:
    """Make a piece a draft again; words that wait for review go: those who may change it."""
    return answer(await commands.withdraw_post(session, member, post_id, version))


@routes.post(POST + "/approve", response_model=PostOut, responses=STEP | problems(413))
async def approve_post(
    session: TenantSession, editor: Editor, post_id: UUID, version: IfMatch, body: ReviewNote
) -> Response:
    """Let others see what was submitted, or a proposal: an editor who neither wrote nor submitted it. If-Match names what was read."""
    return answer(await commands.approve_post(session, editor, post_id, version, body.note))


@routes.post(POST + "/return", response_model=PostOut, responses=STEP | problems(413))
async def return_post(
    session: TenantSession, editor: Editor, post_id: UUID, version: IfMatch, body: ReviewNote
) -> Response:
    """Give a piece back to its writer as a draft, or drop a proposal: an editor who neither wrote nor submitted it."""
    return answer(await commands.return_post(session, editor, post_id, version, body.note))


@routes.get(POST + "/reviews")
async def list_post_reviews(
    request: Request,
    session: TenantSession,
    member: Member,
    post_id: UUID,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ReviewOut]:
    """Read what second persons decided on a piece, newest first: those who may change it."""
    post = await posts.get_row(session, member.community_id, post_id)
    check_may_change(member, post)
    return await queries.list_reviews(session, runtime_of(request).cursors, post, limit=limit, cursor=cursor)
