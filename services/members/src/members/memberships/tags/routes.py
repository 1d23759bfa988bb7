"""Tags over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from chassis.app import router
from chassis.auth import Analyst, Manager, Moderator
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.memberships.tags import commands, queries
from members.memberships.tags.policy import Tag
from members.memberships.tags.schemas import MembershipTags, TagCount, TagMany, TagManyOut

routes = router("tags")


@routes.get("/v1/communities/{community_id}/tags")
async def list_tags(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[TagCount]:
    """List the community's tags, in the order of their characters, with how many members have each."""
    return await queries.list_counts(session, analyst, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.post("/v1/communities/{community_id}/tags/{tag}/memberships", responses=problems(409))
async def tag_memberships(session: TenantSession, manager: Manager, tag: Tag, body: TagMany) -> TagManyOut:
    """Tag up to 1,000 memberships at once, all of them or none; doing so again changes nothing."""
    wanted = set(body.membership_ids)
    fresh = await commands.tag(session, manager.community_id, tag, body.membership_ids, manager.principal.account_id)
    return TagManyOut(tagged=fresh, unchanged=len(wanted) - fresh)


@routes.get("/v1/communities/{community_id}/memberships/{membership_id}/tags")
async def list_membership_tags(session: TenantSession, moderator: Moderator, membership_id: UUID) -> MembershipTags:
    """Read a membership's tags; members do not see how they are tagged. A membership has at most 100."""
    return await queries.of_membership(session, moderator.community_id, membership_id)


@routes.put(
    "/v1/communities/{community_id}/memberships/{membership_id}/tags/{tag}", status_code=204, responses=problems(409)
)
async def tag_membership(session: TenantSession, manager: Manager, membership_id: UUID, tag: Tag) -> None:
    """Tag a membership; doing so again changes nothing."""
    await commands.tag(session, manager.community_id, tag, [membership_id], manager.principal.account_id)


@routes.delete("/v1/communities/{community_id}/memberships/{membership_id}/tags/{tag}", status_code=204)
async def untag_membership(session: TenantSession, manager: Manager, membership_id: UUID, tag: Tag) -> None:
    """Take a tag off a membership; doing so again changes nothing."""
    await commands.untag(session, manager.community_id, tag, membership_id, manager.principal.account_id)
