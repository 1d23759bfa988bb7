"""Changing and deleting posts over HTTP, and what they said before."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Member
from chassis.errors import not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.posts import queries as posts
from content.posts.editing import commands, queries
from content.posts.editing.schemas import ProposalOut, RevisionOut
from content.posts.routes import POST, answer
from content.posts.schemas import PostOut, PostUpdate

routes = router("posts")


@routes.patch(POST, response_model=PostOut, responses=problems(409, 412, 413, 428))
async def edit_post(
    session: TenantSession, member: Member, post_id: UUID, version: IfMatch, body: PostUpdate
) -> Response:
    """Change a post: its author and moderators, and editors what is the editors'.

    Where the community asks for review, new words of a published piece wait as a proposal and the piece stays as it is.
    """
    return answer(await commands.edit_post(session, member, post_id, version, body))


@routes.delete(POST, status_code=204, responses=problems(412, 428))
async def delete_post(session: TenantSession, member: Member, post_id: UUID, version: IfMatch) -> None:
    """Take a post back or down, with its discussion and its former words: its author and moderators, editors what is theirs."""
    await commands.delete_post(session, member, post_id, version)


@routes.get(POST + "/revisions")
async def list_post_revisions(
    request: Request,
    session: TenantSession,
    member: Member,
    post_id: UUID,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[RevisionOut]:
    """Read what a post says and said, newest first, and who wrote it: those who may change it. It names the person behind a persona."""
    post = await posts.get_row(session, member.community_id, post_id)
    commands.check_may_change(member, post)
    return await queries.list_revisions(session, runtime_of(request).cursors, post, limit=limit, cursor=cursor)


@routes.get(POST + "/proposal")
async def get_post_proposal(session: TenantSession, member: Member, post_id: UUID) -> ProposalOut:
    """Read the new words of a published piece that wait for a second person: those who may change it."""
    post = await posts.get_row(session, member.community_id, post_id)
    commands.check_may_change(member, post)
    proposal = await queries.find_proposal(session, post.id)
    if proposal is None:
        raise not_found("proposal")
    return ProposalOut.model_validate(proposal)
