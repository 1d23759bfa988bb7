"""Every write of facts. Counts are exact because the inbox hands each event over once; sums do not depend on the order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from members.segments.facts import policy, queries
from members.segments.facts.policy import Fact, Reacted

Listener = Callable[[Session, UUID, set[tuple[UUID, UUID]]], Awaitable[None]]
LISTENERS: list[Listener] = []
"""Who is told whose figures moved (community, account), in the transaction that moves them; a noun appends its own where the service is composed."""

# What stands changes with the newest version only. RETURNING old tells what was counted before.
_KEEP = text("""
INSERT INTO reaction_kept AS kept (organization_id, community_id, reaction_id, emoji, account_id, receiver_id, at, day, version)
SELECT community.organization_id, community.id, reaction_id, emoji, account_id, receiver_id, at,
    CAST(at AT TIME ZONE community.zone AS date), arrived.version
FROM unnest(CAST(:communities AS uuid[]), CAST(:reactions AS uuid[]), CAST(:emojis AS text[]), CAST(:accounts AS uuid[]),
    CAST(:receivers AS uuid[]), CAST(:times AS timestamptz[]), CAST(:versions AS bigint[]))
    AS arrived(community_id, reaction_id, emoji, account_id, receiver_id, at, version)
JOIN community ON community.id = arrived.community_id
ORDER BY reaction_id, emoji
ON CONFLICT (reaction_id, emoji) DO UPDATE SET at = EXCLUDED.at, day = EXCLUDED.day, version = EXCLUDED.version
    WHERE kept.version < EXCLUDED.version
RETURNING kept.community_id, kept.account_id, kept.receiver_id, old.at AS was_at, old.day AS was_day, new.at AS now_at, new.day AS now_day
""")

# In one order for everybody, so that two batches cannot wait for each other in a circle. RETURNING old tells a new day from a known one.
# A reaction taken back comes with its day and nothing counted: that locks the row which the next statements lessen.
_COUNT = text("""
WITH act AS (
    SELECT community.organization_id, community.id AS community_id, account_id,
        coalesce(arrived.day, CAST(at AT TIME ZONE community.zone AS date)) AS day, at, posts, comments, reactions
    FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:times AS timestamptz[]), CAST(:days AS date[]),
        CAST(:posts AS integer[]), CAST(:comments AS integer[]), CAST(:reactions AS integer[]))
        AS arrived(community_id, account_id, at, day, posts, comments, reactions)
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

_TAKEN = """
WITH taken AS (
    SELECT * FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:receivers AS uuid[]), CAST(:days AS date[]))
        AS taken(community_id, account_id, receiver_id, day)
)
"""
_LESSEN: tuple[str, ...] = (
    """, lost AS (SELECT community_id, account_id, day, count(*) AS number FROM taken GROUP BY community_id, account_id, day)
    UPDATE member_day AS kept SET reactions = kept.reactions - lost.number FROM lost
    WHERE kept.community_id = lost.community_id AND kept.account_id = lost.account_id AND kept.day = lost.day""",
    """, lost AS (SELECT community_id, account_id, count(*) AS number FROM taken GROUP BY community_id, account_id)
    UPDATE member_facts AS kept SET reactions = kept.reactions - lost.number FROM lost
    WHERE kept.community_id = lost.community_id AND kept.account_id = lost.account_id""",
    # Another reaction of the same two people on that day still stands for both.
    """DELETE FROM reaction_received AS got USING taken
    WHERE got.community_id = taken.community_id AND got.account_id = taken.receiver_id AND got.from_account_id = taken.account_id
        AND got.day = taken.day AND NOT EXISTS (SELECT FROM reaction_kept AS other WHERE other.community_id = taken.community_id
            AND other.account_id = taken.account_id AND other.receiver_id = taken.receiver_id AND other.day = taken.day)""",
)

_RECEIVE = text("""
INSERT INTO reaction_received (organization_id, community_id, account_id, from_account_id, day)
SELECT DISTINCT community.organization_id, community.id, account_id, from_account_id, day
FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:givers AS uuid[]), CAST(:days AS date[]))
    AS arrived(community_id, account_id, from_account_id, day)
JOIN community ON community.id = arrived.community_id
WHERE account_id <> from_account_id
ORDER BY community.id, account_id, from_account_id, day
ON CONFLICT DO NOTHING
""")


async def note(session: Session, facts: Sequence[Fact], reacted: Sequence[Reacted] = ()) -> set[tuple[UUID, UUID]]:
    """Count facts, each handed over once, and what reactions stand; return the (community, account) pairs whose figures moved."""
    if not facts and not reacted:
        return set()
    people = {one.account_id for one in facts} | {who for one in reacted for who in (one.account_id, one.towards)}
    merged = await queries.merged(session, people)
    changes = await _keep(session, policy.newest(reacted), merged)
    taken = [one for one in changes if one.was_day is not None]
    given = [one for one in changes if one.now_day is not None]
    rows: list[tuple[Any, ...]] = [
        *(
            (one.community_id, one.account_id, one.at, None, one.posts, one.comments, 0)
            for one in policy.gather(facts, merged)
        ),
        *((one.community_id, one.account_id, one.now_at, one.now_day, 0, 0, 1) for one in given),
        *((one.community_id, one.account_id, one.was_at, one.was_day, 0, 0, 0) for one in taken),
    ]
    if not rows:
        return set()
    names = ("communities", "accounts", "times", "days", "posts", "comments", "reactions")
    await session.execute(_COUNT, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    if taken:
        bound = {
            "communities": [one.community_id for one in taken],
            "accounts": [one.account_id for one in taken],
            "receivers": [one.receiver_id for one in taken],
            "days": [one.was_day for one in taken],
        }
        for statement in _LESSEN:
            await session.execute(text(_TAKEN + statement), bound)
    if given:
        await session.execute(
            _RECEIVE,
            {
                "communities": [one.community_id for one in given],
                "accounts": [one.receiver_id for one in given],
                "givers": [one.account_id for one in given],
                "days": [one.now_day for one in given],
            },
        )
    return {(row[0], row[1]) for row in rows} | {(one.community_id, one.receiver_id) for one in changes}


async def _keep(session: Session, reacted: Sequence[Reacted], merged: Mapping[UUID, UUID]) -> Sequence[Any]:
    """Keep what reactions stand; return what changed, under the people whose figures hold it."""
    if not reacted:
        return []
    found = await session.execute(
        _KEEP,
        {
            "communities": [one.community_id for one in reacted],
            "reactions": [one.reaction_id for one in reacted],
            "emojis": [one.emoji for one in reacted],
            "accounts": [policy.living(one.account_id, merged) for one in reacted],
            "receivers": [policy.living(one.towards, merged) for one in reacted],
            "times": [one.at for one in reacted],
            "versions": [one.version for one in reacted],
        },
    )
    return found.all()


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
    await session.execute(
        text("""
            UPDATE reaction_kept SET account_id = CASE account_id WHEN CAST(:gone AS uuid) THEN CAST(:living AS uuid) ELSE account_id END,
                receiver_id = CASE receiver_id WHEN CAST(:gone AS uuid) THEN CAST(:living AS uuid) ELSE receiver_id END
            WHERE account_id = CAST(:gone AS uuid) OR receiver_id = CAST(:gone AS uuid)
        """),
        people,
    )
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
    for table in ("member_day", "reaction_received", "member_facts", "reaction_kept"):
        await session.execute(text(f"DELETE FROM {table}"))
