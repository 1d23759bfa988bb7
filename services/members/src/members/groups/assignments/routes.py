"""Rules of assignment over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Manager, Moderator
from chassis.errors import not_found
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.groups.assignments import commands, queries
from members.groups.assignments.previews import queries as previews
from members.groups.assignments.schemas import (
    AssignmentOut,
    GroupRulesOut,
    GroupRulesWrite,
    RulesPreview,
    RulesRunOut,
)

routes = router("groups")


@routes.get("/v1/communities/{community_id}/groups/rules")
async def get_group_rules(session: TenantSession, moderator: Moderator, response: Response) -> GroupRulesOut:
    """Read the rules by which members come into groups. Version 0 before any were written."""
    rules = queries.out(moderator, await queries.find_current(session, moderator.community_id))
    tag(response, rules.version)
    return rules


@routes.put("/v1/communities/{community_id}/groups/rules", responses=problems(409, 412, 428))
async def write_group_rules(
    session: TenantSession, manager: Manager, version: IfMatch, body: GroupRulesWrite, response: Response
) -> GroupRulesOut:
    """Write all rules, as a new version. They judge who joins, is tagged or enters a segment from now on; `apply` judges all others."""
    rules = await commands.write(session, manager, version, body)
    tag(response, rules.version)
    return queries.out(manager, rules)


@routes.post("/v1/communities/{community_id}/groups/rules/preview")
async def preview_group_rules(session: TenantSession, manager: Manager, body: GroupRulesWrite) -> RulesPreview:
    """See what rules would do among those who belong now; nothing is changed."""
    rules = await queries.read(session, manager.community_id, body)
    return await previews.preview(session, manager.community_id, rules, body.exclusive)


@routes.post("/v1/communities/{community_id}/groups/rules/apply", status_code=202, responses=problems(409))
async def apply_group_rules(session: TenantSession, manager: Manager) -> RulesRunOut:
    """Apply the rules in force to everybody who belongs, in the background; GET tells how far it is."""
    return queries.run_out(await commands.start(session, manager))


@routes.get("/v1/communities/{community_id}/groups/rules/apply")
async def get_group_rules_run(session: TenantSession, manager: Manager) -> RulesRunOut:
    """Read how far the last application of the rules is. Raises 404 before the first."""
    run = await queries.find_run(session, manager.community_id)
    if run is None:
        raise not_found("application of the rules")
    return queries.run_out(run)


@routes.get("/v1/communities/{community_id}/groups/assignments")
async def list_group_assignments(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    language: Language,
    *,
    account_id: Annotated[UUID | None, Query(description="only of this member")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[AssignmentOut]:
    """List who came into which group and why, newest first: rule, version, what it was decided on."""
    return await queries.list_assignments(
        session,
        moderator,
        runtime_of(request).cursors,
        account_id=account_id,
        language=language,
        limit=limit,
        cursor=cursor,
    )
