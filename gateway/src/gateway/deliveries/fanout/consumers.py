"""Every live event that partners may see, handed to the endpoints that asked for it."""

from __future__ import annotations

from typing import Any

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.base import Event, Origin
from contracts.catalogue import FOR_PARTNERS
from contracts.partners import EndpointEvent
from gateway.catalogue.payloads import payload_for
from gateway.deliveries.fanout import commands, queries
from gateway.deliveries.fanout.commands import Draft
from gateway.deliveries.fanout.policy import News

consumers = Consumers("deliveries", waits_for_unknown=True)


@consumers.on(*FOR_PARTNERS.values(), mode=Mode.EACH)
async def on_event(session: Session, events: list[Received[Event]]) -> None:
    """Write what one tenant's endpoints are to be told. This is the whole stream: a tenant without endpoints costs one look."""
    live = [(received, _news(received)) for received in events if received.envelope.origin is Origin.LIVE]
    if not live:
        return
    organization_id = live[0][0].envelope.organization
    audiences = await queries.audiences(session, organization_id, list(dict.fromkeys(news for _, news in live)))
    wanted = [
        (draft, audiences[news]) for received, news in live if news in audiences and (draft := _draft(received, news))
    ]
    if wanted:
        await commands.fan_out(
            session,
            organization_id,
            [draft for draft, _ in wanted],
            many=sum(audience.endpoints for _, audience in wanted) > commands.AT_ONCE,
            fifo=any(audience.fifo for _, audience in wanted),
        )


def _news(received: Received[Any]) -> News:
    event, envelope = received.event, received.envelope
    about = event.endpoint_id if isinstance(event, EndpointEvent) else None
    return News(envelope.type, envelope.community, event.confined_to(), about)


def _draft(received: Received[Any], news: News) -> Draft | None:
    event, envelope = received.event, received.envelope
    payload = payload_for(envelope)
    if payload is None:
        return None
    return Draft(envelope.id, news, envelope.time, payload, event.persons(), event.personal)
