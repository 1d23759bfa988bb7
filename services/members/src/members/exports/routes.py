"""Exports over HTTP."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response
from fastapi.responses import StreamingResponse

from chassis import exports
from chassis.app import router
from chassis.auth import Manager, OrganizationStaff
from chassis.exports import XLSX, Taken
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import Runtime, runtime_of
from chassis.schemas import Page
from members.exports import commands, queries
from members.exports.schemas import ExportOut

routes = router("exports")


def _narrowed(what: str) -> Any:  # noqa: ANN401  FastAPI's marker
    return exports.narrowed(f"{what}; of lists that have this filter")


Name = Annotated[str, Path(max_length=60, description="which list", examples=["memberships"])]


def _file(runtime: Runtime, taken: Taken, language: str) -> StreamingResponse:
    return exports.answer(runtime, taken, language=language, finish=partial(commands.finish, runtime, taken))


@routes.get("/v1/communities/{community_id}/exports/{list_name}.xlsx", response_class=Response, responses=XLSX)
async def export_community_list(  # noqa: PLR0913  one parameter for each filter of some list
    request: Request,
    session: TenantSession,
    manager: Manager,
    list_name: Name,
    language: Language,
    *,
    state: Annotated[str | None, _narrowed("in this state")] = None,
    owner: Annotated[UUID | None, _narrowed("whom this account looks after")] = None,
    persona_id: Annotated[UUID | None, _narrowed("who match this persona")] = None,
    group_id: Annotated[UUID | None, _narrowed("in this group")] = None,
    segment_id: Annotated[UUID | None, _narrowed("in this segment")] = None,
    file_id: Annotated[UUID | None, _narrowed("of this imported file")] = None,
    dimension: Annotated[str | None, _narrowed("along this dimension")] = None,
    channel: Annotated[str | None, _narrowed("of this channel")] = None,
    tier: Annotated[str | None, _narrowed("in the tier of this code")] = None,
) -> Response:
    """Take a list of the community out as XLSX, narrowed by the same filters as the list itself. Managers; each export is recorded.

    Lists: memberships (state, owner), applications (state, persona_id), personas, groups (dimension), group-members (group_id),
    segments, segment-members (segment_id), tags, entry-links (channel) with their figures, tier-members (tier), tier-moves,
    silence-notices (state), notes, member-file-rows (file_id). A list that needs a filter says so, and one whose filter is of few values names them; one with more than 1,048,575 rows has to be narrowed.
    """
    runtime, sheet = runtime_of(request), queries.get_sheet(queries.COMMUNITY, list_name)
    values = {
        "state": state,
        "owner": owner,
        "persona_id": persona_id,
        "group_id": group_id,
        "segment_id": segment_id,
        "file_id": file_id,
        "dimension": dimension,
        "channel": channel,
        "tier": tier,
    }
    taken = await commands.start(
        session, manager.principal, sheet, values, community_id=manager.community_id, zone=manager.zone
    )
    return _file(runtime, taken, language)


@routes.get("/v1/communities/{community_id}/exports")
async def list_community_exports(
    request: Request, session: TenantSession, manager: Manager, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[ExportOut]:
    """List who took which of the community's lists out, newest first."""
    cursors, organization = runtime_of(request).cursors, manager.principal.organization_id
    return await queries.list_page(
        session, cursors, organization_id=organization, community_id=manager.community_id, limit=limit, cursor=cursor
    )


@routes.get("/v1/exports/{list_name}.xlsx", response_class=Response, responses=XLSX)
async def export_organization_list(
    request: Request, session: TenantSession, staff: OrganizationStaff, list_name: Name, language: Language
) -> Response:
    """Take a list of the organization out as XLSX: accounts, communities. Moments are in UTC; each export is recorded."""
    runtime, sheet = runtime_of(request), queries.get_sheet(queries.ORGANIZATION, list_name)
    return _file(runtime, await commands.start(session, staff, sheet, {}, community_id=None, zone="UTC"), language)


@routes.get("/v1/exports")
async def list_organization_exports(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ExportOut]:
    """List who took which of the organization's own lists out, newest first."""
    cursors, organization = runtime_of(request).cursors, staff.organization_id
    return await queries.list_page(
        session, cursors, organization_id=organization, community_id=None, limit=limit, cursor=cursor
    )
