"""The statement that computes pulse, held to the plain policy on a real database."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chassis.ids import new_id
from chassis.schemas import EVERY_ZONE
from chassis.testing.kit import Kit
from engagement.pulse import policy, queries

ZONES = [
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
]
# Around clock changes, skipped days, ends of years.
EDGES = [
    datetime(2018, 3, 11, 6, tzinfo=UTC),
    datetime(2018, 3, 25, 0, tzinfo=UTC),
    datetime(2018, 11, 4, 5, tzinfo=UTC),
    datetime(2018, 12, 31, 20, tzinfo=UTC),
    datetime(2021, 1, 3, 22, tzinfo=UTC),
    datetime(2011, 12, 30, 9, tzinfo=UTC),
]
STATES = ["applied", "approved", "rejected", "left", "removed"]

people = st.lists(st.tuples(st.sampled_from(STATES), st.booleans(), st.booleans()), max_size=8)
instants = st.one_of(
    st.datetimes(datetime(2018, 1, 1), datetime(2018, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001  bounds of aware times
    st.builds(
        lambda edge, minutes: edge + timedelta(minutes=minutes), st.sampled_from(EDGES), st.integers(-2000, 2000)
    ),
)
facts = st.lists(st.tuples(st.integers(0, 9), instants), max_size=40)

Row = tuple[UUID, str, bool, bool]


async def fill(kit: Kit, rows: list[Row], said: Iterable[tuple[UUID, datetime]]) -> tuple[UUID, UUID]:
    organization, community = new_id(), new_id()
    connection = await asyncpg.connect(kit.database.superuser)
    try:
        await connection.copy_records_to_table(
            "standing_member",
            records=[
                (community, account, organization, new_id(), state, [], staff, bot, None)
                for account, state, staff, bot in rows
            ],
        )
        await connection.copy_records_to_table(
            "activity", records=[(organization, community, account, at, "post", new_id()) for account, at in said]
        )
    finally:
        await connection.close()
    return organization, community


def expected(zone: str, rows: list[Row], said: Iterable[tuple[UUID, datetime]]) -> dict[str, object]:
    counted = {account: state for account, state, staff, bot in rows if not staff and not bot}
    approved = [account for account, state in counted.items() if state == "approved"]
    return asdict(policy.figures(zone, approved, counted, said))


@given(people, facts, st.sampled_from(ZONES))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],
)
async def test_sql_is_the_policy(
    kit: Kit, given_people: list[tuple[str, bool, bool]], given_facts: list[tuple[int, datetime]], zone: str
) -> None:
    accounts = [new_id() for _ in range(10)]
    rows = [(account, *one) for account, one in zip(accounts, given_people, strict=False)]
    said = [(accounts[number], at) for number, at in given_facts]
    organization, community = await fill(kit, rows, said)
    found = orjson.loads(await queries.get_pulse(kit.runtime.reader, organization, community, zone))
    assert found == expected(zone, rows, said)


async def test_every_zone_that_a_community_can_have_is_known_to_postgresql(kit: Kit) -> None:
    known = {row["name"] for row in await kit.sql("SELECT name FROM pg_timezone_names")}
    assert EVERY_ZONE - known == set()


async def test_a_year_of_a_large_community(kit: Kit) -> None:
    """Fresh facts, of which the planner has no statistics yet, are quick all the same: nothing grows with people times facts."""
    dice = random.Random(7)
    accounts = [new_id() for _ in range(2000)]
    rows: list[Row] = [(account, "approved", False, False) for account in accounts]
    start = datetime(2018, 1, 1, tzinfo=UTC)
    said = [
        (dice.choice(accounts[: dice.randint(1, 1900)]), start + timedelta(minutes=dice.randint(0, 525_000)))
        for _ in range(200_000)
    ]
    organization, community = await fill(kit, rows, said)
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = orjson.loads(await queries.get_pulse(kit.runtime.reader, organization, community, "America/New_York"))
    assert loop.time() - began < 5
    assert found == expected("America/New_York", rows, said)


@pytest.mark.parametrize("zone", ZONES)
async def test_nobody_anywhere(kit: Kit, zone: str) -> None:
    found = orjson.loads(await queries.get_pulse(kit.runtime.reader, new_id(), new_id(), zone))
    assert found == {"zone": zone, "members": 0, "never_active": 0, "member_days": 0, "weeks": []}
