"""Reading where one member stands."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from contracts.members import CommunityRole
from members.tiers.placements import policy
from members.tiers.placements.schemas import MembershipTierOut

_OUT = text("""
SELECT membership.id AS membership_id, membership.account_id, held.tier_code, held.since, held.grace_until, held.manual_until,
    held.standard_version, coalesce(held.version, 0) AS version,
    membership.state = 'approved' AND NOT membership.staff AND NOT membership.bot AS eligible
FROM membership LEFT JOIN tier_member AS held USING (community_id, account_id)
WHERE membership.community_id = :community_id AND membership.id = :id
""")


async def out(session: Session, standing: Standing, membership_id: UUID) -> MembershipTierOut:
    """Return where a member stands, to the member and to staff. Raises Problem 404."""
    rows = await session.execute(_OUT, {"community_id": standing.community_id, "id": membership_id})
    row = rows.mappings().one_or_none()
    own = row is not None and row["account_id"] == standing.principal.account_id
    if row is None or not (own or standing.has(CommunityRole.ANALYST)):
        raise not_found("membership")
    can = policy.allowed(manages=standing.has(), eligible=row["eligible"], placed=row["manual_until"] is not None)
    return MembershipTierOut.model_validate({**row, "can": can})
