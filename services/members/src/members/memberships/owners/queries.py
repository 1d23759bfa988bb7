"""Reading who looks after whom."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from members.memberships.models import Membership
from members.memberships.owners import policy
from members.memberships.owners.schemas import OwnerOut
from members.memberships.schemas import MemberCard

_CANDIDATE = text("""
SELECT account.organization_role, account.merged_into IS NOT NULL AS merged, account.bot,
    coalesce(membership.state = 'approved', false) AS member, coalesce(membership.staff, false) AS staff,
    coalesce(membership.roles <> '{}', false) AS roles
FROM account LEFT JOIN membership ON membership.account_id = account.id AND membership.community_id = :community_id
WHERE account.id = :account_id
""")
_OUT = text("""
SELECT membership.owner_id, membership.owner_version, owner.display_name, owner.avatar_url
FROM membership LEFT JOIN account AS owner ON owner.id = membership.owner_id
WHERE membership.community_id = :community_id AND membership.id = :id
""")


async def lock(session: Session, community_id: UUID, membership_id: UUID) -> Membership:
    """Return a membership with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(Membership)
        .where(col(Membership.id) == membership_id, col(Membership.community_id) == community_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    membership = found.scalar_one_or_none()
    if membership is None:
        raise not_found("membership")
    return membership


async def may_own(session: Session, community_id: UUID, account_id: UUID) -> bool:
    """Whether an account of the organization may look after members here."""
    found = await session.execute(_CANDIDATE, {"community_id": community_id, "account_id": account_id})
    row = found.mappings().one_or_none()
    return row is not None and policy.may_own(**row)


async def out(session: Session, standing: Standing, membership_id: UUID) -> OwnerOut:
    """Return who looks after a member. Raises Problem 404."""
    found = await session.execute(_OUT, {"community_id": standing.community_id, "id": membership_id})
    row = found.one_or_none()
    if row is None:
        raise not_found("membership")
    owner = row.owner_id and MemberCard(id=row.owner_id, display_name=row.display_name, avatar_url=row.avatar_url)
    can = (["set", "clear"] if owner else ["set"]) if standing.has() else []
    return OwnerOut(membership_id=membership_id, owner=owner, version=row.owner_version, can=can)
