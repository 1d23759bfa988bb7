"""How PostgreSQL carries out a hot read: planned as the reader has it planned, whatever its arguments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit


async def plan_of(kit: Kit, organization_id: UUID, statement: str, types: str, *arguments: object) -> dict[str, Any]:
    """Return the plan of a statement whose arguments, behind the tenant's, have these types, after it was carried out."""
    name = f"hot_{new_id().hex}"
    given = ", ".join("NULL" if one is None else f"'{one}'" for one in (None, *arguments))
    async with transaction(kit.runtime.engine, organization_id) as session:
        connection = await session.connection()
        await session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await connection.exec_driver_sql(f"PREPARE {name}(text, {types}) AS SELECT ({statement})::text")
        found = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {name}({given})")
        plan = found.scalar_one()
    document = orjson.loads(plan) if isinstance(plan, str) else plan
    return dict(document[0]["Plan"])


def looked_at(plan: dict[str, Any], table: str) -> int:
    """Return how many rows of a table a plan looked at."""
    here = 0
    if plan.get("Relation Name") == table:
        here = plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    return int(here) + sum(looked_at(one, table) for one in plan.get("Plans", ()))


async def fill(kit: Kit, organization_id: UUID, community_id: UUID, author_id: UUID, posts: int) -> None:
    """Have so many posts in a community, all newer than anything else."""
    await kit.sql(
        """
        INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, attachments, mentions, version)
        SELECT gen_random_uuid(), $1, $2, $3, 'words', 'general', '2030-01-01', 'live', '[]', '{}', 1 FROM generate_series(1, $4)
        """,
        organization_id,
        community_id,
        author_id,
        posts,
    )
    await kit.sql("ANALYZE post")
