"""Community templates over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import OrganizationStaff
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.communities import queries as communities
from members.communities.charter.schemas import Version
from members.communities.schemas import CommunityOut
from members.communities.templates import commands, queries
from members.communities.templates.schemas import (
    CommunityFromTemplate,
    RolloutCreate,
    RolloutOut,
    TemplateCreate,
    TemplateOut,
    TemplatePreview,
    TemplateUpdate,
)
from members.memberships import commands as memberships

routes = router("templates")


@routes.post("/v1/community-templates", status_code=201)
async def create_community_template(
    session: TenantSession, staff: OrganizationStaff, body: TemplateCreate, response: Response
) -> TemplateOut:
    """Make a template from which communities are made."""
    template = await commands.create(session, staff, body)
    tag(response, template.version)
    return await queries.out(session, template)


@routes.get("/v1/community-templates")
async def list_community_templates(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[TemplateOut]:
    """List the organization's templates, oldest first."""
    return await queries.list_page(session, staff, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/community-templates/{template_id}")
async def get_community_template(
    session: TenantSession, _staff: OrganizationStaff, template_id: UUID, response: Response
) -> TemplateOut:
    """Read a template."""
    template = await queries.get(session, template_id)
    tag(response, template.version)
    return await queries.out(session, template)


@routes.get("/v1/community-templates/{template_id}/revisions/{version}")
async def get_community_template_revision(
    session: TenantSession, _staff: OrganizationStaff, template_id: UUID, version: Version
) -> TemplateOut:
    """Read what a template said in one version."""
    return await queries.out_revision(session, await queries.get(session, template_id), version)


@routes.patch("/v1/community-templates/{template_id}", responses=problems(412, 428))
async def update_community_template(
    session: TenantSession,
    staff: OrganizationStaff,
    template_id: UUID,
    version: IfMatch,
    body: TemplateUpdate,
    response: Response,
) -> TemplateOut:
    """Write a new version of a template. Communities stay as they are until it is rolled out."""
    template = await commands.update(session, staff, template_id, version, body)
    tag(response, template.version)
    return await queries.out(session, template)


@routes.post("/v1/community-templates/{template_id}/communities", status_code=201, responses=problems(409))
async def create_community_from_template(
    session: TenantSession,
    staff: OrganizationStaff,
    template_id: UUID,
    body: CommunityFromTemplate,
    response: Response,
) -> CommunityOut:
    """Make a community as a template says, as a draft: description, charter, card and groups. Whoever makes it is its first manager."""
    community = await commands.create_community(session, staff, template_id, body)
    await memberships.found(session, staff, community.id)
    tag(response, community.version)
    return communities.out(community, manages=True, member=True)


@routes.get("/v1/community-templates/{template_id}/preview")
async def preview_community_template(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    template_id: UUID,
    *,
    version: Annotated[Version | None, Query(description="to roll out; left out: the newest")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[TemplatePreview]:
    """See what a rollout would change, community by community and field by field; nothing is changed."""
    cursors = runtime_of(request).cursors
    return await commands.preview(session, staff, cursors, template_id, version=version, limit=limit, cursor=cursor)


@routes.post("/v1/community-templates/{template_id}/rollouts", responses=problems(409))
async def roll_out_community_template(
    session: TenantSession, staff: OrganizationStaff, template_id: UUID, body: RolloutCreate
) -> RolloutOut:
    """Roll a version out. Each community has its own result; one that edited a field itself keeps the edit, unless forced."""
    return RolloutOut(version=body.version, results=await commands.roll_out(session, staff, template_id, body))
