"""Taking what partners tell of their contacts, in the order of its versions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem, invalid, not_found
from chassis.tokens import Principal
from contracts.members import ClientBasis, ContactLinked, contact_id_of
from members.accounts import commands as accounts
from members.accounts import queries as account_queries
from members.accounts.clients.models import Client
from members.accounts.models import Account
from members.accounts.policy import DEFAULT_LOCALE, DEFAULT_ZONE, Provider
from members.contacts import policy, queries
from members.contacts.models import Contact
from members.contacts.policy import LATEST_VERSION, News, Outcome, compare, subject_of
from members.contacts.schemas import ContactPut, ContactWritten
from members.privacy.consents import queries as consents

_INSERT = text("""
INSERT INTO contact (client_id, external_id, organization_id, version, name, email, phone, created_at, updated_at, deleted_at)
VALUES (:client_id, :external_id, :organization_id, :version, :name, :email, :phone, :now, :now, :deleted_at)
ON CONFLICT DO NOTHING RETURNING client_id
""")
_UNLINK = text("DELETE FROM identity WHERE provider = :provider AND subject = :subject")
_FORGET = text("""
UPDATE contact SET version = :version, name = NULL, email = NULL, phone = NULL, made_account_id = NULL,
    updated_at = :now, deleted_at = coalesce(deleted_at, :now)
WHERE client_id = :client_id AND external_id = :external_id
""")
_UNTAG = text("DELETE FROM contact_tagging WHERE client_id = :client_id AND external_id = :external_id")


async def put(session: Session, principal: Principal, external_id: str, body: ContactPut) -> ContactWritten:
    """Know a contact as a partner tells of it, by an account that it stands for or that is made for it.

    Raises Problem 403 without the person's consent to be named, 409 for another contact told as the same version, or for a contact that
    is another account already, 422 for an account that contacts cannot stand for.
    """
    client = await queries.get_caller(session, principal)
    created = await _insert(session, client, external_id, body)
    contact = await queries.find_locked(session, client.id, external_id)
    assert contact is not None  # noqa: S101  it is there now, whoever put it there
    news = News.NEWER if created else compare(contact.version, body.version, deleted=contact.deleted_at is not None)
    if news is News.OLDER:
        return await _stale(session, contact)
    if news is News.SAME:
        if (contact.name, contact.email, contact.phone) != (body.name, body.email, body.phone):
            raise Problem(409, "version-reused", "This version was told before, and said something else.")
        account = await queries.lock_account(session, contact)
    elif created or contact.deleted_at is not None:
        created = True
        account = await _link(session, client, contact, body)
    else:
        account = await _update(session, client, contact, body)
    await _check_named(session, account, body.account_id)
    return ContactWritten(
        external_id=external_id,
        account_id=account.id,
        created=created,
        outcome=Outcome.APPLIED,
        version=contact.version,
    )


async def _insert(
    session: Session, client: Client, external_id: str, body: ContactPut | None, version: int = 0
) -> bool:
    """Write a contact down, or without one a tombstone, if there is neither; tell whether it was so."""
    now = clock.now()
    made = await session.execute(
        _INSERT,
        {
            "client_id": client.id,
            "external_id": external_id,
            "organization_id": client.organization_id,
            "version": body.version if body else version,
            "name": body.name if body else None,
            "email": body.email if body else None,
            "phone": body.phone if body else None,
            "now": now,
            "deleted_at": None if body else now,
        },
    )
    return made.first() is not None


async def _stale(session: Session, contact: Contact) -> ContactWritten:
    return ContactWritten(
        external_id=contact.external_id,
        account_id=await queries.find_account_id(session, contact.client_id, contact.external_id),
        created=False,
        outcome=Outcome.STALE,
        version=contact.version,
    )


async def _link(session: Session, client: Client, contact: Contact, body: ContactPut) -> Account:
    """Let a contact that stands for nobody stand for the account that is named or meant, or for a new one."""
    subject = subject_of(client.id, contact.external_id)
    account = await _named(session, client, body.account_id) or await _meant(session, client, body)
    if account is not None:
        await accounts.add_identity(session, client.organization_id, account.id, Provider.CRM, subject)
        contact.made_account_id = None
    else:
        account = await accounts.make_account(
            session,
            client.organization_id,
            Provider.CRM,
            subject,
            display_name=policy.name_for(body.name, contact.external_id),
            locale=body.locale or DEFAULT_LOCALE,
            zone=body.zone or DEFAULT_ZONE,
            actor=client.id,
        )
        contact.made_account_id = account.id
    _write(contact, body)
    contact.deleted_at = None
    _tell(session, contact, account.id, body.version)
    return account


def _tell(session: Session, contact: Contact, account_id: UUID | None, version: int) -> None:
    """Tell whom a contact stands for since a version of it. It may be unlinked by the version that linked it, and comes after that."""
    contact_id = contact_id_of(contact.client_id, contact.external_id)
    outbox.emit(
        session,
        ContactLinked(contact_id=contact_id, client_id=contact.client_id, account_id=account_id),
        organization_id=contact.organization_id,
        aggregate_id=contact_id,
        version=2 * version + (account_id is None),
        actor=contact.client_id,
    )


async def _named(session: Session, client: Client, account_id: UUID | None) -> Account | None:
    if account_id is None:
        return None
    account = await account_queries.find_living_locked(session, account_id)
    candidate = await queries.candidate(session, account) if account else None
    processor = client.basis is ClientBasis.PROCESSOR
    consented = account is not None and await consents.has_consented(session, account.id, client.id)
    fault = policy.refusal(candidate, processor=processor, consented=consented)
    if fault is None:
        return account
    if fault[0] == "consent-missing":
        raise Problem(403, *fault)
    raise invalid("/account_id", *fault)


async def _meant(session: Session, client: Client, body: ContactPut) -> Account | None:
    if client.basis is not ClientBasis.PROCESSOR:
        return None
    candidates = await queries.list_candidates(session, body.email, body.phone)
    account_id = policy.whose(candidates, processor=True)
    return await account_queries.find_locked(session, account_id) if account_id else None


async def _update(session: Session, client: Client, contact: Contact, body: ContactPut) -> Account:
    account = await queries.lock_account(session, contact)
    _write(contact, body)
    ours = contact.made_account_id == account.id
    # Whoever has claimed the account calls themselves what they like.
    if ours and body.name is not None and await account_queries.find_credential(session, account.id) is None:
        await accounts.rename(session, account, body.name, actor=client.id)
    return account


def _write(contact: Contact, body: ContactPut) -> None:
    contact.version, contact.name, contact.email, contact.phone = body.version, body.name, body.email, body.phone
    contact.updated_at = clock.now()


async def _check_named(session: Session, account: Account, named: UUID | None) -> None:
    if named is None or named == account.id:
        return
    merged = await account_queries.find_account(session, named)
    if merged is None or merged.merged_into != account.id:
        detail = "The contact is another account already: when both are one person, the brand merges them."
        raise Problem(409, "contact-linked", detail)


async def delete(session: Session, principal: Principal, external_id: str, version: int | None) -> ContactWritten:
    """Let a contact stand for nobody any more, and forget what was told of it; without a version whatever comes later.

    Raises Problem 404 when it was never heard of and no version says that its making is still to come.
    """
    client = await queries.get_caller(session, principal)
    buried = version is not None and await _insert(session, client, external_id, None, version)
    contact = await queries.find_locked(session, client.id, external_id)
    if contact is None:
        raise not_found("contact")
    told = version or LATEST_VERSION
    if told < contact.version:
        return await _stale(session, contact)
    if not buried:
        await _bury(session, contact, told)
    return ContactWritten(
        external_id=external_id, account_id=None, created=False, outcome=Outcome.APPLIED, version=told
    )


async def _bury(session: Session, contact: Contact, version: int) -> None:
    client_id, external_id = contact.client_id, contact.external_id
    which = {"client_id": client_id, "external_id": external_id}
    if contact.deleted_at is None:
        _tell(session, contact, None, version)
    await session.execute(_FORGET, {**which, "version": version, "now": clock.now()})
    await session.execute(_UNTAG, which)
    await session.execute(_UNLINK, {"provider": Provider.CRM, "subject": subject_of(client_id, external_id)})


async def erase(session: Session, account_id: UUID) -> None:
    """Forget what partners told of an erased person, and take no news of these contacts again."""
    for client_id, external_id in await queries.list_of_account(session, account_id):
        contact = await queries.find_locked(session, client_id, external_id)
        if contact is not None:
            await _bury(session, contact, LATEST_VERSION)
