"""Segments whose filter cannot be asked any more, and those whose members change by the clock alone."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.members.segments.test_facts import posted
from tests.members.segments.test_segments import NEVER, TAGGED, Scene, pass_time, set_scene

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from members.segments.filters import fields


@pytest.fixture
async def scene(kit: Kit, movable_clock: MovableClock) -> Scene:
    found = await set_scene(kit)
    found.clock = movable_clock  # type: ignore[attr-defined]
    return found


async def test_a_filter_that_cannot_be_read_any_more_is_told_and_keeps_its_members(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = fields.Field("colour", fields.Kind.TEXT, "account.locale", of_account=True)
    monkeypatch.setitem(fields.FIELDS, "colour", field)
    coloured = await scene.save({"all": [NEVER, {"field": "colour", "op": "!=", "value": "red"}]})
    above = await scene.save({"not": {"segment": coloured["id"]}})
    sound, tagged = await scene.save(NEVER), await scene.save(TAGGED)
    await pass_time(scene)
    assert (await scene.read(coloured))["state"] == "current"
    assert await scene.inside(coloured) == set(scene.accounts)
    monkeypatch.delitem(fields.FIELDS, "colour")
    # Neither an event nor a new day moves anybody; the sound ones go on.
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    await scene.town.kit.deliver(posted(scene.town, scene.community, scene.accounts[0], now))
    await scene.town.owner.put(f"{scene.base}/memberships/{scene.memberships[1]}/tags/vip")
    await pass_time(scene)
    await pass_time(scene, days=2)
    assert await scene.inside(coloured) == set(scene.accounts)
    assert await scene.inside(above) == set()
    assert await scene.inside(sound) == set(scene.accounts[1:])
    assert await scene.inside(tagged) == {scene.accounts[1]}
    listed = {one["id"]: one for one in (await scene.town.owner.get(f"{scene.base}/segments")).json()["data"]}
    for segment, pointer, code in (
        (coloured, "/filter/all/1/field", "field-unknown"),
        (above, "/filter/not/segment", "segment-broken"),
    ):
        found = await scene.read(segment)
        assert found == listed[segment["id"]]
        assert (found["state"], found["current"], found["members"]) == (
            "broken",
            False,
            len(await scene.inside(segment)),
        )
        assert (found["broken"]["pointer"], found["broken"]["code"]) == (pointer, code)
    assert (listed[sound["id"]]["state"], listed[sound["id"]]["broken"]) == ("current", None)
    # It is mentioned by nobody new, and cannot go while somebody mentions it.
    for path, body in (("segments", {"name": {"en": "x"}}), ("segments/previews", {})):
        refused = await scene.town.owner.post(
            f"{scene.base}/{path}", json={**body, "filter": {"all": [{"segment": coloured["id"]}]}}
        )
        fault = refused.json()["errors"][0]
        assert (refused.status_code, fault["pointer"], fault["code"]) == (
            422,
            "/filter/all/0/segment",
            "segment-broken",
        )
    url = f"{scene.base}/segments/{coloured['id']}"
    assert (await scene.town.owner.delete(url, headers={"If-Match": '"1"'})).json()["type"].endswith("segment-in-use")
    # Another filter mends it, and what mentions it.
    mended = await scene.town.owner.patch(url, json={"filter": NEVER}, headers={"If-Match": '"1"'})
    assert (mended.status_code, mended.json()["state"]) == (200, "pending")
    await pass_time(scene)
    assert await scene.inside(coloured) == set(scene.accounts[1:])
    assert await scene.inside(above) == {scene.accounts[0]}
    assert (await scene.read(above))["state"] == "current"


async def test_a_segment_that_mentions_one_that_went_is_told(scene: Scene) -> None:
    base = await scene.save(NEVER)
    above = await scene.save({"segment": base["id"]})
    await pass_time(scene)
    await scene.town.kit.sql("UPDATE segment SET deleted_at = now() WHERE id = $1", UUID(base["id"]))
    await pass_time(scene, days=2)
    found = await scene.read(above)
    assert (found["state"], found["members"]) == ("broken", 4)
    assert found["broken"]["code"] == "segment-unknown"
    assert await scene.inside(above) == set(scene.accounts)
    url = f"{scene.base}/segments/{above['id']}"
    assert (await scene.town.owner.delete(url, headers={"If-Match": '"1"'})).status_code == 204


async def test_a_member_leaves_a_window_by_the_clock_alone(scene: Scene) -> None:
    week = {"fact": "active_days", "window_days": 7, "op": ">=", "value": 1}
    active, quiet = await scene.save(week), await scene.save({"not": week})
    start = clock.now()
    await scene.town.kit.deliver(posted(scene.town, scene.community, scene.accounts[0], start))
    await pass_time(scene)
    assert await scene.inside(active) == {scene.accounts[0]}
    for _ in range(6):
        await pass_time(scene, days=1)
        assert await scene.inside(active) == {scene.accounts[0]}
    await pass_time(scene, days=1, minutes=10)
    assert await scene.inside(active) == set()
    assert await scene.inside(quiet) == set(scene.accounts)
    assert await scene.crossings(active) == [("entered", scene.accounts[0]), ("left", scene.accounts[0])]
