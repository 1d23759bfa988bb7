"""What facts need to know of accounts."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session

# Shared locks: a merge waits for the facts under way, and moves them when its event arrives; facts after it go to the living account.
_MERGED = text("""
SELECT id, merged_into FROM account WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR SHARE
""")


async def merged(session: Session, accounts: Collection[UUID]) -> dict[UUID, UUID]:
    """Return merged account → the account that it became part of, for these accounts and on to the living ones."""
    found: dict[UUID, UUID] = {}
    wanted = set(accounts)
    while wanted:
        rows = await session.execute(_MERGED, {"ids": sorted(wanted)})
        step = {row.id: row.merged_into for row in rows if row.merged_into is not None}
        found |= step
        wanted = set(step.values()) - found.keys()
    return found
