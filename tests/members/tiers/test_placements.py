"""Placements by hand: with a reason, until a date, then back to the standard."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.members.tiers.scene import Scene, found_scene
from tests.members.tiers.standards import MIXED
from tests.members.town import found_town

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.members import TierChanged, TierStandingChanged

AT = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
UNTIL = AT + timedelta(days=3)


@pytest.fixture
async def scene(kit: Kit) -> Scene:
    return await found_scene(await found_town(kit))


def body(tier: str = "t2", until: datetime = UNTIL) -> dict[str, Any]:
    return {"tier": tier, "reason": "Led the reading circle.", "until": until.isoformat()}


async def test_a_placement_stands_until_it_ends(scene: Scene) -> None:
    moving = MovableClock(AT)
    with clock.use(moving):
        account = await scene.member(joined=AT)
        await scene.adopt(MIXED)
        owner, me = scene.town.owner, scene.town.kit.person(scene.town.organization, account)
        rows = await scene.town.kit.sql("SELECT id FROM membership WHERE account_id = $1", account)
        url = scene.url(f"/memberships/{rows[0]['id']}/tier")
        read = await owner.get(url)
        assert (read.json()["tier_code"], read.json()["can"]) == ("t0", ["place"])
        assert (await owner.put(url, json=body())).status_code == 428
        assert (await owner.put(url, json=body(), headers={"If-Match": '"9"'})).status_code == 412
        version = {"If-Match": read.headers["etag"]}
        for wrong, place in (
            (body("t9"), "/tier"),
            (body(until=AT), "/until"),
            (body(until=AT + timedelta(days=800)), "/until"),
            ({**body(), "until": "2026-05-01T00:00:00"}, "/until"),
        ):
            refused = await owner.put(url, json=wrong, headers=version)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, place)
        assert (await owner.delete(url, headers=version)).json()["type"] == "urn:hearth:problem:not-placed"
        assert (await me.put(url, json=body(), headers=version)).status_code == 403
        placed = await owner.put(url, json=body(), headers=version)
        assert (placed.json()["tier_code"], placed.json()["can"]) == ("t2", ["place", "end_placement"])
        moving.move(days=2)
        await scene.town.kit.work()
        assert (await scene.tiers())[account] == "t2", "the night leaves it alone"
        owner, me = scene.town.owner, scene.town.kit.person(scene.town.organization, account)
        seen = (await me.get(scene.url("/tiers/me"))).json()
        assert seen["words"] == [
            "Placed in Pillar by a manager.",
            "Led the reading circle.",
            "This holds until 2026-03-05; then the standard decides again.",
        ]
        moving.move(days=1, seconds=1)
        await scene.town.kit.work()
        owner, me = scene.town.owner, scene.town.kit.person(scene.town.organization, account)
        assert (await scene.tiers())[account] == "t0"
        told = [(row["reason"], row["note"], row["actor"]) for row in (await me.get(f"{url}/moves")).json()["data"]]
        assert told == [
            ("tier-placement-ended", None, None),
            ("tier-placed", "Led the reading circle.", None),
            ("tier-entered", None, None),
        ]
        first = (await owner.get(f"{url}/moves", params={"limit": 2})).json()
        rest = (await owner.get(f"{url}/moves", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert first["data"][1]["actor"] == str(scene.town.owner_id)
        assert [row["reason"] for row in rest["data"]] == ["tier-entered"]
        stranger = scene.town.kit.person(scene.town.organization, await scene.member(joined=AT))
        assert (await stranger.get(url)).status_code == 404
        assert (await (await found_town(scene.town.kit)).owner.get(url)).status_code == 404


async def test_a_placement_is_ended_by_hand_and_staff_have_none(scene: Scene) -> None:
    with clock.use(MovableClock(AT)):
        account, staff = await scene.member(joined=AT), await scene.member(joined=AT, staff=True)
        owner = scene.town.owner
        ids = {
            row["account_id"]: row["id"]
            for row in await scene.town.kit.sql(
                "SELECT id, account_id FROM membership WHERE community_id = $1", scene.id
            )
        }
        url = scene.url(f"/memberships/{ids[account]}/tier")
        refused = await owner.put(url, json=body(), headers={"If-Match": '"0"'})
        assert refused.json()["type"] == "urn:hearth:problem:no-tier-standard"
        await scene.adopt(MIXED)
        refused = await owner.put(
            scene.url(f"/memberships/{ids[staff]}/tier"), json=body(), headers={"If-Match": '"0"'}
        )
        assert refused.json()["type"] == "urn:hearth:problem:not-tiered"
        for tier in ("t0", "t1"):
            version = (await owner.get(url)).headers["etag"]
            assert (await owner.put(url, json=body(tier), headers={"If-Match": version})).status_code == 200
        ended = await owner.delete(url, headers={"If-Match": (await owner.get(url)).headers["etag"]})
        assert (ended.json()["tier_code"], ended.json()["manual_until"]) == ("t0", None)
        events = await scene.town.kit.events(TierChanged, TierStandingChanged)
        mine = [e for e in events if e.data["account_id"] == str(account)]
        assert [(e.type.split(".")[2], e.aggregateversion, e.data["to_tier"]) for e in mine] == [
            ("changed", 1, "t0"),
            ("standing_changed", 2, "t0"),
            ("changed", 3, "t1"),
            ("changed", 4, "t0"),
        ]
