"""Taking what partners tell of their contacts' decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from chassis import clock
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.tokens import Principal
from contracts.members import ClientBasis, ConsentPurpose
from members.accounts.clients import queries as clients
from members.accounts.clients.models import Client
from members.contacts import queries as contacts
from members.contacts.consents.schemas import ContactConsentOut, ContactConsentPut
from members.privacy.consents import commands as consents
from members.privacy.consents import policy, queries
from members.privacy.consents.commands import Claim
from members.privacy.consents.policy import Decision, Source


async def put(
    session: Session, principal: Principal, external_id: str, purpose: ConsentPurpose, body: ContactConsentPut
) -> ContactConsentOut:
    """Write down what a contact decided, as a partner tells it. Raises Problem 403, 404, 409, 422."""
    client = await contacts.get_caller(session, principal)
    decided_at = _past(body.decided_at)
    partner = await _partner(session, client, purpose, body.client_id)
    if not policy.may_claim(purpose, client.basis, granted=body.granted):
        raise Problem(403, "consent-of-person-needed", "The person agrees to this partner in the app, signed in.")
    contact = await contacts.lock_contact(session, client.id, external_id)
    account = await contacts.lock_account(session, contact)
    told = Decision(body.granted, decided_at, Source.PARTNER)
    claim = Claim(client.id, body.version, body.evidence)
    outcome = await consents.record(session, account, purpose, partner, told, claim)
    await session.flush()
    now = await queries.find_locked(session, account.id, purpose, partner)
    assert now is not None  # noqa: S101  a decision was written down
    return ContactConsentOut(purpose=purpose, outcome=outcome, granted=now.granted, decided_at=now.decided_at)


def _past(decided_at: datetime) -> datetime:
    now = clock.now()
    if decided_at > now + policy.CLOCKS_DIFFER:
        raise invalid("/decided_at", "in-future", "It has not been decided yet.")
    return min(decided_at, now).astimezone(UTC)


async def _partner(session: Session, client: Client, purpose: ConsentPurpose, named: UUID | None) -> UUID | None:
    if purpose is not ConsentPurpose.PARTNER:
        if named is not None:
            raise invalid("/client_id", "partner-unexpected", "Only the purpose partner has one.")
        return None
    if named is None or named == client.id:
        return client.id
    if client.basis is not ClientBasis.PROCESSOR:
        raise Problem(403, "forbidden", "A partner tells of consent to itself only.")
    if await clients.find_client(session, named) is None:
        raise invalid("/client_id", "unknown", "There is no such partner.")
    return named
