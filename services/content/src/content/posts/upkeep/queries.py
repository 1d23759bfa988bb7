"""What is pinned, what is stale."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import text

from chassis import clock
from chassis.auth import Reading, Standing
from chassis.db import Session, read
from content.posts import queries as posts
from content.posts.queries import Order
from content.posts.upkeep.schemas import FreshnessOut

PINS = Order("pin_rank, id", "pin_rank || '|' || id")
OLDEST_REVIEW = Order("review_at, id", "review_at::text || '|' || id")
KEPT = "(evergreen OR pin_rank IS NOT NULL)"

_FRESHNESS = text(f"""
SELECT count(*) AS kept, count(*) FILTER (WHERE review_at <= :now) AS stale, count(*) FILTER (WHERE review_at IS NULL) AS undated
FROM post WHERE community_id = :community_id AND state = 'published' AND {KEPT}
""")


async def list_pinned(reading: Reading, *, tree: bool, limit: int, cursor: str | None) -> bytes:
    """Return a page of what is pinned as JSON, by rank. Raises Problem 403, 404, 422 for a foreign cursor."""
    cursors = reading.runtime.cursors
    scope = f"pinned:{reading.principal.organization_id}:{reading.community_id}"
    where = posts.published(reading.principal.staff) + " AND pin_rank IS NOT NULL"
    arguments: list[int | UUID] = []
    after = cursors.decode(scope, cursor)
    if after is not None:
        arguments = [int(after[0]), UUID(after[1])]
        where += " AND (pin_rank, id) > ($4, $5)"
    member, found = await reading.fetch(posts.listing(where, PINS, limit, tree), *arguments)
    last, documents = posts.split(found, "community")
    return posts.page(last, posts.with_abilities(documents, member, "comment"), cursors, scope)


@lru_cache
def _announcement(staff: bool) -> str:  # noqa: FBT001  as in posts.queries
    rows = f"""
        SELECT 1 AS place, * FROM post WHERE community_id = $2 AND {posts.published(staff)} AND kind = 'announcement'
            AND pin_rank IS NOT NULL AND (group_id IS NULL OR group_id = $4::uuid) ORDER BY group_id IS NULL, {PINS.by} LIMIT 1"""
    return f"SELECT document FROM ({posts.documents(rows)}) AS pinned"


async def find_announcement(session: Session, member: Standing, group_id: UUID | None) -> bytes | None:
    """Return as JSON the announcement pinned first that the member sees: of the group where it has one, else of the whole community."""
    place = (member.community_id, member.principal.account_id, group_id)
    found = await read(session, _announcement(member.principal.staff), *place)
    return None if found is None else posts.with_abilities(found, member, "comment")


async def list_stale(reading: Reading, *, limit: int, cursor: str | None) -> bytes:
    """Return a page of the kept pieces past their review date as JSON, the longest first. Raises Problem 403, 404, 422."""
    cursors = reading.runtime.cursors
    scope = f"stale:{reading.principal.organization_id}:{reading.community_id}"
    where = posts.published(reading.principal.staff) + f" AND {KEPT} AND review_at <= $4"
    arguments: list[datetime | UUID] = [clock.now()]
    after = cursors.decode(scope, cursor)
    if after is not None:
        arguments += [datetime.fromisoformat(after[0]), UUID(after[1])]
        where += " AND (review_at, id) > ($5, $6)"
    member, found = await reading.fetch(posts.listing(where, OLDEST_REVIEW, limit, tree=False), *arguments)
    last, documents = posts.split(found, "community")
    return posts.page(last, posts.with_abilities(documents, member, "comment"), cursors, scope)


async def get_freshness(session: Session, community_id: UUID) -> FreshnessOut:
    """Return the freshness debt of a community."""
    found = (await session.execute(_FRESHNESS, {"community_id": community_id, "now": clock.now()})).one()
    return FreshnessOut(
        community_id=community_id,
        kept=found.kept,
        stale=found.stale,
        undated=found.undated,
        debt=found.stale / found.kept if found.kept else None,
    )
