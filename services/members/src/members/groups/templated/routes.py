"""Templates of groups over HTTP."""

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
from members.communities.charter.schemas import Version
from members.communities.templates import queries as templates
from members.communities.templates.policy import Kind
from members.groups.templated import commands, queries
from members.groups.templated.schemas import (
    GroupRolloutCreate,
    GroupRolloutOut,
    GroupsFromTemplate,
    GroupsMade,
    GroupTemplateCreate,
    GroupTemplateOut,
    GroupTemplatePreview,
    GroupTemplateUpdate,
)

routes = router("templates")


@routes.post("/v1/group-templates", status_code=201)
async def create_group_template(
    session: TenantSession, staff: OrganizationStaff, body: GroupTemplateCreate, response: Response
) -> GroupTemplateOut:
    """Make a template from which groups of any community are made."""
    template = await commands.create(session, staff, body)
    tag(response, template.version)
    return await queries.out(session, template)


@routes.get("/v1/group-templates")
async def list_group_templates(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[GroupTemplateOut]:
    """List the organization's templates of groups, oldest first."""
    return await queries.list_page(session, staff, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/group-templates/{group_template_id}")
async def get_group_template(
    session: TenantSession, _staff: OrganizationStaff, group_template_id: UUID, response: Response
) -> GroupTemplateOut:
    """Read a template of groups."""
    template = await templates.get(session, group_template_id, kind=Kind.GROUP)
    tag(response, template.version)
    return await queries.out(session, template)


@routes.get("/v1/group-templates/{group_template_id}/revisions/{version}")
async def get_group_template_revision(
    session: TenantSession, _staff: OrganizationStaff, group_template_id: UUID, version: Version
) -> GroupTemplateOut:
    """Read what a template of groups said in one version."""
    template = await templates.get(session, group_template_id, kind=Kind.GROUP)
    return await queries.out_revision(session, template, version)


@routes.patch("/v1/group-templates/{group_template_id}", responses=problems(412, 428))
async def update_group_template(
    session: TenantSession,
    staff: OrganizationStaff,
    group_template_id: UUID,
    version: IfMatch,
    body: GroupTemplateUpdate,
    response: Response,
) -> GroupTemplateOut:
    """Write a new version of a template. Groups stay as they are until it is rolled out."""
    template = await commands.update(session, staff, group_template_id, version, body)
    tag(response, template.version)
    return await queries.out(session, template)


@routes.post("/v1/group-templates/{group_template_id}/groups")
async def create_groups_from_template(
    session: TenantSession, staff: OrganizationStaff, group_template_id: UUID, body: GroupsFromTemplate
) -> GroupsMade:
    """Make a group as the template says in each of many communities; the answer says what became of each."""
    version, results = await commands.create_groups(session, staff, group_template_id, body)
    return GroupsMade(version=version, results=results)


@routes.get("/v1/group-templates/{group_template_id}/preview")
async def preview_group_template(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    group_template_id: UUID,
    *,
    version: Annotated[Version | None, Query(description="to roll out; left out: the newest")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[GroupTemplatePreview]:
    """See what a rollout would change, group by group and field by field; nothing is changed."""
    cursors = runtime_of(request).cursors
    return await commands.preview(
        session, staff, cursors, group_template_id, version=version, limit=limit, cursor=cursor
    )


@routes.post("/v1/group-templates/{group_template_id}/rollouts", responses=problems(409))
async def roll_out_group_template(
    session: TenantSession, staff: OrganizationStaff, group_template_id: UUID, body: GroupRolloutCreate
) -> GroupRolloutOut:
    """Roll a version out. Each group has its own result; one that was edited by itself keeps the edit, unless forced."""
    results = await commands.roll_out(session, staff, group_template_id, body)
    return GroupRolloutOut(version=body.version, results=results)
