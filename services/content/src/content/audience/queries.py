"""Which of many things an account may read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db import Session, read
from chassis.tokens import Principal
from content.posts import queries as posts
from content.suspension import SUSPENDED
from contracts.members import CommunityRole

_COMMUNITIES_OF_POSTS = text("SELECT DISTINCT community_id FROM post WHERE id = ANY(:ids)")
_COMMUNITIES_OF_COMMENTS = text("SELECT DISTINCT community_id FROM comment WHERE id = ANY(:ids)")
_COMMUNITIES_OF_ITEMS = text("SELECT DISTINCT community_id FROM item WHERE id = ANY(:ids)")
_BELONGS = f"""(EXISTS (SELECT FROM standing_member AS belonging
    WHERE belonging.community_id = $2 AND belonging.account_id = $3 AND belonging.state = 'approved')
  AND NOT {SUSPENDED.format(community="$2", account="$3")})"""


@lru_cache
def _posts(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    belongs = "true" if staff else _BELONGS
    return (
        "SELECT json_agg(post.id) FROM post WHERE post.id = ANY($4::uuid[]) AND post.community_id = $2 AND $3::uuid IS NOT NULL "
        f"AND {belongs} AND {posts.readable(staff)}"
    )


@lru_cache
def _comments(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """A comment is read by whom its post is; a held one by its author and by moderators."""
    belongs = "true" if staff else _BELONGS
    held = "true" if staff else f"(comment.author_id = $3 OR {posts.holds(CommunityRole.MODERATOR)})"
    return (
        "SELECT json_agg(comment.id) FROM comment JOIN post ON post.id = comment.post_id "
        "WHERE comment.id = ANY($4::uuid[]) AND comment.community_id = $2 AND $3::uuid IS NOT NULL "
        f"AND {belongs} AND {posts.readable(staff)} "
        f"AND (comment.state = 'published' OR comment.state = 'held' AND {held})"
    )


@lru_cache
def _items(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """The backlog is the editors'."""
    allowed = "true" if staff else f"{_BELONGS} AND {posts.holds(CommunityRole.EDITOR)}"
    return (
        "SELECT json_agg(item.id) FROM item WHERE item.id = ANY($4::uuid[]) AND item.community_id = $2 AND $3::uuid IS NOT NULL "
        f"AND {allowed}"
    )


async def _readable(
    session: Session, principal: Principal, communities: Sequence[UUID], statement: str, ids: Sequence[UUID]
) -> set[UUID]:
    found: set[UUID] = set()
    for community_id in communities:
        listed = await read(session, statement, community_id, principal.account_id, list(ids))
        found.update(UUID(one) for one in orjson.loads(listed or b"[]"))
    return found


async def readable_posts(session: Session, principal: Principal, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the posts, of whatever communities, the caller may read."""
    communities = (await session.execute(_COMMUNITIES_OF_POSTS, {"ids": list(ids)})).scalars().all()
    return await _readable(session, principal, communities, _posts(principal.staff), ids)


async def readable_comments(session: Session, principal: Principal, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the comments, of whatever communities, the caller may read."""
    communities = (await session.execute(_COMMUNITIES_OF_COMMENTS, {"ids": list(ids)})).scalars().all()
    return await _readable(session, principal, communities, _comments(principal.staff), ids)


async def readable_items(session: Session, principal: Principal, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the items, of whatever communities, the caller may read."""
    communities = (await session.execute(_COMMUNITIES_OF_ITEMS, {"ids": list(ids)})).scalars().all()
    return await _readable(session, principal, communities, _items(principal.staff), ids)
