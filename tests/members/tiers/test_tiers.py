"""Tier standards over the API: drafted, dry-run, adopted; members see where they stand in their language."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.members.tiers.scene import Scene, found_scene
from tests.members.tiers.standards import MIXED
from tests.members.town import found_town

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.outbox import seal
from chassis.testing.kit import Kit
from contracts.base import Envelope
from contracts.content import PostPublished
from contracts.members import MembershipApproved, MembershipLeft, TierChanged, TierStandardAdopted, TierStandingChanged

AT = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
TODAY = datetime(2026, 3, 2, tzinfo=UTC).date()
DAY = timedelta(days=1)


@pytest.fixture
async def scene(kit: Kit) -> Scene:
    return await found_scene(await found_town(kit))


async def busy(scene: Scene, days: int, start: int = 0) -> UUID:
    """Return a member who was active on so many days, the last `start` days ago."""
    account = await scene.member(joined=AT - 200 * DAY)
    for ago in range(start, start + days):
        await scene.acts(account, TODAY - ago * DAY, comments=1)
    await scene.summed()
    return account


def tightened(active_days: int) -> list[dict[str, Any]]:
    rule = {"all": [{"metric": "active_days", "threshold": active_days, "window_days": 30}], "any": []}
    return [MIXED[0], {**MIXED[1], "entry": rule}]


async def test_a_standard_is_drafted_changed_and_adopted(scene: Scene) -> None:
    owner = scene.town.owner
    drafted = await scene.draft(MIXED)
    one = drafted.json()
    assert (one["number"], one["state"], one["can"]) == (1, "draft", ["edit", "dry_run", "adopt"])
    assert one["tiers"][1]["keep"]["all"] == [{"metric": "active_days", "threshold": 9, "window_days": 30}]
    assert [tier["keep_by_default"] for tier in one["tiers"]] == [False, True, False, True]
    url = scene.url("/tier-standards/1")
    assert (await owner.patch(url, json={"grace_days": 3})).status_code == 428
    changed = await owner.patch(url, json={"grace_days": 3}, headers={"If-Match": drafted.headers["etag"]})
    assert (changed.json()["grace_days"], changed.headers["etag"]) == (3, '"2"')
    stale = await owner.patch(url, json={"grace_days": 4}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await owner.post(f"{url}/adopt", headers={"If-Match": '"1"'})).status_code == 412
    adopted = await owner.post(f"{url}/adopt", headers={"If-Match": '"2"'})
    assert (adopted.json()["state"], adopted.json()["can"]) == ("adopted", ["dry_run"])
    refused = await owner.patch(url, json={"grace_days": 4}, headers={"If-Match": '"3"'})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:standard-adopted")
    # Drafts may be adopted in any order; one is in force, and events have rising versions all the same.
    for _ in range(2):
        await scene.draft(tightened(5))
    for number in (3, 2):
        done = await owner.post(scene.url(f"/tier-standards/{number}/adopt"), headers={"If-Match": '"1"'})
        assert done.status_code == 200
    listed = (await owner.get(scene.url("/tier-standards"), params={"limit": 2})).json()
    assert [(row["number"], row["state"]) for row in listed["data"]] == [(3, "superseded"), (2, "adopted")]
    rest = (await owner.get(scene.url("/tier-standards"), params={"cursor": listed["next_cursor"]})).json()
    assert [(row["number"], row["state"]) for row in rest["data"]] == [(1, "superseded")]
    events = [e for e in await scene.town.kit.events(TierStandardAdopted) if e.aggregateid == scene.id]
    assert [(e.aggregateversion, e.data["standard_version"]) for e in events] == [(1, 1), (2, 3), (3, 2)]
    privileges = [{"code": "early-access", "params": {"hours": 24}}]
    assert events[0].data["tiers"][1] == {"code": "t1", "privileges": privileges}


async def test_contradictions_are_refused_with_their_places(scene: Scene) -> None:
    bad = [MIXED[1], {**MIXED[0]}, {**tightened(40)[1]}]
    answer = await scene.town.owner.post(scene.url("/tier-standards"), json={"tiers": bad})
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/tiers/2/code", "code-twice"),
        ("/tiers/0/entry", "lowest-tier-open"),
        ("/tiers/1/entry", "entry-missing"),
        ("/tiers/2/entry/all/0/threshold", "unreachable"),
    ]
    window = {"all": [{"metric": "posts", "threshold": 1, "window_days": 0}]}
    answer = await scene.town.owner.post(
        scene.url("/tier-standards"), json={"tiers": [MIXED[0], {**MIXED[1], "entry": window}]}
    )
    assert answer.json()["errors"][0]["pointer"] == "/tiers/1/entry/all/0/window_days"
    assert (await scene.town.owner.get(scene.url("/tier-standards"))).json()["data"] == []


async def test_adoption_dry_run_and_demotion_with_grace_seen_by_the_member(scene: Scene) -> None:
    moving = MovableClock(AT)
    with clock.use(moving):
        steady, weak, never = await busy(scene, 14), await busy(scene, 10), await scene.member(joined=AT - 3 * DAY)
        await scene.member(joined=AT, staff=True)
        assert (await scene.town.kit.person(scene.town.organization, weak).get(scene.url("/tiers/me"))).json()[
            "tier"
        ] is None
        await scene.adopt(MIXED[:2])
        assert await scene.tiers() == {steady: "t1", weak: "t1", never: "t0"}
        counted = (await scene.town.owner.get(scene.url("/tiers"))).json()
        assert [(one["tier_code"], one["members"]) for one in counted["tiers"]] == [("t0", 1), ("t1", 2)]

        # A stricter standard is looked at before it is adopted; nothing changes by looking.
        await scene.draft(tightened(12))
        url = scene.url("/tier-standards/2/dry-runs")
        ran = (await scene.town.owner.post(url, json={"sample": 5}, headers={"Accept-Language": "zh"})).json()
        assert ran["counts"] == {"enter": 0, "rise": 0, "fall": 0, "grace": 1, "stay": 2, "leave": 0}
        assert {"outcome": "grace", "from_tier": "t1", "to_tier": "t0", "members": 1} in ran["moves"]
        shown = ran["samples"]["grace"][0]
        assert shown["account_id"] == str(weak)
        assert shown["criteria"][0]["words"] == "最近30天内活跃11天（目前10天）"
        assert shown["words"] == "暂未达到“常客”的保持标准，宽限期开始。"
        stays = (await scene.town.owner.get(f"{url}/members", params={"outcome": "stay", "limit": 1})).json()
        more = {"outcome": "stay", "limit": 1, "cursor": stays["next_cursor"]}
        rest = (await scene.town.owner.get(f"{url}/members", params=more)).json()
        assert {row["account_id"] for row in stays["data"] + rest["data"]} == {str(steady), str(never)}
        assert rest["next_cursor"] is None
        assert await scene.reasons(weak) == ["tier-entered"]

        adopted = await scene.town.owner.post(scene.url("/tier-standards/2/adopt"), headers={"If-Match": '"1"'})
        assert adopted.status_code == 200
        await scene.town.kit.work()
        me = scene.town.kit.person(scene.town.organization, weak)
        seen = (await me.get(scene.url("/tiers/me"), headers={"Accept-Language": "zh-CN"})).json()
        assert (seen["tier"]["name"], seen["tier"]["privileges"][0]["words"]) == ("常客", "提前报名")
        assert seen["words"][1] == "如果到2026年3月16日仍未达到保持标准，会离开“常客”。"
        need = seen["keep"]["all"][0]
        assert (need["need"], need["have"], need["met"]) == (11, 10, False)
        assert seen["next"] is None
        english = (await me.get(scene.url("/tiers/me"))).json()
        assert english["words"][1] == "Unless keeping succeeds again, Regular is lost on 2026-03-16."

        # The nights go by; the steady one stays active, the weak one does not.
        for _ in range(15):
            moving.move(days=1)
            today = TODAY + (moving.instant - AT)
            await scene.acts(steady, today, comments=1)
            await scene.summed()
            await scene.town.kit.work()
        assert await scene.tiers() == {steady: "t1", weak: "t0", never: "t0"}
        assert await scene.reasons(weak) == ["tier-entered", "tier-grace-began", "tier-fell"]
        assert await scene.reasons(steady) == ["tier-entered"]
        events = [
            e
            for e in await scene.town.kit.events(TierChanged, TierStandingChanged)
            if e.data["account_id"] == str(weak)
        ]
        assert [(e.type, e.aggregateversion, e.data["reason"]) for e in events] == [
            (TierChanged.type, 1, "tier-entered"),
            (TierStandingChanged.type, 2, "tier-grace-began"),
            (TierChanged.type, 3, "tier-fell"),
        ]


async def test_real_activity_and_standing_move_members_soon(scene: Scene) -> None:
    moving = MovableClock(AT)
    with clock.use(moving):
        await scene.adopt(tightened(1))
        account = await scene.member(joined=AT)
        fields = {
            "membership_id": new_id(),
            "community_id": scene.id,
            "account_id": account,
            "roles": [],
            "staff": False,
        }
        kit = scene.town.kit
        came = MembershipApproved(**fields, state="approved", bot=False, joined_at=AT)
        await kit.deliver(envelope(scene, came))
        moving.move(seconds=3)
        await kit.work()
        assert (await scene.tiers())[account] == "t0", "never active, and in the right tier"
        posted = PostPublished(post_id=new_id(), community_id=scene.id, author_id=account, section="general")
        await kit.deliver(envelope(scene, posted))
        moving.move(seconds=3)
        await kit.work()
        assert (await scene.tiers())[account] == "t1"
        await kit.sql("UPDATE membership SET state = 'left' WHERE account_id = $1", account)
        left = MembershipLeft(**fields, state="left", bot=False, joined_at=AT)
        await kit.deliver(envelope(scene, left, version=2))
        moving.move(seconds=3)
        await kit.work()
        assert (await scene.tiers())[account] is None
        assert await scene.reasons(account) == ["tier-entered", "tier-rose", "tier-left"]


def envelope(scene: Scene, event: Any, version: int = 1) -> Envelope:
    aggregate = getattr(event, "membership_id", None) or event.post_id
    return seal(event, scene.town.organization, aggregate, community_id=scene.id, version=version)


async def test_roles(scene: Scene) -> None:
    await scene.adopt(MIXED)
    await scene.draft(tightened(3))
    account = await scene.member(joined=AT)
    member = scene.town.kit.person(scene.town.organization, account)
    stranger = scene.town.kit.person(scene.town.organization)
    other = await found_town(scene.town.kit)
    partner = scene.town.kit.partner(scene.town.organization, "orders:write")
    managers_only = [
        ("POST", "/tier-standards", {"tiers": MIXED}),
        ("PATCH", "/tier-standards/2", {"grace_days": 1}),
        ("POST", "/tier-standards/2/adopt", None),
        ("POST", "/tier-standards/2/dry-runs", None),
        ("GET", "/tier-standards/2/dry-runs/members?outcome=stay", None),
        ("GET", "/tiers", None),
        ("GET", "/tiers/members?tier=t0", None),
    ]
    members_too = [("GET", "/tier-standards", None), ("GET", "/tier-standards/1", None), ("GET", "/tiers/me", None)]
    for method, path, body in [*managers_only, *members_too]:
        asked: dict[str, Any] = {"json": body, "headers": {"If-Match": '"1"'}}
        assert (await other.owner.request(method, scene.url(path), **asked)).status_code == 404, path
        assert (await partner.request(method, scene.url(path), **asked)).status_code == 403, path
        assert (await stranger.request(method, scene.url(path), **asked)).status_code == 403, path
        expected = 200 if (method, path, body) in members_too else 403
        assert (await member.request(method, scene.url(path), **asked)).status_code == expected, path
    assert (await member.get(scene.url("/tier-standards/2"))).status_code == 404, "drafts are for managers"
    assert [row["number"] for row in (await member.get(scene.url("/tier-standards"))).json()["data"]] == [1]
