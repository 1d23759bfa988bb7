"""Every write of facts. Counts are exact because the inbox hands each event over once; sums do not depend on the order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from members.segments.facts import policy, queries
from members.segments.facts.policy import Fact

Listener = Callable[[Session, UUID, set[tuple[UUID, UUID]]], Awaitable[None]]
LISTENERS: list[Listener] = []
"""Who is told whose figures moved (community, account), in the transaction that moves them; a noun appends its own where the service is composed."""

# In one order for everybody, so that two batches cannot wait for each other in a circle. RETURNING old tells a new day from a known one.
_COUNT = text("""
WITH act AS (
    SELECT community.organization_id, community.id AS community_id, account_id,
        CAST(at AT TIME ZONE community.zone AS date) AS day, at, posts, comments, reactions
    FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:times AS timestamptz[]),
        CAST(:posts AS integer[]), CAST(:comments AS integer[]), CAST(:reactions AS integer[]))
        AS arrived(community_id, account_id, at, posts, comments, reactions)
    JOIN community ON community.id = arrived.community_id
), by_day AS (
    INSERT INTO member_day AS kept (organization_id, community_id, account_id, day, posts, comments, reactions)
    SELECT organization_id, community_id, account_id, day, sum(posts), sum(comments), sum(reactions)
    FROM act GROUP BY organization_id, community_id, account_id, day ORDER BY community_id, account_id, day
    ON CONFLICT (community_id, account_id, day) DO UPDATE SET
        posts = kept.posts + EXCLUDED.posts,
        comments = kept.comments + EXCLUDED.comments,
        reactions = kept.reactions + EXCLUDED.reactions
    RETURNING kept.community_id, kept.account_id, old.day IS NULL AS fresh
), days AS (
    SELECT community_id, account_id, count(*) FILTER (WHERE fresh) AS fresh FROM by_day GROUP BY community_id, account_id
)
INSERT INTO member_facts AS kept (organization_id, community_id, account_id, posts, comments, reactions, active_days,
    first_active_at, last_active_at)
SELECT organization_id, community_id, account_id, sum(posts), sum(comments), sum(reactions), max(days.fresh), min(at), max(at)
FROM act JOIN days USING (community_id, account_id)
GROUP BY organization_id, community_id, account_id ORDER BY community_id, account_id
ON CONFLICT (community_id, account_id) DO UPDATE SET
    posts = kept.posts + EXCLUDED.posts,
    comments = kept.comments + EXCLUDED.comments,
    reactions = kept.reactions + EXCLUDED.reactions,
    active_days = kept.active_days + EXCLUDED.active_days,
    first_active_at = least(kept.first_active_at, EXCLUDED.first_active_at),
    last_active_at = greatest(kept.last_active_at, EXCLUDED.last_active_at)
""")

_RECEIVE = text("""
INSERT INTO reaction_received (organization_id, community_id, account_id, from_account_id, day)
SELECT DISTINCT community.organization_id, community.id, account_id, from_account_id, CAST(at AT TIME ZONE community.zone AS date) AS day
FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:givers AS uuid[]), CAST(:times AS timestamptz[]))
    AS arrived(community_id, account_id, from_account_id, at)
JOIN community ON community.id = arrived.community_id
ORDER BY community.id, account_id, from_account_id, day
ON CONFLICT DO NOTHING
""")


async def note(session: Session, facts: Sequence[Fact]) -> set[tuple[UUID, UUID]]:
    """Count facts, each handed over once; return the (community, account) pairs whose figures moved."""
    if not facts:
        return set()
    people = {one.account_id for one in facts} | {one.towards for one in facts if one.towards}
    merged = await queries.merged(session, people)
    acts = policy.gather(facts, merged)
    await session.execute(
        _COUNT,
        {
            "communities": [one.community_id for one in acts],
            "accounts": [one.account_id for one in acts],
            "times": [one.at for one in acts],
            "posts": [one.posts for one in acts],
            "comments": [one.comments for one in acts],
            "reactions": [one.reactions for one in acts],
        },
    )
    got = policy.received(facts, merged)
    if got:
        await session.execute(
            _RECEIVE,
            {
                "communities": [community for community, _, _, _ in got],
                "accounts": [receiver for _, receiver, _, _ in got],
                "givers": [giver for _, _, giver, _ in got],
                "times": [at for _, _, _, at in got],
            },
        )
    return {(one.community_id, one.account_id) for one in acts} | {(community, to) for community, to, _, _ in got}


_HAND_OVER: tuple[str, ...] = (
    """WITH moved AS (DELETE FROM member_day WHERE account_id = :gone RETURNING *)
    INSERT INTO member_day AS kept SELECT organization_id, community_id, :living, day, posts, comments, reactions
    FROM moved ORDER BY community_id, day
    ON CONFLICT (community_id, account_id, day) DO UPDATE SET posts = kept.posts + EXCLUDED.posts,
        comments = kept.comments + EXCLUDED.comments, reactions = kept.reactions + EXCLUDED.reactions""",
    # Days on which both were active are one day of one person: counted anew.
    """WITH moved AS (DELETE FROM member_facts WHERE account_id = :gone RETURNING *)
    INSERT INTO member_facts AS kept SELECT organization_id, community_id, :living, posts, comments, reactions,
        (SELECT count(*) FROM member_day WHERE member_day.community_id = moved.community_id AND member_day.account_id = :living),
        first_active_at, last_active_at
    FROM moved ORDER BY community_id
    ON CONFLICT (community_id, account_id) DO UPDATE SET posts = kept.posts + EXCLUDED.posts,
        comments = kept.comments + EXCLUDED.comments, reactions = kept.reactions + EXCLUDED.reactions,
        active_days = EXCLUDED.active_days, first_active_at = least(kept.first_active_at, EXCLUDED.first_active_at),
        last_active_at = greatest(kept.last_active_at, EXCLUDED.last_active_at)""",
    """WITH moved AS (DELETE FROM reaction_received WHERE account_id = :gone OR from_account_id = :gone RETURNING *),
    renamed AS (SELECT organization_id, community_id, CASE account_id WHEN :gone THEN :living ELSE account_id END AS receiver,
        CASE from_account_id WHEN :gone THEN :living ELSE from_account_id END AS giver, day FROM moved)
    INSERT INTO reaction_received SELECT DISTINCT * FROM renamed WHERE receiver <> giver
    ORDER BY community_id, receiver, giver, day ON CONFLICT DO NOTHING""",
)


async def hand_over(session: Session, merged_account_id: UUID, account_id: UUID) -> set[tuple[UUID, UUID]]:
    """After a merge, count the merged account's acts as the living one's; return the (community, account) pairs whose figures moved.

    Doing so again changes nothing.
    """
    living = policy.living(account_id, await queries.merged(session, [account_id]))
    people: dict[str, Any] = {"gone": merged_account_id, "living": living}
    moved: set[tuple[UUID, UUID]] = set()
    for statement in _HAND_OVER:
        bound = statement.replace(":gone", "CAST(:gone AS uuid)").replace(":living", "CAST(:living AS uuid)")
        rows = await session.execute(text(bound + " RETURNING community_id, account_id"), people)
        moved |= {(row.community_id, row.account_id) for row in rows}
    return moved


async def tell(session: Session, organization_id: UUID, moved: set[tuple[UUID, UUID]]) -> None:
    """Let the other nouns know whose figures moved."""
    for listener in LISTENERS:
        await listener(session, organization_id, moved)


async def forget(session: Session) -> None:
    """Delete the tenant's facts, before a backfill."""
    for table in ("member_day", "reaction_received", "member_facts"):
        await session.execute(text(f"DELETE FROM {table}"))
