"""Deliveries over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Editor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.delivery import queries
from content.delivery.policy import DeliveryState
from content.delivery.schemas import DeliveryOut, SendCreate, SendOut
from content.delivery.sends import commands

routes = router("deliveries")

State = Annotated[DeliveryState | None, Query(description="only deliveries of this state")]
SlotFilter = Annotated[UUID | None, Query(description="only deliveries of this slot")]
ItemFilter = Annotated[UUID | None, Query(description="only deliveries of this item")]


@routes.post("/v1/communities/{community_id}/items/{item_id}/sends", status_code=202, responses=problems(409))
async def send_item(session: TenantSession, editor: Editor, item_id: UUID, body: SendCreate) -> SendOut:
    """Send an item to many communities or groups at one time, with a result for each.

    The caller needs to be an editor of each target. The same item is sent to one place for one instant once, however often asked.
    """
    return await commands.send_item(session, editor, item_id, body)


@routes.get("/v1/communities/{community_id}/deliveries")
async def list_deliveries(
    request: Request,
    session: TenantSession,
    editor: Editor,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    state: State = None,
    slot_id: SlotFilter = None,
    item_id: ItemFilter = None,
) -> Page[DeliveryOut]:
    """List what went out and what is to be sent, the latest due first, with what its channels carried."""
    wanted = queries.Filter(state, slot_id, item_id)
    cursors = runtime_of(request).cursors
    return await queries.list_deliveries(session, editor, cursors, wanted, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/deliveries/{delivery_id}")
async def get_delivery(session: TenantSession, editor: Editor, delivery_id: UUID, response: Response) -> DeliveryOut:
    """Read a delivery."""
    delivery = await queries.get_delivery(session, editor.community_id, delivery_id)
    tag(response, delivery.version)
    return await queries.read_delivery(session, editor, delivery)


@routes.delete("/v1/communities/{community_id}/deliveries/{delivery_id}", responses=problems(409, 412, 428))
async def cancel_delivery(
    session: TenantSession, editor: Editor, delivery_id: UUID, version: IfMatch, response: Response
) -> DeliveryOut:
    """Take back what was sent and is not yet due."""
    delivery = await commands.cancel_delivery(session, editor, delivery_id, version)
    tag(response, delivery.version)
    return await queries.read_delivery(session, editor, delivery)
