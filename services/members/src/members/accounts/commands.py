"""Making accounts, one or many, and changing one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from contracts.base import Origin
from contracts.members import AccountCreated, ProfileUpdated
from members.accounts import queries
from members.accounts.models import Account, Credential
from members.accounts.policy import (
    DEFAULT_LOCALE,
    DEFAULT_ZONE,
    ImportedAccount,
    OrganizationRole,
    Provider,
    clean_name,
)
from members.accounts.schemas import MeUpdate


async def add_identity(
    session: Session, organization_id: UUID, account_id: UUID, provider: Provider, subject: str
) -> None:
    """Let an account be known by an identity, or leave it so. Raises Problem 409 when it stands for another account."""
    taken = await session.execute(
        text(
            "INSERT INTO identity (organization_id, provider, subject, account_id, created_at) "
            "VALUES (:organization_id, :provider, :subject, :account_id, :now) "
            "ON CONFLICT (organization_id, provider, subject) DO UPDATE SET created_at = identity.created_at "
            "WHERE identity.account_id = EXCLUDED.account_id RETURNING 1"
        ),
        {
            "organization_id": organization_id,
            "provider": provider,
            "subject": subject,
            "account_id": account_id,
            "now": clock.now(),
        },
    )
    if taken.scalar_one_or_none() is None:
        raise Problem(409, f"{provider}-taken", "Another account of the organization has it.")


async def set_credential(session: Session, organization_id: UUID, account_id: UUID, password_hash: str) -> None:
    """Give an account its password, or another one."""
    await session.execute(
        text(
            "INSERT INTO credential (account_id, organization_id, hash, changed_at) "
            "VALUES (:account_id, :organization_id, :hash, :now) "
            "ON CONFLICT (account_id) DO UPDATE SET hash = EXCLUDED.hash, changed_at = EXCLUDED.changed_at"
        ),
        {
            "account_id": account_id,
            "organization_id": organization_id,
            "hash": password_hash,
            "now": clock.now(),
        },
    )


async def create_account(
    session: Session,
    organization_id: UUID,
    *,
    display_name: str,
    email: str,
    password_hash: str,
    role: OrganizationRole | None = None,
    locale: str = DEFAULT_LOCALE,
    zone: str = DEFAULT_ZONE,
    account_id: UUID | None = None,
) -> Account:
    """Make an account that can sign in; it is its own maker. Raises Problem 409 when the e-mail has one."""
    account = Account(
        id=account_id or new_id(),
        organization_id=organization_id,
        display_name=display_name,
        locale=locale,
        zone=zone,
        organization_role=role,
        created_at=clock.now(),
    )
    await add_identity(session, organization_id, account.id, Provider.EMAIL, email)
    session.add(account)
    await session.flush()
    session.add(
        Credential(
            account_id=account.id, organization_id=organization_id, hash=password_hash, changed_at=account.created_at
        )
    )
    outbox.emit(
        session,
        AccountCreated(account_id=account.id, bot=False, credentialed=True),
        organization_id=organization_id,
        aggregate_id=account.id,
        version=account.version,
        actor=account.id,
    )
    return account


async def update_me(session: Session, principal: Principal, change: MeUpdate, expected: int) -> Account:
    """Change one's own account. Raises Problem 404, 412."""
    account = await queries.lock_account(session, principal.account_id)
    check_version(expected, account.version)
    changed = {
        name: value for name, value in change.model_dump(exclude_unset=True).items() if getattr(account, name) != value
    }
    if not changed:
        return account
    for name, value in changed.items():
        setattr(account, name, value)
    account.version += 1
    outbox.emit(
        session,
        ProfileUpdated(account_id=account.id),
        organization_id=account.organization_id,
        aggregate_id=account.id,
        version=account.version,
        actor=principal.account_id,
    )
    return account


async def make_account(
    session: Session,
    organization_id: UUID,
    provider: Provider,
    subject: str,
    *,
    display_name: str,
    locale: str = DEFAULT_LOCALE,
    zone: str = DEFAULT_ZONE,
    actor: UUID,
) -> Account:
    """Make an account without credential for somebody whom another system knows. Raises Problem 409 when it stands for one already."""
    account = Account(
        id=new_id(),
        organization_id=organization_id,
        display_name=display_name,
        locale=locale,
        zone=zone,
        created_at=clock.now(),
    )
    await add_identity(session, organization_id, account.id, provider, subject)
    session.add(account)
    await session.flush()
    outbox.emit(
        session,
        AccountCreated(account_id=account.id, bot=False, credentialed=False),
        organization_id=organization_id,
        aggregate_id=account.id,
        version=account.version,
        actor=actor,
    )
    return account


async def rename(session: Session, account: Account, display_name: str, *, actor: UUID) -> None:
    """Give an account, which is locked, another name, and tell of it; nothing happens when it has that one."""
    if account.display_name == display_name:
        return
    account.display_name = display_name
    account.version += 1
    outbox.emit(
        session,
        ProfileUpdated(account_id=account.id),
        organization_id=account.organization_id,
        aggregate_id=account.id,
        version=account.version,
        actor=actor,
    )


async def import_accounts(
    session: Session, *, organization_id: UUID, actor: UUID, items: Sequence[ImportedAccount]
) -> dict[str, tuple[UUID, bool]]:
    """Have an account without credential for each external id; return external id → (account id, whether it is new).

    What is there already stays as it is, whoever changed it since. Two imports at once agree: the identity is taken first, and
    only who got it makes the account. Of an external id that comes twice the first counts. Raises ValueError for an empty name or id.
    """
    wanted: dict[str, ImportedAccount] = {}
    for item in items:
        if not item.external_id or not clean_name(item.display_name):
            raise ValueError("an imported account needs an external id and a name")
        wanted.setdefault(item.external_id, item)
    known = await queries.find_imported(session, list(wanted))
    missing = sorted(wanted.keys() - known.keys())
    created = await _take_identities(session, organization_id, missing)
    await _insert_accounts(session, organization_id, {created[external]: wanted[external] for external in created})
    lost = [external for external in missing if external not in created]
    if lost:
        known |= await queries.find_imported(session, lost)
    for external, account_id in created.items():
        outbox.emit(
            session,
            AccountCreated(account_id=account_id, bot=wanted[external].bot, credentialed=False),
            organization_id=organization_id,
            aggregate_id=account_id,
            version=1,
            actor=actor,
            origin=Origin.IMPORT,
        )
    return {external: (created.get(external) or known[external], external in created) for external in wanted}


async def _take_identities(session: Session, organization_id: UUID, subjects: list[str]) -> dict[str, UUID]:
    """Insert what is not there; sorted subjects, so that two imports cannot wait for each other in a circle."""
    if not subjects:
        return {}
    rows = await session.execute(
        text("""
            INSERT INTO identity (organization_id, provider, subject, account_id, created_at)
            SELECT :organization_id, :provider, subject, account_id, :now
            FROM unnest(CAST(:subjects AS text[]), CAST(:ids AS uuid[])) AS wanted(subject, account_id)
            ON CONFLICT DO NOTHING RETURNING subject, account_id
        """),
        {
            "organization_id": organization_id,
            "provider": Provider.IMPORT,
            "now": clock.now(),
            "subjects": subjects,
            "ids": [new_id() for _ in subjects],
        },
    )
    return {row.subject: row.account_id for row in rows}


async def _insert_accounts(session: Session, organization_id: UUID, accounts: dict[UUID, ImportedAccount]) -> None:
    if not accounts:
        return
    columns: dict[str, Any] = {
        "ids": list(accounts),
        "names": [clean_name(item.display_name) for item in accounts.values()],
        "locales": [item.locale or DEFAULT_LOCALE for item in accounts.values()],
        "zones": [item.zone or DEFAULT_ZONE for item in accounts.values()],
        "bots": [item.bot for item in accounts.values()],
    }
    await session.execute(
        text("""
            INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
            SELECT id, :organization_id, display_name, locale, zone, bot, 1, :now
            FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:locales AS text[]), CAST(:zones AS text[]),
                CAST(:bots AS boolean[])) AS wanted(id, display_name, locale, zone, bot)
        """),
        {**columns, "organization_id": organization_id, "now": clock.now()},
    )
    await _add_contacts(session, organization_id, accounts)


async def _add_contacts(session: Session, organization_id: UUID, accounts: dict[UUID, ImportedAccount]) -> None:
    """Let new accounts be found by their contacts; one that meanwhile stands for somebody else stays theirs."""
    known = sorted(
        (contact.provider, contact.subject, account) for account, item in accounts.items() for contact in item.contacts
    )
    if not known:
        return
    providers, subjects, owners = zip(*known, strict=True)
    await session.execute(
        text("""
            INSERT INTO identity (organization_id, provider, subject, account_id, created_at)
            SELECT :organization_id, provider, subject, account_id, :now
            FROM unnest(CAST(:providers AS text[]), CAST(:subjects AS text[]), CAST(:owners AS uuid[]))
                AS wanted(provider, subject, account_id)
            ON CONFLICT DO NOTHING
        """),
        {
            "organization_id": organization_id,
            "providers": [str(provider) for provider in providers],
            "subjects": list(subjects),
            "owners": list(owners),
            "now": clock.now(),
        },
    )
