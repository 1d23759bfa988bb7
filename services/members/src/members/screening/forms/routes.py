"""Forms over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from chassis.app import router
from chassis.auth import Manager, Moderator, Visitor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.screening.forms import commands, queries
from members.screening.forms.schemas import FormOut, FormWrite

routes = router("screening")

FormNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


@routes.get("/v1/communities/{community_id}/form")
async def get_form(session: TenantSession, visitor: Visitor, response: Response) -> FormOut:
    """Read the form in force: what one is asked when applying. Version 0 while nothing is asked."""
    form = queries.out(visitor, await queries.find_current(session, visitor.community_id))
    tag(response, form.version)
    return form


@routes.put("/v1/communities/{community_id}/form", responses=problems(409, 412, 428))
async def write_form(
    session: TenantSession, manager: Manager, version: IfMatch, body: FormWrite, response: Response
) -> FormOut:
    """Put a form in force, as a new version; applications keep the version that they answered."""
    form = queries.out(manager, await commands.write(session, manager, version, body))
    tag(response, form.version)
    return form


@routes.get("/v1/communities/{community_id}/forms")
async def list_form_versions(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[FormOut]:
    """List every version of the form, newest first."""
    return await queries.list_versions(session, moderator, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/forms/{version}")
async def get_form_version(session: TenantSession, moderator: Moderator, version: FormNumber) -> FormOut:
    """Read one version of the form."""
    return queries.out(moderator, await queries.get_version(session, moderator.community_id, version))
