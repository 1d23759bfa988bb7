"""Telling an endpoint that it is reached."""

from __future__ import annotations

from uuid import UUID

from chassis import clock
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.tokens import Principal
from gateway.catalogue.payloads import PING, ping_for
from gateway.deliveries import queries
from gateway.deliveries.fanout import commands as fanout
from gateway.deliveries.fanout.commands import Draft
from gateway.deliveries.fanout.policy import News
from gateway.deliveries.schemas import DeliveryDetailOut
from gateway.endpoints import queries as endpoints


async def ping(session: Session, principal: Principal, endpoint_id: UUID) -> DeliveryDetailOut:
    """Send an endpoint a message that says nothing, whatever it asked for. Raises Problem 404, 409 for a disabled one."""
    endpoint = await endpoints.get_endpoint(session, principal, endpoint_id)
    if not endpoint.enabled:
        raise Problem(409, "endpoint-disabled", "The endpoint is disabled: enable it first.")
    now = clock.now()
    body = ping_for(endpoint_id, endpoint.version, now)
    draft = Draft(new_id(), News(PING), now, body, persons=(), personal=False)
    await fanout.deliver_to(session, endpoint.organization_id, endpoint_id, draft)
    return await queries.get_delivery(session, principal, endpoint_id, draft.event_id)
