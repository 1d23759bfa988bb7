"""Contacts over HTTP: for partners' programs, each with its own."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from chassis.app import router
from chassis.auth import ContactFinder, ContactReader, ContactWriter
from chassis.requests import TenantSession
from chassis.schemas import problems
from members.contacts import commands, queries
from members.contacts.policy import ExternalId, Version
from members.contacts.schemas import ContactLookup, ContactLookupOut, ContactOut, ContactPut, ContactWritten

routes = router("contacts")


@routes.put("/v1/contacts/{external_id}", responses=problems(409))
async def put_contact(
    session: TenantSession, client: ContactWriter, external_id: ExternalId, body: ContactPut
) -> ContactWritten:
    """Tell of a contact, whole. The same version again changes nothing; an older one is `stale` and changes nothing either."""
    return await commands.put(session, client, external_id, body)


@routes.get("/v1/contacts/{external_id}")
async def get_contact(session: TenantSession, client: ContactReader, external_id: ExternalId) -> ContactOut:
    """Read who a contact is here: by a partner that acts for the brand, or to whom the person agreed (else 403 consent-missing)."""
    return await queries.find_out(session, await queries.get_caller(session, client), external_id)


@routes.delete("/v1/contacts/{external_id}")
async def delete_contact(
    session: TenantSession,
    client: ContactWriter,
    external_id: ExternalId,
    version: Annotated[
        Version | None, Query(description="the version of the deletion; left out, no later news counts either")
    ] = None,
) -> ContactWritten:
    """Let a contact stand for nobody any more. The person's account stays; no older news brings the contact back."""
    return await commands.delete(session, client, external_id, version)


@routes.post("/v1/contacts/lookups")
async def look_up_contacts(session: TenantSession, client: ContactFinder, body: ContactLookup) -> ContactLookupOut:
    """Ask for the accounts of up to 200 contacts; nothing personal is told, and nothing of contacts that there are not."""
    caller = await queries.get_caller(session, client)
    return ContactLookupOut(data=await queries.lookup(session, caller.id, body.external_ids))
