"""Screening policies over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from chassis.app import router
from chassis.auth import Manager, Moderator
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.screening.policies import commands, queries
from members.screening.policies.schemas import ScreeningPolicyOut, ScreeningPolicyWrite

routes = router("screening")

PolicyNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


@routes.get("/v1/communities/{community_id}/screening-policy")
async def get_screening_policy(session: TenantSession, moderator: Moderator, response: Response) -> ScreeningPolicyOut:
    """Read how the community decides about applications. Version 0 before anybody said so."""
    found = queries.out(moderator, await queries.find_current(session, moderator.community_id))
    tag(response, found.version)
    return found


@routes.put("/v1/communities/{community_id}/screening-policy", responses=problems(409, 412, 428))
async def write_screening_policy(
    session: TenantSession, manager: Manager, version: IfMatch, body: ScreeningPolicyWrite, response: Response
) -> ScreeningPolicyOut:
    """Say how the community decides, as a new version; it holds for what is submitted from now on."""
    written = queries.out(manager, await commands.write(session, manager, version, body))
    tag(response, written.version)
    return written


@routes.get("/v1/communities/{community_id}/screening-policies")
async def list_screening_policy_versions(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ScreeningPolicyOut]:
    """List every version of the policy, newest first."""
    return await queries.list_versions(session, moderator, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/screening-policies/{version}")
async def get_screening_policy_version(
    session: TenantSession, moderator: Moderator, version: PolicyNumber
) -> ScreeningPolicyOut:
    """Read one version of the policy."""
    return queries.out(moderator, await queries.get_version(session, moderator.community_id, version))
