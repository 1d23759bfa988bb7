"""Upkeep over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Editor, EditorOrAnalyst, EditorOrAnalystReading, MemberReading
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession
from chassis.schemas import Page, problems
from content.posts.routes import POST, POSTS, WithTree, answer
from content.posts.schemas import PostOut
from content.posts.upkeep import commands, queries
from content.posts.upkeep.schemas import FreshnessOut, PinWrite

routes = router("posts")


@routes.get(POSTS + "/pinned", response_model=Page[PostOut])
async def list_pinned_posts(
    reading: MemberReading, *, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None, tree: WithTree = False
) -> Response:
    """Read what is pinned, by rank, in the community and in the caller's groups."""
    content = await queries.list_pinned(reading, tree=tree, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.get(POSTS + "/stale", response_model=Page[PostOut])
async def list_stale_posts(
    reading: EditorOrAnalystReading, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """Read the pinned and evergreen pieces past their review date, the longest first. A later `review_at` says that one is still right."""
    content = await queries.list_stale(reading, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.get(POSTS + "/freshness")
async def get_freshness(session: TenantSession, reader: EditorOrAnalyst) -> FreshnessOut:
    """Read the freshness debt: the share of pinned and evergreen pieces past their review date."""
    return await queries.get_freshness(session, reader.community_id)


@routes.put(POST + "/pin", response_model=PostOut, responses=problems(409, 412, 413, 428))
async def pin_post(session: TenantSession, editor: Editor, post_id: UUID, version: IfMatch, body: PinWrite) -> Response:
    """Pin a published piece, or pin it elsewhere."""
    return answer(await commands.pin_post(session, editor, post_id, version, body))


@routes.delete(POST + "/pin", response_model=PostOut, responses=problems(412, 428))
async def unpin_post(session: TenantSession, editor: Editor, post_id: UUID, version: IfMatch) -> Response:
    """Take a piece off the pins. Doing it again changes nothing."""
    return answer(await commands.unpin_post(session, editor, post_id, version))
