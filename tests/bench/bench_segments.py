"""Segments on 10 thousand and 1 million members: counts beside hand-written SQL, previews
and lists of members at both sizes, and 50 segments kept current.

Run: python tests/bench/bench_segments.py [--quick] (quick: 10 and 50 thousand). Exits 1 when a ratio is beyond its limit, or
fewer than EVENTS events a second are kept up with. One database, in turns, as the application's role under row-level security.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvloop
from sqlalchemy import text

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session, transaction
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, envelope, running_kit
from chassis.tokens import Principal
from contracts.base import Envelope
from contracts.content import CommentPublished, PostPublished, ReactionAdded, SubjectKind
from contracts.members import CommunityState, MembershipState
from members.app import service
from members.memberships import queries as memberships
from members.segments import queries
from members.segments.filters import queries as asking
from members.segments.filters.compiler import compile_filters
from members.segments.filters.evaluation import Moment
from members.segments.filters.reading import read

COUNT_LIMIT = 1.3
PREVIEW_LIMIT = 1.5
EVENTS = 500
SEGMENTS = 50
BATCH = 250
SMALL = 20_000
"""Communities up to this size are measured in more turns: what is quick varies more."""

_BASE = """FROM membership WHERE membership.community_id = :community_id AND state = 'approved' AND NOT staff AND NOT membership.bot"""
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "tag": (
        {"field": "tag", "op": "=", "value": "vip"},
        (
            f"SELECT count(*) {_BASE} AND EXISTS (SELECT FROM membership_tag AS t WHERE t.community_id = :community_id "
            "AND t.account_id = membership.account_id AND t.tag = 'vip')"
        ),
    ),
    "joined and language": (
        {
            "all": [
                {"field": "joined_at", "op": "within_days", "value": 90},
                {"field": "locale", "op": "=", "value": "zh"},
            ]
        },
        (
            f"SELECT count(*) {_BASE} AND joined_at >= :now - interval '90 days' "
            "AND EXISTS (SELECT FROM account WHERE account.id = membership.account_id AND locale = 'zh')"
        ),
    ),
    "never active": (
        {"never_active": True},
        (
            f"SELECT count(*) {_BASE} AND NOT EXISTS (SELECT FROM member_facts AS f WHERE f.community_id = :community_id "
            "AND f.account_id = membership.account_id)"
        ),
    ),
    "posts in 30 days": (
        {"fact": "posts", "window_days": 30, "op": ">=", "value": 2},
        (
            f"SELECT count(*) {_BASE} AND account_id IN (SELECT account_id FROM member_day WHERE community_id = :community_id "
            "AND day > :today - 30 GROUP BY account_id HAVING sum(posts) >= 2)"
        ),
    ),
    "active and liked, not tagged": (
        {
            "all": [
                {"fact": "active_days", "window_days": 30, "op": ">=", "value": 2},
                {"fact": "reactions_from_distinct", "window_days": 30, "op": ">=", "value": 1},
                {"not": {"field": "tag", "op": "=", "value": "vip"}},
            ]
        },
        (
            f"SELECT count(*) {_BASE} AND account_id IN (SELECT account_id FROM member_day WHERE community_id = :community_id "
            "AND day > :today - 30 GROUP BY account_id HAVING count(*) >= 2) "
            "AND account_id IN (SELECT account_id FROM reaction_received WHERE community_id = :community_id "
            "AND day > :today - 30 GROUP BY account_id HAVING count(DISTINCT from_account_id) >= 1) "
            "AND NOT EXISTS (SELECT FROM membership_tag AS t WHERE t.community_id = :community_id "
            "AND t.account_id = membership.account_id AND t.tag = 'vip')"
        ),
    ),
}
"""Name → the filter, and what one would write by hand for it."""


@dataclass(frozen=True)
class Town:
    """One community with so many members, and the standing of somebody who manages it."""

    kit: Kit
    organization: UUID
    community: UUID
    members: int

    @property
    def standing(self) -> Standing:
        """A manager's standing."""
        principal = Principal(
            account_id=new_id(),
            organization_id=self.organization,
            session_id=new_id(),
            scopes=frozenset(),
            client_id=None,
        )
        return Standing(
            principal, self.community, "Asia/Shanghai", CommunityState.OPEN, None, None, frozenset(), staff=True
        )


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


# A third was never active; few do much: the hash of a member's number to a power says how many days they were active in the last 120.
FILL = (
    "INSERT INTO organization (id, slug, name, version, created_at) VALUES ($1, 'o-' || right($1::uuid::text, 12), 'Bench', 1, now())",
    """INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
    SELECT gen_random_uuid(), $1, 'Member ' || n, CASE WHEN n % 5 = 0 THEN 'en' ELSE 'zh' END, 'Asia/Shanghai', n % 500 = 0, 1, now()
    FROM generate_series(1, $2::integer) AS n""",
    """INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
    SELECT $2, $1, 'c-' || right($2::uuid::text, 12), '{"en": "Bench"}', '{}', 'Asia/Shanghai', 'open', id, now(), 1
    FROM account WHERE organization_id = $1 LIMIT 1""",
    """INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, version)
    SELECT gen_random_uuid(), $1, $2, id, CASE WHEN random() < 0.05 THEN 'left' ELSE 'approved' END, '{}', random() < 0.001, bot,
        joined, joined, 1
    FROM (SELECT *, now() - random() * interval '1000 days' AS joined FROM account WHERE organization_id = $1) AS account""",
    """INSERT INTO membership_tag SELECT $1, $2, account_id, tag FROM membership, unnest(ARRAY['vip', 'mentor', '老用户']) AS tag
    WHERE community_id = $2 AND random() < 0.05""",
    """INSERT INTO member_day SELECT $1, $2, account_id, day, posts, 1, floor(random() * 3)::integer FROM (
        SELECT account_id, current_date - floor(random() * 120)::integer AS day, floor(random() * 2)::integer AS posts
        FROM (SELECT account_id, floor(power(random(), 3) * 18 - 1)::integer AS days FROM membership WHERE community_id = $2) AS m,
            generate_series(1, days)) AS acts
    ON CONFLICT DO NOTHING""",
    """INSERT INTO member_facts SELECT $1, $2, account_id, sum(posts), sum(comments), sum(reactions), count(*), min(day), max(day)
    FROM member_day WHERE community_id = $2 GROUP BY account_id""",
    """INSERT INTO reaction_received SELECT $1, $2, account_id, giver, day FROM (
        SELECT account_id, day, lag(account_id) OVER (ORDER BY day, account_id) AS giver FROM member_day WHERE community_id = $2) AS pairs
    WHERE giver <> account_id ON CONFLICT DO NOTHING""",
)


async def fill(kit: Kit, members: int) -> Town:
    """Make a community with realistic members and facts."""
    town = Town(kit, new_id(), new_id(), members)
    connection = await asyncpg.connect(kit.database.superuser)
    try:
        await connection.execute("SET session_replication_role = replica")
        for number, statement in enumerate(FILL):
            second: tuple[Any, ...] = () if number == 0 else (members,) if number == 1 else (town.community,)
            await connection.execute(statement, town.organization, *second)
        for table in ("account", "membership", "membership_tag", "member_day", "member_facts", "reaction_received"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()
    return town


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Return seconds and the result."""
    started = time.perf_counter()
    result = await work()
    return time.perf_counter() - started, result


async def counts(town: Town, rounds: int) -> float:
    """Count by filter and by hand, in turns; return the worst ratio of medians."""
    moment, worst = Moment(clock.now(), "Asia/Shanghai"), 0.0
    for name, (document, by_hand) in CASES.items():
        compiled = compile_filters([read(document)], {}, moment, town.community)
        bound = {"community_id": town.community, "now": moment.now, "today": moment.today}
        bound = {key: value for key, value in bound.items() if f":{key}" in by_hand}
        statement = text(by_hand.replace(":today", "CAST(:today AS date)").replace(":now", "CAST(:now AS timestamptz)"))

        async def hand(session: Session, statement: Any = statement, bound: Any = bound) -> int:
            return int((await session.execute(statement, bound)).scalar_one())

        async def ours(session: Session, compiled: Any = compiled) -> int:
            return await asking.count(session, compiled)

        times: dict[str, list[float]] = {"hand": [], "ours": []}
        for number in range(rounds + 1):
            for which, ask in (("hand", hand), ("ours", ours)):
                async with transaction(town.kit.runtime.engine, town.organization) as session:
                    await session.execute(text("SET LOCAL statement_timeout = '120s'"))
                    # The same settings for both: only the SQL differs.
                    await asking.over_all(session, compiled)
                    seconds, found = await timed(lambda ask=ask, session=session: ask(session))  # type: ignore[misc]
                    if number:
                        times[which].append(seconds)
                    if which == "hand":
                        expected = found
                    elif found != expected:
                        raise RuntimeError(f"{name}: {found} by filter, {expected} by hand")
        theirs, mine = statistics.median(times["hand"]), statistics.median(times["ours"])
        worst = max(worst, mine / theirs)
        say(
            f"  count, {name}: {found} of {town.members}; by hand {theirs * 1e3:.1f} ms, by filter {mine * 1e3:.1f} ms, "
            f"ratio {mine / theirs:.2f}"
        )
    return worst


async def previews(town: Town, rounds: int) -> dict[str, float]:
    """Return the median seconds of a preview per filter."""
    found: dict[str, float] = {}
    for name, (document, _) in CASES.items():
        times = []
        for _ in range(rounds):
            async with transaction(town.kit.runtime.engine, town.organization) as session:
                seconds, answer = await timed(
                    lambda session=session, document=document: queries.preview(  # type: ignore[misc]
                        session, town.standing, document, exact=False
                    )
                )
            times.append(seconds)
        found[name] = statistics.median(times)
        say(
            f"  preview, {name}: {found[name] * 1e3:.1f} ms, count {answer.count}{'' if answer.exact else f' ± {answer.margin}'}"
        )
    return found


async def lists(town: Town, rounds: int) -> dict[str, float]:
    """Return the median seconds of the first page of members, and of one in the middle."""
    page = await town.kit.sql(
        "SELECT id FROM membership WHERE community_id = $1 ORDER BY id OFFSET $2 LIMIT 1",
        town.community,
        town.members // 2,
    )
    cursors = town.kit.runtime.cursors
    scope = f"memberships:{town.organization}:{town.community}:{MembershipState.APPROVED}:"
    found: dict[str, float] = {}
    for name, cursor in (("first page", None), ("middle page", cursors.encode(scope, str(page[0]["id"])))):
        times = []
        for _ in range(rounds):
            async with transaction(town.kit.runtime.engine, town.organization) as session:
                seconds, answer = await timed(
                    lambda session=session, cursor=cursor: memberships.list_page(  # type: ignore[misc]
                        session,
                        town.standing,
                        cursors,
                        state=MembershipState.APPROVED,
                        owner=None,
                        limit=50,
                        cursor=cursor,
                    )
                )
            times.append(seconds)
            if len(answer.data) != 50:
                raise RuntimeError(f"{len(answer.data)} on a page of 50")
        found[name] = statistics.median(times)
        say(f"  member list, {name}: {found[name] * 1e3:.1f} ms")
    return found


def act(town: Town, people: list[UUID], dice: random.Random) -> Envelope:
    """Return an event of somebody's doing, as content would publish it."""
    account, community, kind = dice.choice(people), town.community, dice.random()
    event: PostPublished | CommentPublished | ReactionAdded
    if kind < 0.2:
        event = PostPublished(post_id=new_id(), community_id=community, author_id=account, section="general")
        identifier = event.post_id
    elif kind < 0.5:
        event = CommentPublished(
            comment_id=new_id(),
            post_id=new_id(),
            community_id=community,
            author_id=account,
            post_author_id=dice.choice(people),
            parent_id=None,
        )
        identifier = event.comment_id
    else:
        event = ReactionAdded(
            reaction_id=new_id(),
            community_id=community,
            account_id=account,
            subject_kind=SubjectKind.POST,
            subject_id=new_id(),
            subject_author_id=dice.choice(people),
            emoji="👍",
            timed=True,
        )
        identifier = event.reaction_id
    return envelope(event, town.organization, identifier, community_id=community)


async def keep_current(town: Town, seconds_of_events: int) -> float:
    """Take events and keep SEGMENTS segments current with them, one after the other on one process; return events a second."""
    documents: list[dict[str, Any]] = []
    for number in range(SEGMENTS):
        document = list(CASES.values())[number % len(CASES)][0]
        documents.append(
            {"all": [document, {"random": {"salt": "bench", "bucket": number % 10, "of": 10}}]}
            if number >= 5
            else document
        )
    await town.kit.sql(
        """INSERT INTO segment (id, organization_id, community_id, name, filter, filter_version, created_by, created_at, version)
        SELECT gen_random_uuid(), $1, $2, '{"en": "x"}', filter, 1, $1, now(), 1 FROM jsonb_array_elements($3::text::jsonb) AS filter""",
        town.organization,
        town.community,
        orjson.dumps(documents).decode(),
    )
    rows = await town.kit.sql(
        "SELECT account_id FROM membership WHERE community_id = $1 AND state = 'approved' ORDER BY random() LIMIT 20000",
        town.community,
    )
    people, dice = [row["account_id"] for row in rows], random.Random(1)
    total = seconds_of_events * EVENTS
    events = [act(town, people, dice) for _ in range(total)]
    start = clock.now()
    spent = 0.0
    for number in range(0, total, BATCH):
        # The clock moves as it would at that rate; the beats end when they would.
        at = start + timedelta(seconds=number / EVENTS)
        with clock.use(lambda at=at: at):  # type: ignore[misc]
            seconds, _ = await timed(lambda number=number: town.kit.deliver(*events[number : number + BATCH]))  # type: ignore[misc]
            spent += seconds
            seconds, _ = await timed(town.kit.work)
            spent += seconds
    with clock.use(lambda: start + timedelta(seconds=seconds_of_events + 5)):
        seconds, _ = await timed(town.kit.work)
        spent += seconds
    left = (await town.kit.sql("SELECT count(*) FROM segment_dirty"))[0][0]
    if left:
        raise RuntimeError(f"{left} members were not looked at")
    return total / spent


async def compare(*, quick: bool) -> int:
    """Run everything and print it; return the exit code."""
    sizes = (10_000, 50_000) if quick else (10_000, 1_000_000)
    cluster = Cluster()
    failed = []
    try:
        cluster.start()
        async with running_kit(service, cluster, argon2_time_cost=1, argon2_memory_kib=8) as kit:
            seconds: list[dict[str, float]] = []
            pages: list[dict[str, float]] = []
            for members in sizes:
                spent, town = await timed(lambda members=members: fill(kit, members))  # type: ignore[misc]
                say(f"{members} members, made in {spent:.0f} s")
                worst = await counts(town, 5 if members > SMALL else 41)
                say(f"segments: count on {members} members <= {worst:.2f} x hand-written SQL (limit {COUNT_LIMIT})")
                if worst > COUNT_LIMIT:
                    failed.append("count")
                seconds.append(await previews(town, 41))
                pages.append(await lists(town, 41))
            ratio = statistics.median(seconds[1].values()) / statistics.median(seconds[0].values())
            say(
                f"segments: preview p50 on {sizes[1]} members = {ratio:.2f} x that on {sizes[0]} (limit {PREVIEW_LIMIT})"
            )
            if ratio > PREVIEW_LIMIT:
                failed.append("preview")
            ratio = max(pages[1][name] / pages[0][name] for name in pages[0])
            say(
                f"segments: member list p50 on {sizes[1]} members = {ratio:.2f} x that on {sizes[0]} (limit {PREVIEW_LIMIT})"
            )
            if ratio > PREVIEW_LIMIT:
                failed.append("list")
            rate = await keep_current(replace(town), 5 if quick else 10)
            say(f"segments: {SEGMENTS} kept current on {sizes[1]} members at {rate:.0f} events/s (at least {EVENTS})")
            if rate < EVENTS:
                failed.append("currency")
    finally:
        cluster.remove()
    return 1 if failed else 0


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller communities")
    return uvloop.run(compare(quick=parser.parse_args().quick))


if __name__ == "__main__":
    sys.exit(main())
