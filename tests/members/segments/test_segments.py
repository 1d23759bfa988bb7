"""Segments: previewed at once, saved, kept current by events, told of, and nobody else's business."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.members.segments.test_facts import posted, reacted
from tests.members.town import Town, found_town

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope
from contracts.members import MEMBERSHIP_EVENTS, MembershipTagsChanged, ProfileUpdated, SegmentEntered, SegmentLeft

TAGGED = {"field": "tag", "op": "=", "value": "vip"}
POSTED = {"fact": "posts", "window_days": 7, "op": ">=", "value": 2}
NEVER = {"never_active": True}


class Scene:
    """A community with members, and what has been told so far."""

    def __init__(self, town: Town, community: str, memberships: list[str], accounts: list[UUID]) -> None:
        self.town, self.community = town, UUID(community)
        self.base = f"/v1/communities/{community}"
        self.memberships, self.accounts = memberships, accounts
        self.delivered: set[UUID] = set()

    async def catch_up(self) -> None:
        """Let the service hear its own events, and do what is due in a while."""
        fresh = [
            one
            for one in await self.town.kit.events(*MEMBERSHIP_EVENTS, MembershipTagsChanged)
            if one.organization == self.town.organization and one.id not in self.delivered
        ]
        self.delivered |= {one.id for one in fresh}
        if fresh:
            await self.town.kit.deliver(*fresh)

    async def save(self, document: Any, status: int = 201) -> dict[str, Any]:
        answer = await self.town.owner.post(f"{self.base}/segments", json={"name": {"en": "Some"}, "filter": document})
        assert answer.status_code == status, answer.text
        saved: dict[str, Any] = answer.json()
        return saved

    async def inside(self, segment: dict[str, Any]) -> set[UUID]:
        page = (await self.town.owner.get(f"{self.base}/segments/{segment['id']}/members")).json()
        return {UUID(one["account_id"]) for one in page["data"]}

    async def read(self, segment: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.town.owner.get(f"{self.base}/segments/{segment['id']}")).json()
        return found

    async def crossings(self, segment: dict[str, Any]) -> list[tuple[str, UUID]]:
        return [
            (one.type.split(".")[2], UUID(one.data["account_id"]))
            for one in await self.town.kit.events(SegmentEntered, SegmentLeft)
            if one.data["segment_id"] == segment["id"]
        ]

    async def preview(self, document: Any, **more: Any) -> dict[str, Any]:
        answer = await self.town.owner.post(f"{self.base}/segments/previews", json={"filter": document, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def set_scene(kit: Kit, count: int = 4) -> Scene:
    town = await found_town(kit)
    community = (await town.community(state="draft"))["id"]
    items = [{"external_id": f"x:{n}", "display_name": f"N{n}"} for n in range(count)]
    answer = await town.owner.post(
        f"/v1/communities/{community}/memberships/imports", json={"source": "test", "items": items}
    )
    people = answer.json()["items"]
    return Scene(town, community, [one["membership_id"] for one in people], [UUID(one["account_id"]) for one in people])


@pytest.fixture
async def scene(kit: Kit, movable_clock: MovableClock) -> Scene:
    found = await set_scene(kit)
    found.clock = movable_clock  # type: ignore[attr-defined]
    return found


async def pass_time(scene: Scene, **by: float) -> None:
    await scene.catch_up()
    scene.clock.move(**(by or {"seconds": 5}))  # type: ignore[attr-defined]
    await scene.town.kit.work()


async def test_a_preview_counts_and_shows_some_at_once(scene: Scene) -> None:
    await scene.town.owner.put(f"{scene.base}/memberships/{scene.memberships[0]}/tags/vip")
    found = await scene.preview(TAGGED)
    assert (found["count"], found["exact"], found["margin"]) == (1, True, 0)
    assert found["sample"] == [{"id": str(scene.accounts[0]), "display_name": "N0", "avatar_url": None}]
    assert (await scene.preview(NEVER))["count"] == 4, "the never active count; staff do not"
    assert (await scene.preview({"field": "staff", "op": "=", "value": True}))["count"] == 1
    assert (await scene.preview({"all": []}, exact=True))["count"] == 4


async def test_a_large_community_is_estimated_from_a_sample(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.town.kit.sql(
        """WITH people AS (INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
        SELECT gen_random_uuid(), $1, 'x', CASE WHEN n % 4 = 0 THEN 'pt' ELSE 'zh' END, 'UTC', false, 1, now()
        FROM generate_series(1, 6000) AS n RETURNING id)
        INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at,
        version) SELECT gen_random_uuid(), $1, $2, id, 'approved', '{}', false, false, now(), now(), 1 FROM people""",
        scene.town.organization,
        scene.community,
    )
    spoken = {"field": "locale", "op": "=", "value": "pt"}
    whole = await scene.preview(spoken)
    assert (whole["count"], whole["exact"], whole["looked_at"]) == (1500, True, None), "so few are counted whole"
    monkeypatch.setattr("members.segments.policy.COUNTED_WHOLE", 3000)
    monkeypatch.setattr("members.segments.policy.STEPS", (500, 2000))
    found = await scene.preview(spoken)
    assert (found["exact"], found["looked_at"]) == (False, 500)
    assert abs(found["count"] - 1500) <= 2 * found["margin"] < 1000
    assert (found["low"], found["high"]) == (found["count"] - found["margin"], found["count"] + found["margin"])
    assert len(found["sample"]) == 20
    fewer = await scene.preview({"all": [spoken, {"random": {"salt": "s", "bucket": 0, "of": 5}}]})
    assert (fewer["exact"], fewer["looked_at"]) == (False, 2000), "where too few match, more are looked at"
    assert abs(fewer["count"] - 300) <= 2 * fewer["margin"]
    exact = await scene.preview(spoken, exact=True)
    assert (exact["count"], exact["exact"]) == (1500, True)
    await scene.town.owner.put(f"{scene.base}/memberships/{scene.memberships[0]}/tags/vip")
    rare = await scene.preview(TAGGED)
    assert (rare["count"], rare["exact"], len(rare["sample"])) == (1, True, 1), "few are counted, never guessed"
    windowed = await scene.preview({"not": POSTED}, exact=True)
    assert windowed["count"] == 6004


async def test_membership_follows_events(scene: Scene) -> None:
    town, ann = scene.town, scene.accounts[0]
    tagged, active, never = await scene.save(TAGGED), await scene.save(POSTED), await scene.save(NEVER)
    assert (tagged["members"], tagged["current"]) == (0, False)
    await pass_time(scene)
    assert (await scene.read(never))["members"] == 4
    assert (await scene.read(never))["current"] is True
    await town.owner.put(f"{scene.base}/memberships/{scene.memberships[0]}/tags/vip")
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    posts = [posted(town, scene.community, ann, now + timedelta(minutes=n)) for n in range(2)]
    await town.kit.deliver(*posts, reacted(town, scene.community, scene.accounts[1], ann, now))
    assert await scene.inside(tagged) == set(), "not before the beat is over"
    await pass_time(scene)
    assert await scene.inside(tagged) == {ann} == await scene.inside(active)
    assert await scene.inside(never) == set(scene.accounts[2:])
    assert (await scene.read(never))["members"] == 2
    # Windows move with the community's days, without any event.
    await pass_time(scene, days=8)
    assert await scene.inside(active) == set()
    assert await scene.inside(tagged) == {ann}
    await town.owner.delete(f"{scene.base}/memberships/{scene.memberships[0]}/tags/vip")
    await pass_time(scene)
    await town.owner.put(f"{scene.base}/memberships/{scene.memberships[0]}/tags/vip")
    await pass_time(scene)
    # Who goes is in no segment.
    answer = await town.owner.post(
        f"{scene.base}/memberships/{scene.memberships[0]}/remove", headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    await pass_time(scene)
    assert await scene.inside(tagged) == set()
    assert await scene.crossings(tagged) == [("entered", ann), ("left", ann)] * 2
    assert await scene.crossings(active) == [("entered", ann), ("left", ann)]
    told = [one for one in await town.kit.events(SegmentEntered, SegmentLeft) if one.data["segment_id"] == tagged["id"]]
    assert len({one.aggregateid for one in told}) == 1
    assert [one.aggregateversion for one in told] == sorted({one.aggregateversion for one in told})
    assert (await town.kit.sql("SELECT count(*) FROM segment_dirty"))[0][0] == 0


async def test_a_changed_profile_moves_people(scene: Scene) -> None:
    segment = await scene.save({"field": "locale", "op": "=", "value": "pt"})
    await pass_time(scene)
    ben = scene.accounts[1]
    await scene.town.kit.sql("UPDATE account SET locale = 'pt' WHERE id = $1", ben)
    event = ProfileUpdated(account_id=ben)
    await scene.town.kit.deliver(envelope(event, scene.town.organization, ben, version=2))
    await pass_time(scene)
    assert await scene.inside(segment) == {ben}


async def test_a_changed_filter_is_worked_out_for_all_who_mention_it(scene: Scene) -> None:
    base = await scene.save(TAGGED)
    others = await scene.save({"not": {"segment": base["id"]}})
    await scene.town.owner.put(f"{scene.base}/memberships/{scene.memberships[0]}/tags/vip")
    await pass_time(scene)
    assert await scene.inside(others) == set(scene.accounts[1:])
    url = f"{scene.base}/segments/{base['id']}"
    changed = await scene.town.owner.patch(url, json={"filter": {"not": TAGGED}}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["current"], changed.headers["etag"]) == (200, False, '"2"')
    await pass_time(scene)
    assert await scene.inside(base) == set(scene.accounts[1:])
    assert await scene.inside(others) == {scene.accounts[0]}
    stale = await scene.town.owner.patch(url, json={"name": {"en": "x"}}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await scene.town.owner.patch(url, json={"name": {"en": "x"}})).status_code == 428
    used = await scene.town.owner.delete(url, headers={"If-Match": '"2"'})
    assert (used.status_code, used.json()["errors"][0]["pointer"]) == (409, f"{scene.base}/segments/{others['id']}")
    other_url = f"{scene.base}/segments/{others['id']}"
    assert (await scene.town.owner.delete(other_url, headers={"If-Match": '"1"'})).status_code == 204
    assert (await scene.town.owner.delete(url, headers={"If-Match": '"2"'})).status_code == 204
    assert (await scene.town.owner.get(url)).status_code == 404
    assert (await scene.town.kit.sql("SELECT count(*) FROM segment_member WHERE segment_id = $1", UUID(base["id"])))[0][
        0
    ] == 0


async def test_circles_are_refused_even_when_closed_from_both_ends_at_once(scene: Scene) -> None:
    one = await scene.save(NEVER)
    two = await scene.save({"segment": one["id"]})
    url = f"{scene.base}/segments/{one['id']}"
    for document, pointer in (
        ({"all": [{"segment": two["id"]}]}, "/filter/all/0/segment"),
        ({"not": {"segment": one["id"]}}, "/filter/not/segment"),
    ):
        refused = await scene.town.owner.patch(url, json={"filter": document}, headers={"If-Match": '"1"'})
        assert refused.status_code == 422, refused.text
        fault = refused.json()["errors"][0]
        assert (fault["pointer"], fault["code"]) == (pointer, "segment-cycle")
    three, four = await scene.save(NEVER), await scene.save(NEVER)
    answers = await asyncio.gather(
        *(
            scene.town.owner.patch(
                f"{scene.base}/segments/{here['id']}",
                json={"filter": {"segment": there["id"]}},
                headers={"If-Match": '"1"'},
            )
            for here, there in ((three, four), (four, three))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    await pass_time(scene)


async def test_bad_filters_change_nothing(scene: Scene) -> None:
    deep, deeper = NEVER, NEVER
    for _ in range(100):
        deep = {"not": deep}
    for _ in range(20):
        deeper = {"not": deeper}
    for document, pointer, code in (
        ({"field": "colour", "op": "=", "value": "red"}, "/filter/field", "field-unknown"),
        ({"field": "tag'; DROP TABLE segment; --", "op": "=", "value": "x"}, "/filter/field", "field-unknown"),
        ({"field": "tag", "op": "= ANY(", "value": "x"}, "/filter/op", "enum"),
        ({"all": [NEVER, {"fact": "posts", "op": ">=", "value": "1 OR 1=1"}]}, "/filter/all/1/value", "int-type"),
        ({"field": "tag", "op": "=", "value": "x" * 201}, "/filter/value", "string-type"),
        ({"fact": "posts", "window_days": 0, "op": ">=", "value": 1}, "/filter/window_days", "int-type"),
        ({"fact": "posts", "window_days": 10**6, "op": ">=", "value": 1}, "/filter/window_days", "int-type"),
        ({"segment": str(new_id())}, "/filter/segment", "segment-unknown"),
        (deep, None, "nested-too-deep"),
        (deeper, "/filter" + "/not" * 16, "filter-too-deep"),
    ):
        for path in ("segments", "segments/previews"):
            body = {"filter": document, **({"name": {"en": "x"}} if path == "segments" else {})}
            answer = await scene.town.owner.post(f"{scene.base}/{path}", json=body)
            fault = answer.json()["errors"][0]
            assert (answer.status_code, fault["code"]) == (422, code)
            assert fault["pointer"]
            assert pointer is None or fault["pointer"] == pointer
    # What looks like SQL, or holds what PostgreSQL cannot keep, is a value like any other, or refused.
    for value in ("'; DELETE FROM segment; --", "$1", ":p0", "{values}", "\u202e", "%s"):
        assert (await scene.preview({"field": "tag", "op": "=", "value": value}))["count"] == 0
    for value in ("\x00", "a\x00b"):
        answer = await scene.town.owner.post(
            f"{scene.base}/segments", json={"name": {"en": "x"}, "filter": {"field": "tag", "op": "=", "value": value}}
        )
        assert answer.status_code == 422, answer.text
    assert (await scene.town.owner.get(f"{scene.base}/segments")).json()["data"] == []


async def test_nobody_is_lost_or_told_of_twice_under_load(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("members.segments.currency.commands.BATCH", 3)
    monkeypatch.setattr("members.segments.currency.commands.CHUNK", 2)
    segments = [await scene.save({"all": [NEVER, {"random": {"salt": "s", "bucket": n, "of": 2}}]}) for n in range(2)]
    everybody = await scene.save({"all": []})
    await pass_time(scene)
    parts = [await scene.inside(segment) for segment in segments]
    assert parts[0] | parts[1] == set(scene.accounts)
    assert not parts[0] & parts[1]
    assert sorted(await scene.crossings(everybody)) == sorted(("entered", account) for account in scene.accounts)
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    events: list[Envelope] = [posted(scene.town, scene.community, who, now) for who in scene.accounts * 3]
    await asyncio.gather(*(scene.town.kit.deliver(*events[start : start + 4]) for start in range(0, 12, 3)))
    await pass_time(scene)
    for segment, part in zip(segments, parts, strict=True):
        assert await scene.inside(segment) == set()
        assert sorted(await scene.crossings(segment)) == sorted(
            [("entered", who) for who in part] + [("left", who) for who in part]
        )


async def test_lists_are_paged(scene: Scene) -> None:
    saved = [await scene.save(NEVER) for _ in range(3)]
    await pass_time(scene)
    first = (await scene.town.owner.get(f"{scene.base}/segments", params={"limit": 2})).json()
    rest = (
        await scene.town.owner.get(f"{scene.base}/segments", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == [one["id"] for one in saved]
    url = f"{scene.base}/segments/{saved[0]['id']}/members"
    page = (await scene.town.owner.get(url, params={"limit": 3})).json()
    last = (await scene.town.owner.get(url, params={"limit": 3, "cursor": page["next_cursor"]})).json()
    assert [UUID(one["account_id"]) for one in page["data"] + last["data"]] == sorted(scene.accounts)
    other = f"{scene.base}/segments/{saved[1]['id']}/members"
    assert (await scene.town.owner.get(other, params={"cursor": page["next_cursor"]})).status_code == 422


async def test_who_may(scene: Scene) -> None:
    town = scene.town
    segment = await scene.save(NEVER)
    one = f"{scene.base}/segments/{segment['id']}"

    async def with_roles(*roles: str) -> Any:
        account, client = await town.person()
        await town.kit.sql(
            "INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, "
            "joined_at, version) VALUES ($1, $2, $3, $4, 'approved', $5, false, false, now(), now(), 1)",
            new_id(),
            town.organization,
            scene.community,
            account,
            list(roles),
        )
        return client

    async def answers(client: Any) -> list[int]:
        return [
            (await client.get(one)).status_code,
            (await client.get(f"{scene.base}/segments")).status_code,
            (await client.get(f"{one}/members")).status_code,
            (await client.post(f"{scene.base}/segments/previews", json={"filter": NEVER})).status_code,
            (await client.patch(one, json={}, headers={"If-Match": '"99"'})).status_code,
            (await client.delete(one, headers={"If-Match": '"99"'})).status_code,
            (
                await client.post(f"{scene.base}/segments", json={"name": {"en": "x"}, "filter": {"any": []}})
            ).status_code,
        ]

    assert await answers(await with_roles("manager")) == [200] * 4 + [412, 412, 422]
    assert await answers(await with_roles("analyst")) == [200] * 4 + [403] * 3
    assert await answers(await with_roles("moderator", "editor")) == [403] * 7
    assert await answers(await with_roles()) == [403] * 7
    assert await answers(town.kit.partner(town.organization, "contacts:write")) == [403] * 7
    assert await answers((await found_town(town.kit)).owner) == [404] * 7
    elsewhere = f"/v1/communities/{(await town.community(state='draft'))['id']}/segments/{segment['id']}"
    assert (await town.owner.get(elsewhere)).status_code == 404
    assert (await town.owner.get(f"{elsewhere}/members")).status_code == 404
