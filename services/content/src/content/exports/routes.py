"""Lists as files over HTTP: each at the address of its list, with `/export.xlsx` behind it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis import exports
from chassis.app import router
from chassis.auth import Manager
from chassis.exports import XLSX
from chassis.languages import Language
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from content.discussion.sheets import COMMENTS
from content.exports import commands
from content.posts.sheets import POSTS
from contracts.content import SubjectKind

COMMUNITY = "/v1/communities/{community_id}"
POST, COMMENT = COMMUNITY + "/posts/{post_id}", COMMUNITY + "/comments/{comment_id}"

of_posts = router("posts")
of_discussion = router("discussion")


@of_posts.get(COMMUNITY + "/posts/export.xlsx", response_class=Response, responses=XLSX)
async def export_posts(
    request: Request,
    session: TenantSession,
    manager: Manager,
    language: Language,
    *,
    section: Annotated[str | None, Query(max_length=80, description="only posts of this section")] = None,
    author: Annotated[UUID | None, exports.narrowed("of this account")] = None,
) -> Response:
    """Take the posts out as XLSX, oldest first, narrowed by the feed's own filters. Managers; an event tells who did it."""
    taken = await commands.start(session, manager, POSTS, {"section": section, "author": author})
    return exports.answer(runtime_of(request), taken, language=language)


@of_discussion.get(COMMUNITY + "/comments/export.xlsx", response_class=Response, responses=XLSX)
async def export_comments(
    request: Request,
    session: TenantSession,
    manager: Manager,
    language: Language,
    author: Annotated[UUID | None, exports.narrowed("of this account")] = None,
) -> Response:
    """Take the comments on all posts out as XLSX, post by post, oldest first. Managers; an event tells who did it."""
    taken = await commands.start(session, manager, COMMENTS, {"author": author})
    return exports.answer(runtime_of(request), taken, language=language)


@of_discussion.get(POST + "/comments/export.xlsx", response_class=Response, responses=XLSX)
async def export_post_comments(
    request: Request, session: TenantSession, manager: Manager, post_id: UUID, language: Language
) -> Response:
    """Take a post's comments out as XLSX, oldest first. Managers; an event tells who did it."""
    taken = await commands.start_comments(session, manager, post_id)
    return exports.answer(runtime_of(request), taken, language=language)


@of_discussion.get(POST + "/reactions/export.xlsx", response_class=Response, responses=XLSX)
async def export_post_reactions(
    request: Request, session: TenantSession, manager: Manager, post_id: UUID, language: Language
) -> Response:
    """Take out as XLSX who reacted to a post with what. Managers; an event tells who did it."""
    taken = await commands.start_reactions(session, manager, SubjectKind.POST, post_id)
    return exports.answer(runtime_of(request), taken, language=language)


@of_discussion.get(COMMENT + "/reactions/export.xlsx", response_class=Response, responses=XLSX)
async def export_comment_reactions(
    request: Request, session: TenantSession, manager: Manager, comment_id: UUID, language: Language
) -> Response:
    """Take out as XLSX who reacted to a comment with what. Managers; an event tells who did it."""
    taken = await commands.start_reactions(session, manager, SubjectKind.COMMENT, comment_id)
    return exports.answer(runtime_of(request), taken, language=language)
