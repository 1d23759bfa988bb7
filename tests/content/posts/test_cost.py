"""What figures about posts cost does not hang on how much members say."""

import orjson
from tests.content.conftest import Place
from tests.content.plans import fill, looked_at

from chassis import clock
from chassis.db import transaction
from content.posts.upkeep import queries
from contracts.members import CommunityRole


async def test_freshness_is_counted_over_what_is_kept(place: Place) -> None:
    account, editor = await place.member(CommunityRole.EDITOR)
    await place.post(editor, kind="article", evergreen=True)
    await fill(place.kit, place.organization, place.community, account, 3000)
    asked = str(queries._FRESHNESS).replace(":community_id", f"'{place.community}'").replace(":now", f"'{clock.now()}'")
    async with transaction(place.kit.runtime.engine, place.organization) as session:
        connection = await session.connection()
        plan = (await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}")).scalar_one()
    document = orjson.loads(plan) if isinstance(plan, str) else plan
    assert looked_at(document[0]["Plan"], "post") == 1
    found = (await editor.get(f"{place.path}/posts/freshness")).json()
    assert (found["kept"], found["undated"]) == (1, 1)
