"""Moderation's tables: isolated by tenant, and closed to what their invariants forbid."""

import asyncpg
import pytest
from sqlalchemy import text
from tests.content.conftest import make_place
from tests.content.moderation.conftest import CLAUSE, Court

from chassis.db import transaction
from chassis.testing.kit import Kit
from contracts.members import CommunityRole

TABLES = (
    "detector",
    "utterance",
    "utterance_band",
    "detection",
    "hold",
    "sanction",
    "member_tier",
    "verified_phone",
    "moderation_policy",
    "publication_log",
    "publication_log_opening",
    "external_check",
)


async def test_every_table_is_under_row_level_security(kit: Kit) -> None:
    rows = await kit.sql(
        "SELECT relrowsecurity AND relforcerowsecurity AS sure FROM pg_class WHERE relname = ANY($1)", TABLES
    )
    assert [row["sure"] for row in rows] == [True] * len(TABLES)


async def test_a_query_without_its_filter_sees_one_tenant(court: Court, kit: Kit) -> None:
    other = await make_place(kit)
    moderator_id, moderator = await other.member(CommunityRole.MODERATOR)
    for one in (court, Court(other, moderator_id, moderator)):
        _, client = await one.place.member()
        await one.detector("hold", kind="words", words=["casino"])
        await one.detector("flag", kind="duplicates")
        await one.say(client, "casino, a story of twelve letters and more")
    filled = ("detector", "utterance", "utterance_band", "detection", "hold")
    connection = await asyncpg.connect(kit.database.application)
    try:
        for table in filled:
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(f"SELECT * FROM {table} LIMIT 1")
    finally:
        await connection.close()
    async with transaction(kit.runtime.engine, court.place.organization) as session:
        for table in filled:
            seen = await session.execute(text(f"SELECT DISTINCT organization_id FROM {table}"))
            assert seen.scalars().all() == [court.place.organization]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE detector SET kind = 'links'",
        "UPDATE detector SET action = 'praise'",
        "UPDATE detector SET subjects = '{}'",
        "UPDATE detector SET subjects = '{person}'",
        "UPDATE detector SET version = 0",
        "DELETE FROM detector",
        "UPDATE detection SET spans = '{}'",
        "UPDATE detection SET subject_kind = 'person'",
        "UPDATE hold SET state = 'released'",
        "UPDATE hold SET cause = 'mood'",
        "UPDATE hold SET decided_by = id",
        "UPDATE utterance SET sketch = '{1}'",
    ],
)
async def test_invariants_hold_below_the_code(court: Court, change: str) -> None:
    _, client = await court.place.member()
    await court.put_up({"name": "w", "action": "hold", "settings": {"kind": "words", "words": ["casino"]}, **CLAUSE})
    assert (await court.say(client, "casino")).json()["state"] == "held"
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await court.place.kit.sql(f"{change} WHERE community_id = $1", court.place.community)
