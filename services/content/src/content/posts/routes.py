"""Posts over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from chassis.app import router
from chassis.auth import Manager, Member, MemberReading
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import ImportRoute, TenantSession
from chassis.schemas import Page, problems
from content.imports import ImportReport
from content.posts import commands, queries
from content.posts.imported import commands as imported
from content.posts.policy import PostKind
from content.posts.schemas import PostCreate, PostImports, PostOut

POSTS = "/v1/communities/{community_id}/posts"
POST = POSTS + "/{post_id}"

routes = router("posts")
imports = router("posts", ImportRoute)

SectionFilter = Annotated[str | None, Query(max_length=80, description="only posts of this section")]
WithTree = Annotated[bool, Query(description="bodies as nodes too")]
KindFilter = Annotated[PostKind | None, Query(description="only posts of this kind")]
GroupFilter = Annotated[UUID | None, Query(description="only posts of this group")]
AuthorFilter = Annotated[UUID | None, Query(description="only posts of this account")]


def answer(document: queries.Document, status: int = 200) -> Response:
    """Return a resource that is JSON already, with its ETag."""
    headers = {"ETag": f'"{document.version}"'}
    return Response(document.content, status, headers=headers, media_type="application/json")


@imports.post(POSTS + "/imports", responses=problems(409, 413))
async def import_posts(session: TenantSession, manager: Manager, batch: PostImports) -> ImportReport:
    """Bring in posts from elsewhere, up to 500, at their original times.

    Each external id of a source is imported once, deleted posts included: repeat a batch as often as needed.
    """
    return await imported.import_posts(session, manager, batch)


@routes.post(POSTS, status_code=201, response_model=PostOut, responses=problems(409, 413))
async def create_post(session: TenantSession, member: Member, body: PostCreate) -> Response:
    """Publish a post, or begin a draft of one.

    A text that a rule forbids is answered 422 `text-blocked` with the rule's clause; one that a rule holds, or that a second person
    has to read first, is answered in state `held` or `in_review`.
    """
    return answer(await commands.write_post(session, member, body), 201)


@routes.get(POSTS, response_model=Page[PostOut])
async def list_posts(
    reading: MemberReading,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    section: SectionFilter = None,
    author: AuthorFilter = None,
    kind: KindFilter = None,
    group: GroupFilter = None,
    tree: WithTree = False,
) -> Response:
    """Read the feed, newest first: what is published in the community and in the caller's groups."""
    filters = queries.Filter(section, author, kind, group)
    content = await queries.list_posts(reading, filters, tree=tree, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.get(POST, response_model=PostOut)
async def get_post(reading: MemberReading, post_id: UUID, *, tree: WithTree = False) -> Response:
    """Read a post. A deleted one is not there, nor one that the caller may not see yet or any more."""
    return answer(await queries.get_post(reading, post_id, tree=tree))
