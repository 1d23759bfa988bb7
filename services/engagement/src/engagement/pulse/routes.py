"""Pulse over HTTP."""

from __future__ import annotations

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Analyst
from chassis.runtime import runtime_of
from engagement.pulse import queries
from engagement.pulse.schemas import PulseOut

routes = router("pulse")


@routes.get("/v1/communities/{community_id}/pulse", response_model=PulseOut)
async def get_pulse(request: Request, analyst: Analyst) -> Response:
    """Read how a community lives, week by week: its managers and analysts."""
    place = (analyst.principal.organization_id, analyst.community_id, analyst.zone)
    return Response(await queries.get_pulse(runtime_of(request).reader, *place), media_type="application/json")
