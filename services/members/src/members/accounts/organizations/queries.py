"""Reading organizations."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from chassis.db import Session, enter_tenant
from chassis.errors import not_found
from members.accounts.organizations.models import Organization
from members.accounts.organizations.policy import as_id
from members.accounts.organizations.schemas import OrganizationOut


async def enter_organization(session: Session, reference: str) -> UUID | None:
    """Enter the tenant that a slug or id stands for and return its id, None when there is none."""
    identifier = as_id(reference)
    if identifier is None:
        found = await session.execute(text("SELECT organization_of_slug(:slug)"), {"slug": reference})
        identifier = found.scalar_one()
    if identifier is None:
        return None
    await enter_tenant(session, identifier)
    exists = await session.scalars(select(Organization.id).where(Organization.id == identifier))
    return exists.one_or_none()


async def get_organization(session: Session, organization_id: UUID) -> OrganizationOut:
    """Return an organization with its owner. Raises Problem 404."""
    rows = await session.execute(
        text("""
            SELECT id, slug, name, version, created_at, (
                SELECT account.id FROM account WHERE account.organization_id = organization.id AND organization_role = 'owner'
                ORDER BY account.created_at, account.id LIMIT 1) AS owner_account_id
            FROM organization WHERE id = :id
        """),
        {"id": organization_id},
    )
    row = rows.one_or_none()
    if row is None:
        raise not_found("organization")
    return OrganizationOut.model_validate(row)


async def lock_organization(session: Session, organization_id: UUID) -> None:
    """Let nobody else decide who owns the organization until the transaction ends."""
    await session.scalars(select(Organization.id).where(Organization.id == organization_id).with_for_update())
