"""Orders over HTTP: for managers and analysts."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from chassis.app import router
from chassis.auth import Analyst
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page
from engagement.value.orders import queries
from engagement.value.orders.policy import span
from engagement.value.orders.queries import Wanted
from engagement.value.orders.schemas import OrderOut, OrderTotalsOut

COMMUNITY = "/v1/communities/{community_id}"

routes = router("orders")

Since = Annotated[date | None, Query(description="placed on this day, in the community's zone, or later")]
Until = Annotated[date | None, Query(description="placed on this day or earlier")]
Buyer = Annotated[UUID | None, Query(description="only orders of this account")]


@routes.get(COMMUNITY + "/orders")
async def list_community_orders(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    account_id: Buyer = None,
    since: Since = None,
    until: Until = None,
) -> Page[OrderOut]:
    """List the orders that partners put down to the community, the newest first: managers and analysts."""
    wanted = Wanted(account_id, span(analyst.zone, since, until))
    return await queries.list_orders(session, analyst, runtime_of(request).cursors, wanted, limit=limit, cursor=cursor)


@routes.get(COMMUNITY + "/orders/totals")
async def get_community_order_totals(
    session: TenantSession, analyst: Analyst, *, account_id: Buyer = None, since: Since = None, until: Until = None
) -> OrderTotalsOut:
    """Read what the community's orders come to, by currency: how many, what was paid, given back and is left."""
    wanted = Wanted(account_id, span(analyst.zone, since, until))
    return await queries.totals(session, analyst.community_id, wanted)


@routes.get(COMMUNITY + "/members/{account_id}/orders")
async def list_member_orders(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    account_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[OrderOut]:
    """List one member's orders in the community, the newest first: managers and analysts."""
    cursors = runtime_of(request).cursors
    return await queries.list_orders_of_member(session, analyst, cursors, account_id, limit=limit, cursor=cursor)
