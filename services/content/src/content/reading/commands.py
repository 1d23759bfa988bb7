"""Every write of reading: marks, horizons, bookmarks, and the rankings of the hot order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Reading, Standing
from chassis.db import Session, transaction
from chassis.errors import invalid, not_found
from chassis.ids import new_id
from content.posts import queries as posts
from content.reading import policy, queries
from content.reading.schemas import BookmarkOut, HorizonOut, ReadsOut
from content.tallies import queries as tallies
from contracts.content import PostsRead


@lru_cache
def _mark(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    return f"""
    INSERT INTO read_mark (account_id, post_id, organization_id, community_id, read_at)
    SELECT $3, id, organization_id, community_id, $5 FROM post
    WHERE $1::text IS NULL AND id = ANY($4::uuid[]) AND community_id = $2 AND author_id <> $3 AND {posts.published(staff)}
    ORDER BY id ON CONFLICT DO NOTHING RETURNING post_id
    """


async def mark_read(session: Session, member: Standing, post_ids: Sequence[UUID]) -> ReadsOut:
    """Mark posts as read by the member; what was read before, their own, and what they do not see, change nothing."""
    connection = await session.connection()
    account, now = member.principal.account_id, clock.now()
    rows = await connection.exec_driver_sql(
        _mark(member.principal.staff), (None, member.community_id, account, list(set(post_ids)), now)
    )
    marked = sorted(rows.scalars())
    if marked:
        reading_id = new_id()
        outbox.emit(
            session,
            PostsRead(reading_id=reading_id, community_id=member.community_id, account_id=account, post_ids=marked),
            organization_id=member.principal.organization_id,
            aggregate_id=reading_id,
            version=1,
            community_id=member.community_id,
            actor=account,
            occurred_at=now,
        )
    return ReadsOut(marked=len(marked))


_HORIZON = text("""
INSERT INTO read_horizon AS kept (account_id, community_id, organization_id, until)
VALUES (:account_id, :community_id, :organization_id, :until)
ON CONFLICT (account_id, community_id) DO UPDATE SET until = greatest(kept.until, EXCLUDED.until) RETURNING until
""")


async def read_everything(session: Session, member: Standing, until: datetime) -> HorizonOut:
    """Count everything up to an instant as read; nobody is counted as its reader by it. Raises Problem 422 for the future."""
    if until > clock.now():
        raise invalid("/until", "in-the-future", "What is not published yet cannot be read.")
    rows = await session.execute(
        _HORIZON,
        {
            "account_id": member.principal.account_id,
            "community_id": member.community_id,
            "organization_id": member.principal.organization_id,
            "until": until,
        },
    )
    return HorizonOut(until=rows.scalar_one())


_KEEP = text("""
INSERT INTO bookmark AS kept (account_id, post_id, organization_id, community_id, saved_at)
VALUES (:account_id, :post_id, :organization_id, :community_id, :saved_at) ON CONFLICT DO NOTHING
""")
_KEPT = text("SELECT saved_at FROM bookmark WHERE account_id = :account_id AND post_id = :post_id")


async def add_bookmark(session: Session, member: Standing, post_id: UUID) -> BookmarkOut:
    """Keep a post; once more changes nothing. Raises Problem 404."""
    await posts.get_subject(session, member, post_id)
    kept = {"account_id": member.principal.account_id, "post_id": post_id}
    await session.execute(
        _KEEP,
        kept
        | {
            "organization_id": member.principal.organization_id,
            "community_id": member.community_id,
            "saved_at": clock.now(),
        },
    )
    saved_at = (await session.execute(_KEPT, kept)).scalar_one()
    return BookmarkOut(post_id=post_id, saved_at=saved_at)


_REMOVE = text("""
DELETE FROM bookmark WHERE account_id = :account_id AND post_id = :post_id AND community_id = :community RETURNING post_id
""")


async def remove_bookmark(session: Session, member: Standing, post_id: UUID) -> None:
    """Keep a post no longer; what was kept goes though it is not seen any more. Raises Problem 404 for what is neither kept nor seen."""
    removed = await session.execute(
        _REMOVE, {"account_id": member.principal.account_id, "post_id": post_id, "community": member.community_id}
    )
    if removed.first() is None and not await posts.sees(session, member, post_id):
        raise not_found("post")


_RANK = text(f"""
WITH page AS MATERIALIZED (
    SELECT id, published_at FROM post WHERE community_id = :community_id AND state = 'published' AND published_at <= :now
    ORDER BY published_at DESC, id DESC LIMIT {policy.HOT_CANDIDATES:d}
), appended AS ({tallies.APPENDED.format(of="page")}), heat AS (
    SELECT page.id, published_at, {tallies.counted("reactors")} AS reactors, {tallies.counted("comments")} AS comments,
        {tallies.counted("saves")} AS saves, {tallies.counted("readers")} AS readers
    FROM page {tallies.JOINED.format(id="page.id")}
), scored AS (
    SELECT *, round((log(greatest(1, reactors + {policy.COMMENT_WEIGHT:d} * comments + {policy.SAVE_WEIGHT:d} * saves
        + div(readers::numeric, {policy.READERS_PER_POINT:d}))::float8)
        + extract(epoch FROM published_at)::float8 / {policy.SECONDS_PER_TENFOLD:d})::numeric, 7) AS score FROM heat
), made AS (
    INSERT INTO hot_ranking (id, organization_id, community_id, ranked_at, formula)
    VALUES (:id, :organization_id, :community_id, :ranked_at, {policy.HOT_FORMULA:d}) ON CONFLICT DO NOTHING RETURNING id
)
INSERT INTO hot_place (ranking_id, place, organization_id, post_id, score, reactors, comments, saves, readers)
SELECT made.id, row_number() OVER (ORDER BY score DESC, published_at DESC, scored.id DESC), :organization_id, scored.id, score,
    reactors, comments, saves, readers
FROM made, scored
""")
_FORGET = text("DELETE FROM hot_ranking WHERE community_id = :community_id AND ranked_at < :before")


async def rank(reading: Reading, at: datetime) -> UUID:
    """Make the hot ranking of an instant unless there is one, forget those of an hour ago, and return its id.

    A reading that finds none makes it: what nobody reads is not ranked.
    """
    organization_id = reading.principal.organization_id
    place = {"community_id": reading.community_id, "organization_id": organization_id}
    async with transaction(reading.runtime.engine, organization_id) as session:
        await session.execute(_RANK, place | {"id": new_id(), "ranked_at": at, "now": clock.now()})
        await session.execute(_FORGET, {"community_id": reading.community_id, "before": at - policy.KEPT})
    found = await queries.find_ranking(reading, at=at)
    assert found is not None  # noqa: S101  it was made, here or by another
    return found


async def list_hot(reading: Reading, filters: queries.Filter, *, unread: bool, limit: int, cursor: str | None) -> bytes:
    """Return a page of the hot order as JSON. Raises Problem 403, 404, 410 for a ranking that is an hour old, 422 for a foreign cursor."""
    after = reading.runtime.cursors.decode(queries.scope_of(reading, policy.Order.HOT, filters, unread=unread), cursor)
    if after is None:
        at = policy.ranked_at(clock.now())
        ranking_id = await queries.find_ranking(reading, at=at) or await rank(reading, at)
        return await queries.list_hot(reading, filters, ranking_id, 0, unread=unread, limit=limit)
    if await queries.find_ranking(reading, ranking_id=UUID(after[0])) is None:
        raise queries.gone()
    return await queries.list_hot(reading, filters, UUID(after[0]), int(after[1]), unread=unread, limit=limit)
