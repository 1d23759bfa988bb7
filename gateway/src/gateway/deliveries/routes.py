"""What endpoints were told, over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Moment, Page, problems
from gateway.deliveries import commands, queries
from gateway.deliveries.models import State
from gateway.deliveries.queries import Filters
from gateway.deliveries.schemas import DeliveryDetailOut, DeliveryOut, HealthOut

ONE = "/v1/endpoints/{endpoint_id}"
WHEN = "2026-11-22T07:30:00Z"

routes = router("deliveries")


def _wanted(
    *,
    state: Annotated[State | None, Query(description="only those that stand so")] = None,
    type: Annotated[  # noqa: A002  the name of the parameter
        str | None,
        Query(max_length=100, description="of this type only", examples=["content.post.published.v1"]),
    ] = None,
    since: Annotated[Moment | None, Query(description="made then or later", examples=[WHEN])] = None,
    until: Annotated[Moment | None, Query(description="made before", examples=[WHEN])] = None,
) -> Filters:
    return Filters(state=state, type=type, since=since, until=until)


Wanted = Annotated[Filters, Depends(_wanted)]


@routes.post(ONE + "/pings", status_code=202, responses=problems(409))
async def ping_endpoint(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, response: Response
) -> DeliveryDetailOut:
    """Send an endpoint a message of the type `hearth.ping`, whatever it asked for. Location has what becomes of it.

    An endpoint that wants its messages in order gets it behind those that wait.
    """
    sent = await commands.ping(session, manager, endpoint_id)
    response.headers["Location"] = f"/v1/endpoints/{endpoint_id}/deliveries/{sent.event_id}"
    return sent


@routes.get(ONE + "/deliveries")
async def list_endpoint_deliveries(
    request: Request,
    session: TenantSession,
    manager: PartnerManager,
    endpoint_id: UUID,
    filters: Wanted,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[DeliveryOut]:
    """List what an endpoint was told in the last 90 days and is to be told, newest event first; a deleted endpoint's too."""
    return await queries.list_page(
        session, manager, runtime_of(request).cursors, endpoint_id, filters, limit=limit, cursor=cursor
    )


@routes.get(ONE + "/deliveries/{event_id}")
async def get_endpoint_delivery(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, event_id: UUID
) -> DeliveryDetailOut:
    """Read what an endpoint was told of an event: the body, every request with its signatures, and every answer."""
    return await queries.get_delivery(session, manager, endpoint_id, event_id)


@routes.get(ONE + "/health")
async def get_endpoint_health(session: TenantSession, manager: PartnerManager, endpoint_id: UUID) -> HealthOut:
    """Read how an endpoint does: what waits, what arrived, and how fast it answers."""
    return await queries.get_health(session, manager, endpoint_id)
