"""Signing up. Passwords are hashed before the transaction asks for a connection."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Session
from chassis.errors import not_found
from chassis.ids import new_id
from members.accounts import commands as accounts
from members.accounts.credentials.commands import refuse_weak
from members.accounts.credentials.hashing import Hasher
from members.accounts.models import Account
from members.accounts.organizations import commands as organizations
from members.accounts.organizations import queries as organization_queries
from members.accounts.policy import OrganizationRole
from members.accounts.registration.schemas import AccountCreate, OrganizationCreate


async def sign_up(session: Session, hasher: Hasher, body: OrganizationCreate) -> UUID:
    """Found an organization with its owner; return its id. Raises Problem 409, 422, 503."""
    owner, password = body.owner, body.owner.password.get_secret_value()
    refuse_weak(password, owner.email, "/owner/password")
    hashed = await hasher.hash(password)
    owner_id = new_id()
    organization_id = await organizations.found(session, slug=body.slug, name=body.name, owner_account_id=owner_id)
    await accounts.create_account(
        session,
        organization_id,
        account_id=owner_id,
        display_name=owner.display_name,
        email=owner.email,
        password_hash=hashed,
        role=OrganizationRole.OWNER,
        locale=owner.locale,
        zone=owner.zone,
    )
    return organization_id


async def register(session: Session, hasher: Hasher, body: AccountCreate) -> Account:
    """Make an account in an organization. Raises Problem 404, 409, 422, 503."""
    password = body.password.get_secret_value()
    refuse_weak(password, body.email, "/password")
    hashed = await hasher.hash(password)
    organization_id = await organization_queries.enter_organization(session, body.organization)
    if organization_id is None:
        raise not_found("organization")
    return await accounts.create_account(
        session,
        organization_id,
        display_name=body.display_name,
        email=body.email,
        password_hash=hashed,
        locale=body.locale,
        zone=body.zone,
    )
