"""Reading tags."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from members.memberships.tags.schemas import MembershipTags, TagCount


async def lock_memberships(
    session: Session, community_id: UUID, membership_ids: Collection[UUID]
) -> dict[UUID, tuple[UUID, str]]:
    """Return membership → (account, state) of those that the community has, locked in one order for everybody."""
    rows = await session.execute(
        text("""
            SELECT id, account_id, state FROM membership
            WHERE community_id = :community_id AND id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
        """),
        {"community_id": community_id, "ids": sorted(membership_ids)},
    )
    return {row.id: (row.account_id, row.state) for row in rows}


async def of_membership(session: Session, community_id: UUID, membership_id: UUID) -> MembershipTags:
    """Return a membership's tags. Raises Problem 404."""
    rows = await session.execute(
        text("""
            SELECT array(SELECT tag FROM membership_tag AS held WHERE held.community_id = membership.community_id
                AND held.account_id = membership.account_id ORDER BY tag) AS tags
            FROM membership WHERE community_id = :community_id AND id = :id
        """),
        {"community_id": community_id, "id": membership_id},
    )
    tags = rows.scalar_one_or_none()
    if tags is None:
        raise not_found("membership")
    return MembershipTags(membership_id=membership_id, tags=tags)


async def list_counts(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[TagCount]:
    """Return the community's tags with how many members have them, in the order of their characters."""
    scope = f"tags:{standing.principal.organization_id}:{standing.community_id}"
    after = cursors.decode(scope, cursor)
    rows = await session.execute(
        text("""
            SELECT held.tag, count(*) FILTER (WHERE membership.state = 'approved') AS members
            FROM membership_tag AS held JOIN membership USING (community_id, account_id)
            WHERE held.community_id = :community_id AND (CAST(:after AS text) IS NULL OR held.tag > :after)
            GROUP BY held.tag ORDER BY held.tag LIMIT :limit
        """),
        {"community_id": standing.community_id, "after": after[0] if after else None, "limit": limit + 1},
    )
    found = rows.all()
    page = found[:limit]
    return Page[TagCount](
        data=[TagCount(tag=row.tag, members=row.members) for row in page],
        next_cursor=cursors.following(scope, found, limit, lambda row: row.tag),
    )
