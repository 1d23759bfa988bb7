"""Founding an organization."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session, enter_tenant
from chassis.errors import Problem
from chassis.ids import new_id
from contracts.members import OrganizationCreated


async def found(session: Session, *, slug: str, name: str, owner_account_id: UUID) -> UUID:
    """Make an organization, enter it as the tenant and return its id; its owner's account follows. Raises Problem 409 for a slug that is taken."""
    organization_id = new_id()
    await enter_tenant(session, organization_id)
    taken = await session.execute(
        text(
            "INSERT INTO organization (id, slug, name, version, created_at) VALUES (:id, :slug, :name, 1, :now) "
            "ON CONFLICT (slug) DO NOTHING RETURNING 1"
        ),
        {"id": organization_id, "slug": slug, "name": name, "now": clock.now()},
    )
    if taken.scalar_one_or_none() is None:
        raise Problem(409, "slug-taken", "Another organization has this slug.")
    outbox.emit(
        session,
        OrganizationCreated(organization_id=organization_id, owner_account_id=owner_account_id),
        organization_id=organization_id,
        aggregate_id=organization_id,
        version=1,
        actor=owner_account_id,
    )
    return organization_id
