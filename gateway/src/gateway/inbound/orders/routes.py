"""Orders over HTTP, for partners' programs and for who looks after them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from chassis.app import router
from chassis.auth import OrderWriter, OrganizationStaff
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from gateway.endpoints.partners import queries as partners
from gateway.inbound.orders import commands, queries
from gateway.inbound.orders.models import PartnerOrder
from gateway.inbound.orders.policy import OrderName, OrderNews, RefundNews
from gateway.inbound.orders.schemas import (
    ExternalId,
    OrderOut,
    OrderPut,
    OrderWritten,
    RefundCreate,
    SourceName,
)

routes = router("orders")

InPath = Annotated[ExternalId, Path(description="the partner's id of the order")]
SourceInQuery = Annotated[SourceName, Query(description="what the partner calls the system that it comes from")]


def _out(order: PartnerOrder | None) -> OrderOut | None:
    return None if order is None else OrderOut.model_validate(order)


@routes.put("/v1/orders/{external_id}", responses=problems(409))
async def put_order(
    session: TenantSession, client: OrderWriter, external_id: InPath, body: OrderPut, response: Response
) -> OrderWritten:
    """Tell of an order, whole, or of a newer version of it.

    Telling the same again, or older news, changes nothing and is no error; telling something else as the same version is one.
    """
    await partners.refuse_withdrawn(session, client)
    name = OrderName(client.account_id, body.source, external_id)
    news = OrderNews(**body.model_dump(exclude={"source"}))
    outcome, order = await commands.record(session, client.organization_id, name, news)
    tag(response, order.version)
    return OrderWritten(outcome=outcome, order=_out(order))


@routes.post("/v1/orders/{external_id}/refunds", responses=problems(409))
async def refund_order(
    session: TenantSession, client: OrderWriter, external_id: InPath, body: RefundCreate
) -> OrderWritten:
    """Tell of money that was given back, once by its own id.

    One that comes before its order waits for it; one in another currency than the order's is refused.
    """
    await partners.refuse_withdrawn(session, client)
    name = OrderName(client.account_id, body.source, external_id)
    news = RefundNews(**body.model_dump(exclude={"source"}))
    outcome, order = await commands.refund(session, client.organization_id, name, news)
    return OrderWritten(outcome=outcome, order=_out(order))


@routes.get("/v1/orders/{external_id}")
async def get_order(
    session: TenantSession,
    client: OrderWriter,
    external_id: InPath,
    response: Response,
    source: SourceInQuery = "crm",
) -> OrderOut:
    """Read an order that this program told of."""
    await partners.refuse_withdrawn(session, client)
    order = await queries.get_order(session, OrderName(client.account_id, source, external_id))
    tag(response, order.version)
    return OrderOut.model_validate(order)


@routes.get("/v1/orders")
async def list_orders(
    session: TenantSession,
    staff: OrganizationStaff,
    request: Request,
    client_id: Annotated[UUID | None, Query(description="only those that this partner told of")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[OrderOut]:
    """List the orders that partners told of, the newest first."""
    cursors, scope = runtime_of(request).cursors, f"orders:{staff.organization_id}:{client_id}"
    before = cursors.decode(scope, cursor)
    found = await queries.list_orders(
        session, client_id=client_id, limit=limit + 1, before=UUID(before[0]) if before else None
    )
    more = len(found) > limit
    return Page(
        data=[OrderOut.model_validate(order) for order in found[:limit]],
        next_cursor=cursors.encode(scope, str(found[limit - 1].id)) if more else None,
    )
