"""What partners may be told, as a list."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

from chassis.app import router
from chassis.auth import SignedIn
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.runtime import runtime_of
from chassis.schemas import Page
from gateway.catalogue import queries
from gateway.catalogue.schemas import EventTypeOut

routes = router("event-types")

Filter = Annotated[
    str,
    Query(
        alias="filter",
        max_length=200,
        description="as endpoints have them: `*`, `content.*`, `content.post.*` or a type",
    ),
]


@routes.get("/v1/event-types")
async def list_event_types(
    request: Request, caller: SignedIn, pattern: Filter = "*", limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[EventTypeOut]:
    """List the types of events that endpoints may ask for, by name, each with the schema and an example of what is sent."""
    cursors = runtime_of(request).cursors
    return queries.list_event_types(caller.organization_id, cursors, pattern, limit=limit, cursor=cursor)
