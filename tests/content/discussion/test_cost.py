"""What reading a discussion costs does not hang on how large its community is."""

from typing import Any

import orjson
import pytest
from tests.content.conftest import Place

from chassis.db import transaction
from chassis.ids import new_id
from content.discussion import queries
from contracts.content import SubjectKind

OTHERS = 2000


def looked_at(plan: dict[str, Any], table: str) -> int:
    """Return how many rows of a table a plan looked at."""
    here = 0
    if plan.get("Relation Name") == table:
        here = plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    return int(here) + sum(looked_at(one, table) for one in plan.get("Plans", ()))


@pytest.mark.parametrize("kind", list(SubjectKind))
async def test_who_reacted_is_found_without_looking_through_the_community(place: Place, kind: SubjectKind) -> None:
    kit = place.kit
    account, client = await place.member()
    await kit.sql(
        "INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, attachments, mentions, version) "
        "SELECT gen_random_uuid(), $1, $2, $3, 'words', 'general', now(), 'live', '[]', '{}', 1 FROM generate_series(1, $4)",
        place.organization,
        place.community,
        account,
        OTHERS,
    )
    post = await place.post(client)
    comment = await place.comment(client, post["id"])
    subject = post["id"] if kind is SubjectKind.POST else comment["id"]
    await kit.sql("ANALYZE post")
    statement = queries._to_subject("", 50, False)
    async with transaction(kit.runtime.engine, place.organization) as session:
        for command in (
            # As hot reads are planned.
            "SET LOCAL plan_cache_mode = force_generic_plan",
            f"PREPARE reacted_to_{kind.value}(text, uuid, uuid, uuid, text) AS SELECT ({statement})::text",
        ):
            await (await session.connection()).exec_driver_sql(command)
        asked = f"EXECUTE reacted_to_{kind.value}(NULL, '{place.community}', '{account}', '{subject}', '{kind.value}')"
        found = await (await session.connection()).exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}")
        plan = found.scalar_one()
    document = orjson.loads(plan) if isinstance(plan, str) else plan
    assert looked_at(document[0]["Plan"], "post") <= 1
    path = "posts" if kind is SubjectKind.POST else "comments"
    assert (await client.get(f"{place.path}/{path}/{subject}/reactions")).json()["data"] == []
    assert (await client.get(f"{place.path}/{path}/{new_id()}/reactions")).status_code == 404
