"""What a part of the feed costs does not hang on how much else a community says."""

from uuid import UUID

import pytest
from tests.content.conftest import Place
from tests.content.plans import fill, looked_at, plan_of

from content.reading import queries
from content.reading.queries import Filter

PART = UUID("0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10")


@pytest.mark.parametrize(
    ("filters", "type_", "column"),
    [
        (Filter(theme_id=PART), "uuid", f"theme_id = '{PART}'"),
        (Filter(group_id=PART), "uuid", f"group_id = '{PART}'"),
        (Filter(kind="article"), "text", "kind = 'article'"),
    ],
)
async def test_a_rare_part_of_the_feed_is_found_by_an_index(
    place: Place, filters: Filter, type_: str, column: str
) -> None:
    author, client = await place.member()
    rare = await place.post(client)
    await place.kit.sql(f"UPDATE post SET {column} WHERE id = $1", rare["id"])
    await fill(place.kit, place.organization, place.community, author, 3000)
    conditions = queries._conditions(filters, [queries.earliest()])
    statement = queries._newest(conditions, 20, True, False)
    wanted = [value for value in filters if value is not None]
    types = f"uuid, uuid, timestamptz, {type_}"
    reader = (place.community, author, queries.earliest().isoformat())
    plan = await plan_of(place.kit, place.organization, statement, types, *reader, *wanted)
    assert looked_at(plan, "post") <= 3
