"""Removal for long silence: previewed, with notice first, never for the exempt, and appealed once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.members.tiers.scene import Scene
from tests.members.town import found_town

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.members import MembershipApproved, MembershipRemoved, SilenceNoticeGiven, SilenceNoticeLifted

AT = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
TODAY = datetime(2026, 3, 2, tzinfo=UTC).date()
DAY = timedelta(days=1)
TERMS: dict[str, Any] = {"silent_days": 90, "notice_days": 14, "exempt_roles": ["moderator"], "exempt_tags": ["老用户"]}


@pytest.fixture
async def scene(kit: Kit) -> Scene:
    town = await found_town(kit)
    return Scene(town, await town.community())


async def states(scene: Scene) -> dict[UUID, str]:
    rows = await scene.town.kit.sql("SELECT account_id, state FROM membership WHERE community_id = $1", scene.id)
    return {row["account_id"]: row["state"] for row in rows}


async def set_terms(scene: Scene, version: int = 0, **changes: Any) -> httpx.Response:
    return await scene.town.owner.put(
        scene.url("/membership-standard"), json={**TERMS, **changes}, headers={"If-Match": f'"{version}"'}
    )


async def nights(scene: Scene, moving: MovableClock, count: int) -> None:
    for _ in range(count):
        moving.move(days=1)
        await scene.town.kit.work()


async def test_the_silent_are_told_then_removed_and_the_exempt_are_left_alone(scene: Scene) -> None:
    moving, kit = MovableClock(AT), scene.town.kit
    with clock.use(moving):
        silent, waking, fresh, moderator, tagged, staff, active = [
            await scene.member(joined=AT - age * DAY, staff=place == 5)
            for place, age in enumerate((200, 200, 30, 200, 200, 200, 200))
        ]
        await kit.sql("UPDATE membership SET roles = '{moderator}' WHERE account_id = $1", moderator)
        await kit.sql(
            "INSERT INTO membership_tag VALUES ($1, $2, $3, '老用户')", scene.town.organization, scene.id, tagged
        )
        await scene.acts(active, TODAY - 20 * DAY, posts=1)
        await scene.acts(silent, TODAY - 100 * DAY, posts=1)
        await scene.summed()
        url = scene.url("/membership-standard")
        assert (await scene.town.owner.get(url)).status_code == 404
        first = (await scene.town.owner.post(f"{url}/previews", json=TERMS, params={"limit": 1})).json()
        more = {"limit": 1, "cursor": first["next_cursor"]}
        second = (await scene.town.owner.post(f"{url}/previews", json=TERMS, params=more)).json()
        assert (first["members"], second["next_cursor"]) == (2, None)
        assert {row["account_id"] for row in first["data"] + second["data"]} == {str(silent), str(waking)}
        assert (await set_terms(scene, 1)).status_code == 412
        assert (await set_terms(scene, silent_days=1)).status_code == 422
        assert (await set_terms(scene)).json()["can"] == ["edit"]
        await kit.work()
        given = [e for e in await kit.events(SilenceNoticeGiven) if e.community == scene.id]
        assert {e.data["account_id"] for e in given} == {str(silent), str(waking)}
        me = kit.person(scene.town.organization, silent)
        seen = (await me.get(scene.url("/silence-notices/me"), headers={"Accept-Language": "zh"})).json()
        assert seen["words"] == "已经很久没有活跃。如果到2026-03-16仍没有发帖、评论或回应，将被移出社群。"
        assert seen["can"] == []
        await nights(scene, moving, 5)
        await scene.acts(waking, TODAY + 5 * DAY, comments=1)
        await scene.summed()
        await nights(scene, moving, 8)
        assert set((await states(scene)).values()) == {"approved"}, "nobody goes before the notice is over"
        lifted = [e for e in await kit.events(SilenceNoticeLifted) if e.community == scene.id]
        assert [e.data["account_id"] for e in lifted] == [str(waking)]
        await nights(scene, moving, 2)
        gone = {account for account, state in (await states(scene)).items() if state == "removed"}
        assert gone == {silent}
        removed = [e for e in await kit.events(MembershipRemoved) if e.community == scene.id]
        assert [(e.data["account_id"], e.actor) for e in removed] == [(str(silent), None)]
        assert {fresh, moderator, tagged, staff, active}.isdisjoint(gone)


async def removed_member(scene: Scene, moving: MovableClock) -> UUID:
    account = await scene.member(joined=AT - 200 * DAY)
    assert (await set_terms(scene)).status_code == 200
    await scene.town.kit.work()
    await nights(scene, moving, 15)
    assert (await states(scene))[account] == "removed"
    return account


async def test_an_appeal_is_judged_once_by_another_person(scene: Scene) -> None:
    moving, kit = MovableClock(AT), scene.town.kit
    with clock.use(moving):
        account = await removed_member(scene, moving)
        me, owner = kit.person(scene.town.organization, account), scene.town.owner
        notice = (await me.get(scene.url("/silence-notices/me"))).json()
        assert (notice["state"], notice["can"]) == ("removed", ["appeal"])
        url = scene.url("/silence-notices/me/appeal")
        assert (await kit.person(scene.town.organization).post(url, json={"text": "?"})).status_code == 404
        appealed = await me.post(url, json={"text": "我回来了。"})
        assert (appealed.status_code, appealed.json()["state"]) == (201, "appealed")
        again = await me.post(url, json={"text": "求你了。"})
        assert (again.status_code, again.json()["type"]) == (409, "urn:hearth:problem:appeal-refused")
        queue = (await owner.get(scene.url("/silence-notices"), params={"state": "appealed"})).json()["data"]
        assert [(row["appeal"], row["can"]) for row in queue] == [("我回来了。", ["decide"])]
        decide = scene.url(f"/silence-notices/{notice['id']}/decide")
        body, version = {"grant": True, "reason": "欢迎回来！"}, {"If-Match": appealed.headers["etag"]}
        own = await owner.post(decide, json=body, headers=version)
        assert own.json()["type"] == "urn:hearth:problem:another-person", "the owner set the standard"
        other = kit.staff(scene.town.organization, await scene.town.account("Admin", role="admin"))
        assert (await other.post(decide, json=body, headers={"If-Match": '"9"'})).status_code == 412
        granted = await other.post(decide, json=body, headers=version)
        assert (granted.json()["state"], granted.json()["decision"]) == ("granted", "欢迎回来！")
        assert (await states(scene))[account] == "approved"
        assert (await other.post(decide, json=body, headers={"If-Match": granted.headers["etag"]})).status_code == 409
        back = [e for e in await kit.events(MembershipApproved) if e.data["account_id"] == str(account)]
        assert len(back) == 1
        await nights(scene, moving, 20)
        assert (await states(scene))[account] == "approved", "who comes back begins anew"


async def test_a_paused_community_removes_nobody_and_an_end_of_the_standard_lifts(scene: Scene) -> None:
    moving, kit = MovableClock(AT), scene.town.kit
    with clock.use(moving):
        account = await scene.member(joined=AT - 200 * DAY)
        await set_terms(scene)
        await kit.work()
        await kit.sql("UPDATE community SET state = 'paused' WHERE id = $1", scene.id)
        await nights(scene, moving, 30)
        await kit.sql("UPDATE community SET state = 'open' WHERE id = $1", scene.id)
        await nights(scene, moving, 12)
        assert (await states(scene))[account] == "approved", "the time of the notice began anew"
        assert (await set_terms(scene, 1, enabled=False)).status_code == 200
        await kit.work()
        await nights(scene, moving, 20)
        assert (await states(scene))[account] == "approved"
        rows = await kit.sql("SELECT state, reason FROM silence_notice WHERE account_id = $1", account)
        assert [tuple(row) for row in rows] == [("lifted", "silence-standard")]


async def test_roles(scene: Scene) -> None:
    await set_terms(scene)
    member = scene.town.kit.person(scene.town.organization, await scene.member(joined=AT))
    partner = scene.town.kit.partner(scene.town.organization, "orders:write")
    other = await found_town(scene.town.kit)
    routes = [
        ("PUT", "/membership-standard", TERMS),
        ("POST", "/membership-standard/previews", TERMS),
        ("GET", "/silence-notices", None),
        ("POST", f"/silence-notices/{scene.id}/decide", {"grant": True, "reason": "x"}),
    ]
    for method, path, body in routes:
        asked: dict[str, Any] = {"json": body, "headers": {"If-Match": '"1"'}}
        assert (await member.request(method, scene.url(path), **asked)).status_code == 403, path
        assert (await partner.request(method, scene.url(path), **asked)).status_code == 403, path
        assert (await other.owner.request(method, scene.url(path), **asked)).status_code == 404, path
    assert (await member.get(scene.url("/membership-standard"))).status_code == 200
