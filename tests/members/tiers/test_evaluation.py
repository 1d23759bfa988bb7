"""Evaluation: SQL decides about all as the policy does about one, and a second time moves nobody."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text
from tests.members.tiers.scene import Scene, found_scene
from tests.members.tiers.standards import MIXED, standards
from tests.members.town import found_town

from chassis import clock
from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.testing.kit import Kit
from contracts.members import TierChanged, TierStandingChanged
from members.tiers.evaluation import queries
from members.tiers.evaluation.commands import evaluate
from members.tiers.evaluation.compiler import RANGE, compile_standard
from members.tiers.evaluation.policy import Held, again, decide
from members.tiers.standards.policy import Metric, Standard, read

AT = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
"""01:30 on March 2 in Shanghai."""
TODAY = AT.astimezone(ZoneInfo("Asia/Shanghai")).date()
DAY = timedelta(days=1)


@pytest.fixture
async def scene(kit: Kit) -> Scene:
    return await found_scene(await found_town(kit))


def drawn(count: int) -> list[list[dict[str, Any]]]:
    """Return standards as hypothesis draws them, for a test that cannot wait inside of it."""
    found: list[list[dict[str, Any]]] = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck), deadline=None)
    @given(standards())
    def collect(documents: list[dict[str, Any]]) -> None:
        found.append(documents)

    collect()
    return found


async def populate(scene: Scene, dice: random.Random, members: int) -> None:
    """Let people come, act and be reacted to, on days around the edges of the windows."""
    people = [
        await scene.member(
            joined=AT - dice.randrange(12) * DAY,
            state=dice.choice(["approved"] * 6 + ["left"]),
            staff=dice.random() < 0.1,
        )
        for _ in range(members)
    ]
    for account in people:
        for ago in {dice.choice([0, 1, 2, 5, 6, 7, 28, 29, 30, 31, 60]) for _ in range(dice.randrange(8))}:
            await scene.acts(account, TODAY - ago * DAY, *(dice.randrange(1, 4) for _ in range(3)))
        for _ in range(dice.randrange(9)):
            giver = dice.choice(people)
            if giver != account:
                await scene.reacted(account, giver, TODAY - dice.choice([0, 6, 7, 29, 30, 31]) * DAY)
    await scene.summed()


async def place(scene: Scene, dice: random.Random) -> None:
    """Put members where any past may have left them."""
    await scene.town.kit.sql("DELETE FROM tier_member WHERE community_id = $1", scene.id)
    rows = []
    for row in await scene.town.kit.sql("SELECT account_id FROM membership WHERE community_id = $1", scene.id):
        tier = dice.choice([None, "t0", "t1", "t2", "t3", "elsewhere"])
        if tier is not None or dice.random() < 0.5:
            dates = (AT + dice.randrange(-2, 3) * DAY if tier and dice.random() < 0.4 else None for _ in range(2))
            rows.append((row["account_id"], tier, *dates))
    await scene.town.kit.sql(
        "INSERT INTO tier_member SELECT $1, $2, account_id, tier, $3, grace, manual, 1, 1 FROM "
        "unnest($4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[]) AS held(account_id, tier, grace, manual)",
        scene.town.organization,
        scene.id,
        AT - DAY,
        *(list(column) for column in zip(*rows, strict=True)),
    )


@dataclass
class Past:
    """What everybody did, read once."""

    members: list[Any]
    days: list[Any]
    got: list[Any]


async def past(scene: Scene) -> Past:
    sql = scene.town.kit.sql
    return Past(
        await sql("SELECT account_id, joined_at FROM membership WHERE community_id = $1", scene.id),
        await sql("SELECT * FROM member_day WHERE community_id = $1", scene.id),
        await sql("SELECT * FROM reaction_received WHERE community_id = $1", scene.id),
    )


def figures(known: Past, standard: Standard) -> dict[UUID, dict[str, int | None]]:
    """Return everybody's figures, counted plainly."""
    counted = {}
    for member in known.members:
        account = member["account_id"]
        days = [row for row in known.days if row["account_id"] == account]
        got = [row for row in known.got if row["account_id"] == account]
        have: dict[str, int | None] = {}
        for key, one in standard.figures.items():
            mine = [row for row in days if one.window_days is None or row["day"] > TODAY - one.window_days * DAY]
            theirs = [row for row in got if one.window_days is None or row["day"] > TODAY - one.window_days * DAY]
            joined = member["joined_at"].astimezone(ZoneInfo("Asia/Shanghai")).date()
            have[key] = {
                Metric.ACTIVE_DAYS: len(mine),
                Metric.POSTS: sum(row["posts"] for row in mine),
                Metric.COMMENTS: sum(row["comments"] for row in mine),
                Metric.REACTIONS_FROM_DISTINCT: len({row["from_account_id"] for row in theirs}),
                Metric.REACTIONS_ON_DAYS: len({row["day"] for row in theirs}),
                Metric.DAYS_SINCE_JOINED: (TODAY - joined).days,
                Metric.LAST_ACTIVITY_DAYS_AGO: min(((TODAY - row["day"]).days for row in days), default=None),
            }[one.metric]
        counted[account] = have
    return counted


async def test_sql_decides_as_the_policy_does(scene: Scene) -> None:
    dice = random.Random(3)
    await populate(scene, dice, 40)
    known, compared, seen = await past(scene), 0, set()
    for documents in [MIXED, *drawn(50)]:
        standard = read(1, dice.choice([0, 1, 14]), documents)
        await place(scene, dice)
        counted = figures(known, standard)
        compiled = compile_standard(standard, scene.id, "Asia/Shanghai", AT, only=RANGE)
        async with transaction(scene.town.kit.runtime.engine, scene.town.organization) as session:
            rows = (
                (
                    await session.execute(
                        text(compiled.decided + " SELECT * FROM decided"),
                        {**compiled.parameters, "after": UUID(int=0), "upto": queries.LAST},
                    )
                )
                .mappings()
                .all()
            )
        for row in rows:
            have = queries.figures_of(compiled, row)
            assert have == counted[row["account_id"]]
            held = Held(row["tier_code"], row["grace_until"], row["manual_until"])
            expected = decide(standard, have, held, eligible=row["eligible"], at=AT)
            tier = None if row["to_rank"] is None else standard.codes[row["to_rank"]]
            assert (tier, row["new_grace_until"], row["new_manual_until"], row["reason"]) == (
                expected.tier,
                expected.grace_until,
                expected.manual_until,
                expected.reason,
            )
            compared += 1
            seen.add(row["reason"])
    assert compared > 1000
    assert len(seen) == 11, f"every reason occurs: {sorted(seen)}"


async def moves(scene: Scene) -> int:
    rows = await scene.town.kit.sql("SELECT count(*) FROM tier_move WHERE community_id = $1", scene.id)
    count: int = rows[0]["count"]
    return count


async def test_evaluating_twice_in_a_row_moves_nobody_the_second_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHUNK", 7)
    dice = random.Random(5)
    await populate(scene, dice, 30)
    with clock.use(MovableClock(AT)):
        for documents in [MIXED, *drawn(8)]:
            await scene.adopt(
                [{k: v for k, v in one.items() if v is not None} for one in documents], dice.choice([0, 7])
            )
            before, told = await moves(scene), len(await scene.town.kit.events(TierChanged, TierStandingChanged))
            held = await scene.town.kit.sql("SELECT * FROM tier_member WHERE community_id = $1 ORDER BY 3", scene.id)
            async with transaction(scene.town.kit.runtime.engine, scene.town.organization) as session:
                after: UUID | None = UUID(int=0)
                while after is not None:
                    after = await evaluate(session, scene.id, after)
            assert await moves(scene) == before
            assert len(await scene.town.kit.events(TierChanged, TierStandingChanged)) == told
            assert held == await scene.town.kit.sql(
                "SELECT * FROM tier_member WHERE community_id = $1 ORDER BY 3", scene.id
            )
    # What was decided can be decided again from what was kept.
    rows = await scene.town.kit.sql(
        "SELECT tier_move.*, inputs::text AS given, tiers::text AS asked, grace_days FROM tier_move JOIN tier_standard AS standard "
        "ON standard.community_id = tier_move.community_id AND number = standard_version WHERE tier_move.community_id = $1",
        scene.id,
    )
    assert len(rows) > 50
    for row in rows:
        made = again(read(1, row["grace_days"], orjson.loads(row["asked"])), orjson.loads(row["given"]))
        assert (made.tier, made.grace_until, made.reason) == (row["to_tier"], row["grace_until"], row["reason"])
