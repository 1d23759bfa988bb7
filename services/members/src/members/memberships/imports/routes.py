"""Imports of members over HTTP."""

from __future__ import annotations

from chassis.app import router
from chassis.auth import Manager
from chassis.requests import ImportRoute, TenantSession
from chassis.schemas import problems
from members.memberships.imports import commands
from members.memberships.imports.schemas import MembershipImport, MembershipImportOut

routes = router("memberships", ImportRoute)


@routes.post("/v1/communities/{community_id}/memberships/imports", responses=problems(409, 413))
async def import_memberships(session: TenantSession, manager: Manager, body: MembershipImport) -> MembershipImportOut:
    """Bring in people of another platform as members. Importing them again changes nothing."""
    return await commands.import_members(session, manager, body.items)
