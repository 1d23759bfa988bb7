"""The preview of rules says what applying them does."""

import random
from uuid import UUID

import orjson
import pytest
from tests.members.groups.test_assignments import rule, tag, write
from tests.members.groups.test_groups import add, base, crowd, make
from tests.members.town import Town, found_town

from chassis.db import transaction
from chassis.testing.kit import Kit
from members.groups.assignments import commands, policy, queries
from members.groups.assignments.policy import Facts


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def test_the_preview_is_what_applying_does(town: Town) -> None:
    dice = random.Random(3)
    for _ in range(3):
        community = await town.community(state="draft")
        people = await crowd(town, community, 30)
        groups = [
            await make(
                town, community, dimension=dice.choice(["department", "interest"]), capacity=dice.choice([4, None])
            )
            for _ in range(4)
        ]
        for account in people:
            for word in dice.sample(["a", "b", "c"], dice.randrange(3)):
                await tag(town, community, account, word)
            await town.kit.sql("UPDATE account SET locale = $1 WHERE id = $2", dice.choice(["zh-CN", "en"]), account)
        await add(town, community, groups[0], *dice.sample(people, 3))
        # Some sit where a rule put them that matches them, or not, by now.
        earlier = [rule("rule-9", groups[1], zones=["UTC"]), rule("rule-8", groups[2], tags=["a"])]
        await write(town, community, *earlier)
        await town.owner.post(f"{base(community)}/rules/apply")
        await town.kit.work()
        await town.kit.sql("DELETE FROM group_assignment WHERE community_id = $1", UUID(community["id"]))
        rules = [
            rule(
                f"rule-{n}",
                dice.choice(groups),
                tags=dice.sample(["a", "b", "c"], 2),
                locales=[dice.choice(["zh", "en"])],
            )
            for n in range(6)
        ]
        rules += [
            rule("rule-9", groups[1], tags=["b"], locales=["zh"]) | {"leave_when_no_longer": True},
            rule("rule-8", groups[2], tags=["c"]) | {"leave_when_no_longer": dice.choice([True, False])},
        ]
        before = (await town.owner.get(base(community))).json()["data"]
        seen = await town.owner.post(f"{base(community)}/rules/preview", json={"rules": rules})
        assert seen.status_code == 200, seen.text
        assert (await town.owner.get(base(community))).json()["data"] == before, "nothing was changed"
        await write(town, community, *rules, version=1)
        await town.owner.post(f"{base(community)}/rules/apply")
        await town.kit.work()
        rows = await town.kit.sql(
            "SELECT rule_key, gone, count(*) FROM group_assignment WHERE community_id = $1 AND rule_key IS NOT NULL GROUP BY 1, 2",
            UUID(community["id"]),
        )
        joined = {row["rule_key"]: row["count"] for row in rows if not row["gone"]}
        left = {row["rule_key"]: row["count"] for row in rows if row["gone"]}
        preview = seen.json()["rules"]
        assert {one["key"]: one["leaves"] for one in preview if one["leaves"]} == left
        assert left, "somebody left by a rule"
        assert {one["key"]: one["joins"] for one in preview if one["joins"]} == joined
        opened = len((await town.owner.get(base(community))).json()["data"]) - len(before)
        assert sum(one["opens"] for one in preview) == opened
        kept = await town.kit.sql(
            "SELECT rule_key, inputs::text FROM group_assignment WHERE community_id = $1 AND rule_key IS NOT NULL AND NOT gone",
            UUID(community["id"]),
        )
        async with transaction(town.kit.runtime.engine, town.organization) as session:
            stored = await queries.find_current(session, UUID(community["id"]))
            assert stored is not None
            content = commands.GroupRulesWrite.model_validate(stored.content)
            known = await queries.read_known(session, UUID(community["id"]), content)
        for row in kept:  # what was decided on decides the same again
            again = policy.decide(known, content.exclusive, Facts.of(orjson.loads(row["inputs"])))
            assert row["rule_key"] in {match.rule.key for match in again}
