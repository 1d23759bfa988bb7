"""Reading accounts and their identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, text
from sqlmodel import col, select

from chassis.db import Session
from chassis.errors import not_found
from chassis.tokens import Principal
from members.accounts.models import Account, Credential, Identity
from members.accounts.policy import Contact, OrganizationRole, Provider, can
from members.accounts.schemas import AccountCardOut, AccountOut

_MERGES_FOLLOWED = 3
"""Merges of one account that may go on while it is looked for."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account with what other tables know of it."""

    account: Account
    email: str | None
    credentialed: bool


def out(view: AccountView, principal: Principal | None) -> AccountOut:
    """Return an account as this caller gets it; somebody who is registering is no caller yet."""
    account = view.account
    allowed = (
        can(
            principal,
            account.id,
            role=account.organization_role,
            bot=account.bot,
            credentialed=view.credentialed,
            merged=account.merged_into is not None,
        )
        if principal
        else []
    )
    return AccountOut(**account.model_dump(), email=view.email, credentialed=view.credentialed, can=allowed)


def _views() -> Select[Account, str | None, bool]:
    # Of several addresses (a merge leaves them), the oldest is shown.
    email = (
        select(Identity.subject)
        .where(
            Identity.organization_id == Account.organization_id,
            Identity.account_id == Account.id,
            Identity.provider == Provider.EMAIL,
        )
        .order_by(col(Identity.created_at), col(Identity.subject))
        .limit(1)
        .correlate(Account)
        .scalar_subquery()
    )
    credentialed = select(Credential.account_id).where(Credential.account_id == Account.id).correlate(Account).exists()
    return select(Account, email, credentialed)


async def find_view(session: Session, account_id: UUID) -> AccountView | None:
    """Return an account with its e-mail address."""
    row = (await session.execute(_views().where(col(Account.id) == account_id))).one_or_none()
    return AccountView(*row) if row else None


async def get_view(session: Session, account_id: UUID) -> AccountView:
    """Return an account with its e-mail address. Raises Problem 404."""
    found = await find_view(session, account_id)
    if found is None:
        raise not_found("account")
    return found


async def list_views(session: Session, *, limit: int, after: UUID | None) -> list[AccountView]:
    """Return accounts that are not merged away, oldest first, behind `after`."""
    wanted: list[ColumnElement[bool]] = [col(Account.merged_into).is_(None)]
    if after is not None:
        wanted.append(col(Account.id) > after)
    rows = await session.execute(_views().where(*wanted).order_by(col(Account.id)).limit(limit))
    return [AccountView(*row) for row in rows]


async def find_account(session: Session, account_id: UUID) -> Account | None:
    """Return an account, a tombstone too."""
    return await session.get(Account, account_id)


async def find_locked(session: Session, account_id: UUID) -> Account | None:
    """Return an account that lives, locked for a change."""
    wanted = select(Account).where(Account.id == account_id, col(Account.merged_into).is_(None)).with_for_update()
    return (await session.scalars(wanted, execution_options={"populate_existing": True})).one_or_none()


async def lock_account(session: Session, account_id: UUID) -> Account:
    """Return an account that lives, locked for a change. Raises Problem 404."""
    found = await find_locked(session, account_id)
    if found is None:
        raise not_found("account")
    return found


async def find_living_locked(session: Session, account_id: UUID) -> Account | None:
    """Return an account, or the one into which it was merged, locked for a change."""
    for _ in range(_MERGES_FOLLOWED):
        found = await session.get(Account, account_id, populate_existing=True)
        locked = await find_locked(session, found.merged_into or found.id) if found else None
        if found is None or locked is not None:
            return locked
    return None


async def find_by_identity_locked(session: Session, provider: Provider, subject: str) -> Account | None:
    """Return whom an identity stands for, locked for a change; a merge that is under way is waited for, and followed."""
    wanted = select(Identity.account_id).where(Identity.provider == provider, Identity.subject == subject)
    for _ in range(_MERGES_FOLLOWED):
        account_id = (await session.scalars(wanted)).one_or_none()
        locked = await find_locked(session, account_id) if account_id else None
        if account_id is None or locked is not None:
            return locked
    return None


async def find_by_identity(session: Session, provider: Provider, subject: str) -> Account | None:
    """Return whom an identity stands for."""
    wanted = (
        select(Account)
        .join(Identity, col(Identity.account_id) == col(Account.id))
        .where(Identity.provider == provider, Identity.subject == subject)
    )
    return (await session.scalars(wanted)).one_or_none()


async def list_identities(session: Session, account_id: UUID) -> Sequence[Identity]:
    """Return the identities of an account."""
    wanted = select(Identity).where(Identity.account_id == account_id)
    return (await session.scalars(wanted.order_by(col(Identity.provider), col(Identity.subject)))).all()


async def find_imported(session: Session, external_ids: Sequence[str]) -> dict[str, UUID]:
    """Return the accounts that were imported under these ids; of a merged one, the account that lives on."""
    rows = await session.execute(
        text("SELECT subject, account_id FROM identity WHERE provider = :provider AND subject = ANY(:subjects)"),
        {"provider": Provider.IMPORT, "subjects": list(external_ids)},
    )
    return {row.subject: row.account_id for row in rows}


async def find_credential(session: Session, account_id: UUID) -> Credential | None:
    """Return an account's credential, None for one that cannot sign in."""
    return await session.get(Credential, account_id, populate_existing=True)


async def find_by_contacts(session: Session, contacts: Sequence[Contact]) -> dict[Contact, UUID]:
    """Return the accounts that contacts stand for; identities of imports among them."""
    rows = await session.execute(
        text("""
            SELECT provider, subject, account_id FROM identity
            WHERE (provider, subject) IN (
                SELECT * FROM unnest(CAST(:providers AS text[]), CAST(:subjects AS text[])))
        """),
        {"providers": [str(one.provider) for one in contacts], "subjects": [one.subject for one in contacts]},
    )
    return {Contact(Provider(row.provider), row.subject): row.account_id for row in rows}


async def find_account_cards(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, AccountCardOut]:
    """Return the member cards of accounts by id, without those that do not exist; a merged account has the card of the one that lives on."""
    rows = await session.execute(
        text("""
            SELECT asked.id, shown.display_name, shown.avatar_url FROM account AS asked
            JOIN account AS shown ON shown.id = coalesce(asked.merged_into, asked.id)
            WHERE asked.id = ANY(:ids)
        """),
        {"ids": list(ids)},
    )
    return {row.id: AccountCardOut(id=row.id, display_name=row.display_name, avatar_url=row.avatar_url) for row in rows}


async def count_owners(session: Session) -> int:
    """Return how many owners the organization has."""
    owners = select(func.count()).select_from(Account).where(Account.organization_role == OrganizationRole.OWNER)
    return (await session.scalars(owners)).one()
