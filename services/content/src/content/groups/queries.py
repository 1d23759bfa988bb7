"""Every SELECT of groups."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from chassis.db import Session
from content.groups.models import KnownGroup

OF_CALLER = """ARRAY(
    SELECT unnest(group_ids) FROM standing_group_member WHERE community_id = $2 AND account_id = $3
    UNION SELECT group_id FROM standing_group WHERE community_id = $2 AND $3 = ANY(hosts))"""
"""The groups of the caller ($3) in the community ($2), those that they host too, as an array: for hot reads."""

_OF_ACCOUNT = text("""
SELECT unnest(group_ids) FROM standing_group_member WHERE community_id = :community_id AND account_id = :account_id
UNION SELECT group_id FROM standing_group WHERE community_id = :community_id AND :account_id = ANY(hosts)
""")


async def find_group(session: Session, community_id: UUID, group_id: UUID) -> KnownGroup | None:
    """Return a group of the community."""
    found = await session.scalars(
        select(KnownGroup).where(KnownGroup.group_id == group_id, KnownGroup.community_id == community_id)
    )
    return found.one_or_none()


async def groups_of(session: Session, community_id: UUID, account_id: UUID) -> set[UUID]:
    """Return the groups that an account is in or hosts."""
    found = await session.execute(_OF_ACCOUNT, {"community_id": community_id, "account_id": account_id})
    return set(found.scalars())
