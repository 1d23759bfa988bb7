"""Counting what pieces did: from what was touched, a batch at a time; and comparing a day's readers when the day after is over.

Each piece is counted whole from rows, so nothing is counted twice, and nothing is lost by a crash: what was touched is taken in the
transaction of the figures. Who reads or writes meanwhile touches again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis import clock, due
from chassis.db import Session
from content.tallies import queries as tallies
from content.worth import policy
from content.worth.policy import Figures

COUNT, SETTLE = "worth.count", "worth.settle"
"""Kinds of due work: counting what was touched, and comparing the readers of one day of a community (`<community>:<day>`)."""
BATCH = 5000
BUSY, IDLE = timedelta(seconds=30), timedelta(minutes=5)
"""When it is looked again, after something was touched and after nothing was."""


async def begin(session: Session, organization_id: UUID) -> None:
    """Have the tenant's pieces counted from now on."""
    await due.schedule(session, organization_id, COUNT, "all", clock.now() + BUSY, keep=True)


# What belongs to a community that is not known yet waits for it: its zone says which day it was.
_TAKE = text("""
DELETE FROM worth_touch WHERE organization_id = :organization_id AND id = ANY(ARRAY(
    SELECT touch.id FROM worth_touch AS touch LEFT JOIN standing_community AS community ON community.community_id = touch.community_id
    WHERE touch.organization_id = :organization_id AND (touch.what = 'post' OR community.zone IS NOT NULL) ORDER BY touch.id LIMIT :batch))
RETURNING what, community_id, post_id, account_id, at
""")
_OUTDATED = text(
    "SELECT post_id FROM worth WHERE organization_id = :organization_id AND score_version <> :version LIMIT :batch"
)


async def count_some(session: Session, organization_id: UUID) -> None:
    """Count anew what was touched, a batch, and see to the next."""
    bound = {"organization_id": organization_id, "batch": BATCH}
    touches = (await session.execute(_TAKE, bound)).all()
    outdated = (await session.scalars(_OUTDATED, bound | {"version": policy.SCORE_VERSION})).all()
    await _note_presence(session, organization_id, touches)
    await count(session, {*outdated, *(touch.post_id for touch in touches if touch.post_id is not None)})
    more = BATCH in {len(touches), len(outdated)}
    following = timedelta(0) if more else BUSY if touches else IDLE
    await due.schedule(session, organization_id, COUNT, "all", clock.now() + following)


_ACTS = """unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:times AS timestamptz[])) AS act(community_id, account_id, at)"""
_OUTSIDERS = text(f"""
INSERT INTO worth_outsider (community_id, account_id, organization_id)
SELECT DISTINCT act.community_id, act.account_id, CAST(:organization_id AS uuid) FROM {_ACTS}
WHERE NOT EXISTS (SELECT FROM standing_member AS member
    WHERE member.community_id = act.community_id AND member.account_id = act.account_id) ON CONFLICT DO NOTHING
RETURNING account_id, community_id
""")
# Days that an account was not known to have been active on, and that are over: who was compared by them is compared again.
_ACTIVE = text(f"""
WITH act AS (
    SELECT DISTINCT account_id, community_id, CAST(at AT TIME ZONE zone AS date) AS day, CAST(:now AT TIME ZONE zone AS date) AS today
    FROM {_ACTS} JOIN standing_community USING (community_id)
), fresh AS (
    INSERT INTO worth_active_day (account_id, community_id, day, organization_id)
    SELECT account_id, community_id, day, :organization_id FROM act ORDER BY account_id, community_id, day
    ON CONFLICT DO NOTHING RETURNING account_id, community_id, day)
SELECT account_id, community_id, day FROM fresh JOIN act USING (account_id, community_id, day) WHERE day < today
""")
_DAYS = text(f"""
WITH read AS (
    SELECT DISTINCT community_id, CAST(at AT TIME ZONE zone AS date) AS day FROM {_ACTS} JOIN standing_community USING (community_id)
), compared AS (
    SELECT DISTINCT mark.community_id, read.day
    FROM unnest(CAST(:late_accounts AS uuid[]), CAST(:late_communities AS uuid[]), CAST(:late_days AS date[]))
        AS late(account_id, community_id, day)
    JOIN standing_community AS community USING (community_id)
    JOIN read_mark AS mark ON mark.account_id = late.account_id AND mark.community_id = late.community_id
    CROSS JOIN LATERAL (SELECT CAST(mark.read_at AT TIME ZONE zone AS date) AS day) AS read
    WHERE late.day IS NULL OR read.day = late.day - 1 OR read.day BETWEEN late.day + 1 AND late.day + {policy.HABIT_DAYS:d}
)
SELECT community_id, day, CAST(day + {policy.SETTLED_DAYS:d} AS timestamp) AT TIME ZONE zone + interval '5 minutes' AS due_at
FROM (SELECT * FROM read UNION SELECT * FROM compared) AS days JOIN standing_community USING (community_id)
""")
_OF_PEOPLE = text("""
WITH person AS (
    SELECT * FROM unnest(CAST(:accounts AS uuid[]), CAST(:communities AS uuid[])) AS person(account_id, community_id))
INSERT INTO worth_touch (organization_id, what, post_id)
SELECT :organization_id, 'post', post_id FROM (
    SELECT mark.post_id FROM person JOIN read_mark AS mark USING (account_id, community_id)
    UNION SELECT saved.post_id FROM person JOIN bookmark AS saved USING (account_id, community_id)
    UNION SELECT said.post_id FROM person JOIN comment AS said
        ON said.community_id = person.community_id AND said.author_id = person.account_id AND said.state = 'published'
    UNION SELECT thanks.post_id FROM person JOIN worth_attribution AS thanks USING (account_id) WHERE thanks.post_id IS NOT NULL
) AS pieces
""")


async def _note_presence(session: Session, organization_id: UUID, touches: Sequence[Row[Any]]) -> None:
    """Keep who was there on which day, and have the days compared that this tells something of."""
    acts = [touch for touch in touches if touch.what in {"act", "read"}]
    people = sorted({(touch.account_id, touch.community_id) for touch in touches if touch.what == "person"})
    late: list[tuple[UUID, UUID, date | None]] = [(account, community, None) for account, community in people]
    if acts:
        bound = {"organization_id": organization_id, "now": clock.now(), **_columns(acts)}
        # What an order of theirs was put down to counts it no longer.
        people += [tuple(row) for row in await session.execute(_OUTSIDERS, bound)]
        late += [tuple(row) for row in await session.execute(_ACTIVE, bound)]
    if people:
        accounts, communities = zip(*people, strict=True)
        bound = {"organization_id": organization_id, "accounts": list(accounts), "communities": list(communities)}
        await session.execute(_OF_PEOPLE, bound)
    reads = [touch for touch in touches if touch.what in {"read", "unread"}]
    if reads or late:
        of_late = zip(("late_accounts", "late_communities", "late_days"), _turned(late, 3), strict=True)
        days = await session.execute(_DAYS, {**_columns(reads), **dict(of_late)})
        wanted = [(f"{row.community_id}:{row.day}", row.due_at) for row in days]
        await due.schedule_many(session, organization_id, SETTLE, wanted)


def _columns(acts: Sequence[Row[Any]]) -> dict[str, list[Any]]:
    return {
        "communities": [act.community_id for act in acts],
        "accounts": [act.account_id for act in acts],
        "times": [act.at for act in acts],
    }


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


# Readers and savers are tallied already: whoever does not count is taken off, one look at an index for each. Few work for a brand.
_COUNT = text(f"""
WITH page AS MATERIALIZED (
    SELECT id, organization_id, community_id, author_id FROM post WHERE id = ANY(:ids) AND ever_published
), appended AS ({tallies.APPENDED.format(of="page")}), apart AS MATERIALIZED (
    SELECT community_id, account_id FROM standing_member
    WHERE (staff OR bot) AND community_id = ANY(ARRAY(SELECT DISTINCT community_id FROM page))
    UNION SELECT community_id, account_id FROM worth_outsider AS outsider
    WHERE community_id = ANY(ARRAY(SELECT DISTINCT community_id FROM page)) AND NOT EXISTS (SELECT FROM standing_member AS member
        WHERE member.community_id = outsider.community_id AND member.account_id = outsider.account_id)
), talk AS (
    SELECT said.post_id, count(DISTINCT said.author_id) AS discussants,
        count(DISTINCT said.author_id) FILTER (WHERE answered.author_id <> said.author_id) AS repliers
    FROM page JOIN comment AS said ON said.post_id = page.id AND said.state = 'published' AND said.author_id <> page.author_id
    JOIN standing_member AS member ON member.community_id = page.community_id AND member.account_id = said.author_id
        AND NOT member.staff AND NOT member.bot
    LEFT JOIN comment AS answered ON answered.id = said.parent_id
    GROUP BY said.post_id
), back AS (
    SELECT post_id, sum(compared) AS compared, sum(returned) AS returned, sum(expected) AS expected
    FROM worth_return WHERE post_id = ANY(:ids) GROUP BY post_id
), thanks AS (
    SELECT page.id, count(*) FILTER (WHERE kind = 'referral') AS referrals, count(*) FILTER (WHERE kind = 'order') AS orders
    FROM page JOIN worth_attribution AS given ON given.post_id = page.id AND given.counts
        AND given.account_id IS DISTINCT FROM page.author_id
    WHERE NOT EXISTS (SELECT FROM apart WHERE apart.community_id = page.community_id AND apart.account_id = given.account_id)
    GROUP BY page.id
)
SELECT page.id, page.organization_id, page.community_id, {tallies.counted("readers")} - (
        SELECT count(*) FROM apart CROSS JOIN LATERAL (SELECT FROM read_mark AS mark
            WHERE mark.account_id = apart.account_id AND mark.post_id = page.id OFFSET 0) AS marked
        WHERE apart.community_id = page.community_id) AS readers,
    {tallies.counted("saves")} - (
        SELECT count(*) FROM (SELECT account_id FROM apart WHERE apart.community_id = page.community_id UNION SELECT page.author_id) AS other
        CROSS JOIN LATERAL (SELECT FROM bookmark AS saved
            WHERE saved.account_id = other.account_id AND saved.post_id = page.id OFFSET 0) AS kept) AS saves,
    coalesce(discussants, 0) AS discussants, coalesce(repliers, 0) AS repliers, coalesce(compared, 0) AS compared,
    coalesce(returned, 0) AS returned, coalesce(expected, 0) AS expected, coalesce(referrals, 0) AS referrals, coalesce(orders, 0) AS orders
FROM page {tallies.JOINED.format(id="page.id")}
LEFT JOIN talk ON talk.post_id = page.id LEFT JOIN back ON back.post_id = page.id LEFT JOIN thanks ON thanks.id = page.id
ORDER BY page.id
""")
_COLUMNS = {
    "post_id": "uuid",
    "organization_id": "uuid",
    "community_id": "uuid",
    **dict.fromkeys(Figures.__dataclass_fields__, "integer"),
    "expected": "numeric",
    "points": "numeric",
    "score": "numeric",
}
_KEEP = text(f"""
INSERT INTO worth ({", ".join(_COLUMNS)}, score_version, counted_at)
SELECT *, :version, :now FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())})
ON CONFLICT (post_id) DO UPDATE SET score_version = EXCLUDED.score_version, counted_at = EXCLUDED.counted_at,
    {", ".join(f"{name} = EXCLUDED.{name}" for name in list(_COLUMNS)[3:])}
""")


async def count(session: Session, post_ids: Iterable[UUID]) -> None:
    """Count what these pieces did, each whole, and score it. Pieces that nobody ever saw have done nothing."""
    rows = (await session.execute(_COUNT, {"ids": sorted(post_ids)})).all()
    if not rows:
        return
    values: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for row in rows:
        figures = Figures(*row[3:])
        scored = policy.score(figures)
        one = (*row[:3], *row[3:], scored.points, scored.score)
        for name, value in zip(_COLUMNS, one, strict=True):
            values[name].append(value)
    await session.execute(_KEEP, {**values, "version": policy.SCORE_VERSION, "now": clock.now()})


# An index has reads by time, all tenants' together. Which instants are the day the zone says; the bounds hold for every zone.
_SETTLE = text(f"""
WITH place AS (SELECT zone FROM standing_community WHERE community_id = :community_id), reads AS MATERIALIZED (
    SELECT mark.account_id, mark.post_id, :day - CAST(member.joined_at AT TIME ZONE zone AS date) AS days
    FROM place CROSS JOIN read_mark AS mark
    JOIN standing_member AS member ON member.community_id = mark.community_id AND member.account_id = mark.account_id
    WHERE mark.community_id = :community_id AND NOT member.staff AND NOT member.bot
        AND mark.read_at >= :begins_at AND mark.read_at < :ends_at AND CAST(mark.read_at AT TIME ZONE zone AS date) = :day
), people AS (
    SELECT account_id, least(days, {policy.HABIT_DAYS:d}) AS days, array_agg(post_id) AS posts
    FROM reads WHERE days >= {policy.LEAST_HABIT_DAYS:d} GROUP BY account_id, days
), habits AS (
    SELECT posts, round(past::numeric / days, 6) AS habit, back FROM people CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE active.day < :day) AS past, count(*) FILTER (WHERE active.day > :day) > 0 AS back
        FROM worth_active_day AS active
        WHERE active.account_id = people.account_id AND active.community_id = :community_id
            AND (active.day >= :day - people.days AND active.day < :day OR active.day = :day + 1)) AS known
), compared AS (
    SELECT post_id, count(*) AS compared, count(*) FILTER (WHERE back) AS returned, sum(habit) AS expected
    FROM habits CROSS JOIN LATERAL unnest(posts) AS post_id GROUP BY post_id
), gone AS (
    DELETE FROM worth_return WHERE community_id = :community_id AND day = :day AND post_id NOT IN (SELECT post_id FROM compared)
    RETURNING post_id
), kept AS (
    INSERT INTO worth_return AS known (post_id, day, organization_id, community_id, compared, returned, expected)
    SELECT post_id, :day, :organization_id, :community_id, compared, returned, expected FROM compared
    ON CONFLICT (post_id, day) DO UPDATE SET compared = EXCLUDED.compared, returned = EXCLUDED.returned, expected = EXCLUDED.expected
    WHERE (known.compared, known.returned, known.expected) IS DISTINCT FROM (EXCLUDED.compared, EXCLUDED.returned, EXCLUDED.expected)
    RETURNING post_id
)
INSERT INTO worth_touch (organization_id, what, post_id)
SELECT :organization_id, 'post', post_id FROM (SELECT post_id FROM gone UNION SELECT post_id FROM kept) AS changed
""")


async def settle(session: Session, organization_id: UUID, community_id: UUID, day: date) -> None:
    """Compare a day's first readers with their habit; done again it says what is known by now."""
    # 10,000 readings take a third of a second; a festival in a large community may take longer than a statement is allowed.
    await session.execute(text("SET LOCAL statement_timeout = '10min'"))
    noon = policy.noon(day)
    await session.execute(
        _SETTLE,
        {
            "organization_id": organization_id,
            "community_id": community_id,
            "day": day,
            "begins_at": noon - policy.FURTHEST,
            "ends_at": noon + policy.FURTHEST,
        },
    )
