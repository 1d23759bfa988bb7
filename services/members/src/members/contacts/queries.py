"""Reading contacts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.tokens import Principal
from contracts.members import ClientBasis
from members.accounts import queries as accounts
from members.accounts.clients import queries as clients
from members.accounts.clients.models import Client
from members.accounts.models import Account
from members.accounts.policy import Contact as Address
from members.accounts.policy import Provider
from members.contacts.models import Contact
from members.contacts.policy import Candidate, subject_of
from members.contacts.schemas import ContactFound, ContactOut
from members.privacy.consents import queries as consents

_OUT = text("""
SELECT contact.*, account.id AS account_id, json_build_object(
        'display_name', account.display_name, 'avatar_url', account.avatar_url, 'locale', account.locale, 'zone', account.zone,
        'email', (SELECT subject FROM identity AS own WHERE own.organization_id = account.organization_id
            AND own.account_id = account.id AND own.provider = 'email' ORDER BY own.created_at, own.subject LIMIT 1),
        'claimed', EXISTS (SELECT FROM credential WHERE credential.account_id = account.id)) AS person,
    coalesce((SELECT json_agg(held ORDER BY held.membership_id) FROM (
        SELECT id AS membership_id, community_id, state, joined_at FROM membership
        WHERE membership.account_id = account.id ORDER BY id LIMIT 200) AS held), '[]') AS memberships,
    coalesce((SELECT json_agg(json_build_object('purpose', purpose, 'granted', granted, 'decided_at', decided_at) ORDER BY purpose)
        FROM consent WHERE consent.account_id = account.id
            AND (consent.client_id IS NULL OR consent.client_id = contact.client_id)), '[]') AS consents
FROM contact
JOIN identity ON identity.provider = 'crm' AND identity.subject = :subject
JOIN account ON account.id = identity.account_id
WHERE contact.client_id = :client_id AND contact.external_id = :external_id AND contact.deleted_at IS NULL
""")


async def get_caller(session: Session, principal: Principal) -> Client:
    """Return the API client that calls. Raises Problem 403 when it was withdrawn after it got its token."""
    client = await clients.find_client(session, principal.client_id) if principal.client_id else None
    if client is None:
        raise Problem(403, "client-withdrawn", "The API client was withdrawn.")
    return client


async def find_locked(session: Session, client_id: UUID, external_id: str) -> Contact | None:
    """Return a contact, a tombstone too, locked for a change."""
    wanted = select(Contact).where(Contact.client_id == client_id, Contact.external_id == external_id)
    found = await session.scalars(wanted.with_for_update(), execution_options={"populate_existing": True})
    return found.one_or_none()


async def lock_contact(session: Session, client_id: UUID, external_id: str) -> Contact:
    """Return a contact that is not deleted, locked for a change. Raises Problem 404."""
    found = await find_locked(session, client_id, external_id)
    if found is None or found.deleted_at is not None:
        raise not_found("contact")
    return found


async def lock_account(session: Session, contact: Contact) -> Account:
    """Return the account that a contact is, locked for a change. Raises Problem 404."""
    subject = subject_of(contact.client_id, contact.external_id)
    found = await accounts.find_by_identity_locked(session, Provider.CRM, subject)
    if found is None:
        raise not_found("contact")
    return found


async def find_account_id(session: Session, client_id: UUID, external_id: str) -> UUID | None:
    """Return the id of the account that a contact is."""
    found = await accounts.find_by_identity(session, Provider.CRM, subject_of(client_id, external_id))
    return found.id if found else None


async def candidate(session: Session, account: Account) -> Candidate:
    """Return what the policy asks of an account."""
    credential = await accounts.find_credential(session, account.id)
    return Candidate(account.id, account.bot, account.organization_role is not None, credential is not None)


async def list_candidates(session: Session, email: str | None, phone: str | None) -> list[Candidate]:
    """Return the accounts that an address and a number stand for, each locked, in one order for everybody."""
    given = ((Provider.EMAIL, email), (Provider.PHONE, phone))
    addresses = [Address(provider, subject) for provider, subject in given if subject is not None]
    found = await accounts.find_by_contacts(session, addresses) if addresses else {}
    locked = [await accounts.find_living_locked(session, one) for one in sorted(set(found.values()))]
    living = {account.id: account for account in locked if account is not None}
    return [await candidate(session, account) for account in living.values()]


async def find_out(session: Session, client: Client, external_id: str) -> ContactOut:
    """Return a contact with who it is here. Raises Problem 403 when the person has not agreed to that, 404."""
    bound = {"client_id": client.id, "external_id": external_id, "subject": subject_of(client.id, external_id)}
    row = (await session.execute(_OUT, bound)).mappings().one_or_none()
    if row is None:
        raise not_found("contact")
    if client.basis is not ClientBasis.PROCESSOR and not await consents.has_consented(
        session, row["account_id"], client.id
    ):
        raise Problem(403, "consent-missing", "The person has not agreed that this partner gets their personal data.")
    return ContactOut.model_validate({**row})


async def lookup(session: Session, client_id: UUID, external_ids: Sequence[str]) -> list[ContactFound]:
    """Return whose accounts contacts are, in the order of their ids."""
    subjects = {subject_of(client_id, one): one for one in external_ids}
    rows = await session.execute(
        text("SELECT subject, account_id FROM identity WHERE provider = :provider AND subject = ANY(:subjects)"),
        {"provider": Provider.CRM, "subjects": list(subjects)},
    )
    found = [ContactFound(external_id=subjects[row.subject], account_id=row.account_id) for row in rows]
    return sorted(found, key=lambda one: one.external_id)


async def list_of_account(session: Session, account_id: UUID) -> list[tuple[UUID, str]]:
    """Return the contacts that stand for an account, as (client, external id), in one order for everybody."""
    wanted = text(
        "SELECT subject FROM identity WHERE provider = :provider AND account_id = :account_id ORDER BY subject"
    )
    rows = await session.execute(wanted, {"provider": Provider.CRM, "account_id": account_id})
    parts = [subject.partition(":") for subject in rows.scalars()]
    return [(UUID(client), external) for client, _, external in parts]
