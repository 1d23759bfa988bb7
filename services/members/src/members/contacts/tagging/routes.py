"""Contacts' tags over HTTP."""

from __future__ import annotations

from uuid import UUID

from chassis.app import router
from chassis.auth import ContactWriter
from chassis.requests import TenantSession
from chassis.schemas import problems
from members.contacts.policy import ExternalId
from members.contacts.tagging import commands
from members.contacts.tagging.schemas import ContactTagsOut, ContactTagsPut

routes = router("contacts")


@routes.put("/v1/contacts/{external_id}/tags/{community_id}", responses=problems(409))
async def tag_contact(
    session: TenantSession, client: ContactWriter, external_id: ExternalId, community_id: UUID, body: ContactTagsPut
) -> ContactTagsOut:
    """Tag a contact in a community to which it belongs, and take tags off it. An older version is `stale` and changes nothing."""
    return await commands.put(session, client, external_id, community_id, body)
