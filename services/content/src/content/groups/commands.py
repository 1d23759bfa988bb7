"""Every write of what is known of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from chassis.db import Session

_GROUP = text("""
INSERT INTO standing_group (group_id, organization_id, community_id, state, hosts)
VALUES (:group_id, :organization_id, :community_id, :state, :hosts)
ON CONFLICT (group_id) DO UPDATE SET state = EXCLUDED.state, hosts = EXCLUDED.hosts
""")
_MEMBER = text("""
INSERT INTO standing_group_member (community_id, account_id, organization_id, group_ids)
VALUES (:community_id, :account_id, :organization_id, :group_ids)
ON CONFLICT (community_id, account_id) DO UPDATE SET group_ids = EXCLUDED.group_ids
""")


async def keep_groups(session: Session, groups: Sequence[dict[str, Any]]) -> None:
    """Keep the newest state of groups."""
    await session.execute(_GROUP, groups)


async def keep_members(session: Session, members: Sequence[dict[str, Any]]) -> None:
    """Keep the newest groups of members."""
    await session.execute(_MEMBER, members)


async def forget(session: Session) -> None:
    """Forget the tenant's groups, before they are told anew."""
    await session.execute(text("DELETE FROM standing_group_member"))
    await session.execute(text("DELETE FROM standing_group"))
