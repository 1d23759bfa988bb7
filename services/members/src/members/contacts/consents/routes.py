"""Contacts' decisions over HTTP."""

from __future__ import annotations

from chassis.app import router
from chassis.auth import ContactWriter
from chassis.requests import TenantSession
from chassis.schemas import problems
from contracts.members import ConsentPurpose
from members.contacts.consents import commands
from members.contacts.consents.schemas import ContactConsentOut, ContactConsentPut
from members.contacts.policy import ExternalId

routes = router("contacts")


@routes.put("/v1/contacts/{external_id}/consents/{purpose}", responses=problems(409))
async def tell_contact_consent(
    session: TenantSession,
    client: ContactWriter,
    external_id: ExternalId,
    purpose: ConsentPurpose,
    body: ContactConsentPut,
) -> ContactConsentOut:
    """Tell what a contact agreed to or withdrew, and by what evidence. What the person said here, signed in, is not undone by it."""
    return await commands.put(session, client, external_id, purpose, body)
