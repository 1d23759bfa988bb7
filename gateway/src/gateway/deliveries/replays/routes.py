"""Replays over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.requests import TenantSession
from chassis.schemas import problems
from gateway.deliveries.replays import commands, queries
from gateway.deliveries.replays.schemas import RecoveryCreate, ReplayCreate, ReplayOut

ONE = "/v1/endpoints/{endpoint_id}"

routes = router("deliveries")


@routes.post(ONE + "/replays", status_code=202, responses=problems(409))
async def replay_deliveries(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, body: ReplayCreate, response: Response
) -> ReplayOut:
    """Tell an endpoint again one event, or everything of a span of time, with the same `webhook-id`; the schedule begins anew.

    What is sent again waits as anything else does while the endpoint is disabled. Where messages go out in order it goes behind what
    waits. Whoever is named is asked about anew: what they no longer agree to is not sent.
    """
    started = await commands.replay(session, manager, endpoint_id, body)
    return _at(response, started)


@routes.post(ONE + "/recoveries", status_code=202, responses=problems(409))
async def recover_deliveries(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, body: RecoveryCreate, response: Response
) -> ReplayOut:
    """Tell an endpoint again what is shown as undelivered since a time, at most 14 days ago; the answer is a replay.

    What happened before the endpoint was made, or before its filters let it through, was never to be delivered and is not.
    """
    started = await commands.recover(session, manager, endpoint_id, body)
    return _at(response, started)


@routes.get(ONE + "/replays/{replay_id}")
async def get_replay(session: TenantSession, manager: PartnerManager, endpoint_id: UUID, replay_id: UUID) -> ReplayOut:
    """Read how far a replay or a recovery is."""
    return await queries.get_replay(session, manager, endpoint_id, replay_id)


def _at(response: Response, started: ReplayOut) -> ReplayOut:
    response.headers["Location"] = f"/v1/endpoints/{started.endpoint_id}/replays/{started.id}"
    return started
