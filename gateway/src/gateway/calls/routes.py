"""Calls over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request

from chassis.app import router
from chassis.auth import OrganizationStaff
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Moment, Page
from gateway.calls import queries
from gateway.calls.schemas import CallOut, Ended
from gateway.endpoints.partners import queries as partners

routes = router("calls")

CLIENT_ID = "0198b7a26c1e7d3a9f4b2f6f6c1d7a01.0198b7a26c1e7d3a9f4b2f6f6c1d7a55"
ClientInPath = Annotated[
    str,
    Path(
        description="its id or its client_id",
        examples=[CLIENT_ID],
        json_schema_extra={"pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{32}\\.[0-9a-f]{32}$"},
    ),
]


@routes.get("/v1/clients/{client_id}/calls")
async def list_client_calls(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    client_id: ClientInPath,
    *,
    status: Annotated[Ended | None, Query(description="only calls that ended so; none: that never completed")] = None,
    since: Annotated[Moment | None, Query(description="from this instant on")] = None,
    until: Annotated[Moment | None, Query(description="before this instant")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[CallOut]:
    """Read what an API client asked of the API, newest first. Calls are kept for 180 days."""
    partner = await partners.get_client(session, staff, client_id)
    return await queries.list_page(
        session,
        runtime_of(request).cursors,
        partner,
        ended=status,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )
