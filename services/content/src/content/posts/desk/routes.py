"""The desk over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from chassis.app import router
from chassis.auth import MemberReading
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.schemas import Page
from content.posts.desk import queries
from content.posts.desk.queries import DeskState
from content.posts.routes import POSTS
from content.posts.schemas import PostOut

routes = router("posts")


@routes.get(POSTS + "/desk", response_model=Page[PostOut])
async def list_desk(
    reading: MemberReading,
    state: Annotated[DeskState, Query(description="where it stands")] = DeskState.DRAFT,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    """Read what is not shown yet or any more, what was begun last first.

    Members see their own; editors what the editors write; moderators what is held.
    """
    content = await queries.list_desk(reading, state, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")
