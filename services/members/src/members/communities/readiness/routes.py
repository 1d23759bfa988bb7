"""Readiness over HTTP."""

from __future__ import annotations

from chassis.app import router
from chassis.auth import Manager
from chassis.requests import TenantSession
from members.communities.readiness import queries
from members.communities.readiness.schemas import MissingOut, ReadinessOut

routes = router("charter")


@routes.get("/v1/communities/{community_id}/readiness")
async def get_readiness(session: TenantSession, manager: Manager) -> ReadinessOut:
    """Read what is missing before the community may open, each with the route that mends it."""
    missing = await queries.list_missing(session, manager.community_id)
    return ReadinessOut(ready=not missing, missing=[MissingOut(**one.__dict__) for one in missing])
