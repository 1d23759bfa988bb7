"""Tagging contacts where they belong."""

from __future__ import annotations

import hashlib
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.tokens import Principal
from members.contacts import queries as contacts
from members.contacts.policy import News, Outcome, compare
from members.contacts.tagging.models import ContactTagging
from members.contacts.tagging.schemas import ContactTagsOut, ContactTagsPut
from members.memberships.tags import commands as tags

_MEMBERSHIP = text("SELECT id FROM membership WHERE community_id = :community_id AND account_id = :account_id")


async def put(
    session: Session, principal: Principal, external_id: str, community_id: UUID, body: ContactTagsPut
) -> ContactTagsOut:
    """Tag a contact's membership as a partner says, by order of version. Raises Problem 404, 409."""
    client = await contacts.get_caller(session, principal)
    contact = await contacts.lock_contact(session, client.id, external_id)
    account = await contacts.lock_account(session, contact)
    found = await session.execute(_MEMBERSHIP, {"community_id": community_id, "account_id": account.id})
    membership_id = found.scalar_one_or_none()
    if membership_id is None:
        raise not_found("membership")
    told = _digest(body)
    # The contact's row is locked: nobody else writes its tagging meanwhile.
    known = await session.get(ContactTagging, (client.id, external_id, community_id))
    news = compare(known.version, body.version, deleted=False) if known else News.NEWER
    if known is not None and news is not News.NEWER:
        if news is News.SAME and known.digest != told:
            raise Problem(409, "version-reused", "This version was told before, and said something else.")
        outcome = Outcome.STALE if news is News.OLDER else Outcome.APPLIED
        return ContactTagsOut(membership_id=membership_id, outcome=outcome, version=known.version, added=0, removed=0)
    added, removed = await tags.change(
        session, community_id, membership_id, add=body.add, remove=body.remove, actor=client.id
    )
    if known is None:
        known = ContactTagging(
            client_id=client.id,
            external_id=external_id,
            community_id=community_id,
            organization_id=client.organization_id,
            version=body.version,
            digest=told,
        )
        session.add(known)
    known.version, known.digest = body.version, told
    return ContactTagsOut(
        membership_id=membership_id, outcome=Outcome.APPLIED, version=body.version, added=added, removed=removed
    )


def _digest(body: ContactTagsPut) -> bytes:
    return hashlib.sha256(orjson.dumps([sorted(set(body.add)), sorted(set(body.remove))])).digest()
