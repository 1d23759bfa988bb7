"""One item to many places in one call, and what its channels carried."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.content.conftest import Place, code, if_match, make_place
from tests.content.desk import Desk, make_desk

from chassis.clock import MovableClock
from chassis.db import Session, transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from content.delivery.queries import get_delivery
from content.posts import commands as posts
from content.posts.policy import ALLOWED, Utterance, Verdict
from contracts.content import DeliveryCancelled, DeliveryScheduled
from contracts.engagement import DeliveryReached
from contracts.members import CommunityRole, CommunityState, GroupCreated, GroupDimension, GroupState


@pytest.fixture
async def desk(kit: Kit, movable_clock: MovableClock) -> Desk:
    assert movable_clock() == datetime(2026, 3, 2, 9, tzinfo=UTC)
    return await make_desk(kit)


async def elsewhere(desk: Desk, *roles: CommunityRole, state: CommunityState = CommunityState.OPEN) -> Place:
    """Another community of the organization, in which the editor has these roles."""
    community = await desk.kit.community(desk.place.organization, state=state)
    await desk.kit.member(desk.place.organization, community, desk.editor_id, roles=roles)
    return Place(desk.kit, desk.place.organization, community)


async def group(desk: Desk) -> UUID:
    event = GroupCreated(
        group_id=new_id(),
        community_id=desk.place.community,
        series_id=new_id(),
        ordinal=1,
        dimension=GroupDimension.INTEREST,
        hosts=[],
        capacity=None,
        state=GroupState.OPEN,
    )
    await desk.kit.deliver(envelope(event, desk.place.organization, event.group_id, community_id=event.community_id))
    return event.group_id


async def send(desk: Desk, item: dict[str, Any], targets: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    answer = await desk.editor.post(f"{desk.path}/items/{item['id']}/sends", json={"targets": targets, **fields})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def test_each_target_has_its_result_and_is_delivered_once(desk: Desk, movable_clock: MovableClock) -> None:
    theme = await desk.theme()
    item = await desk.item(theme_id=theme["id"], body="**大家好**")
    mine, member_only = await elsewhere(desk, CommunityRole.EDITOR), await elsewhere(desk)
    archived = await elsewhere(desk, CommunityRole.MANAGER, state=CommunityState.ARCHIVED)
    foreign = await make_place(desk.kit)
    inner = await group(desk)
    here = {"community_id": str(desk.place.community)}
    targets = [
        here,
        {**here, "group_id": str(inner)},
        {"community_id": str(mine.community)},
        {"community_id": str(member_only.community)},
        {"community_id": str(archived.community)},
        {"community_id": str(foreign.community)},
        {**here, "group_id": str(uuid4())},
        here,
    ]
    at = "2026-03-02T10:00:00Z"
    results = (await send(desk, item, targets, at=at))["results"]
    assert [(one["status"], one["code"]) for one in results] == [
        ("scheduled", None),
        ("scheduled", None),
        ("scheduled", None),
        ("refused", "not-an-editor"),
        ("refused", "community-archived"),
        ("refused", "community-unknown"),
        ("refused", "group-unknown"),
        ("refused", "target-repeated"),
    ]
    again = (await send(desk, item, targets[:3], at=at))["results"]
    assert [(one["status"], one["delivery_id"]) for one in again] == [
        ("already_scheduled", one["delivery_id"]) for one in results[:3]
    ]
    assert len([e for e in await desk.kit.events(DeliveryScheduled) if e.data["item_id"] == item["id"]]) == 3
    await desk.kit.work()
    assert await desk.posts() == []
    movable_clock.move(hours=1)
    await desk.kit.work()
    assert sorted((str(post["group_id"]), str(post["theme_id"])) for post in await desk.posts()) == sorted(
        [("None", theme["id"]), (str(inner), theme["id"])]
    )
    there = await desk.kit.sql("SELECT body, theme_id FROM post WHERE community_id = $1", mine.community)
    assert [tuple(row) for row in there] == [("**大家好**", None)]
    movable_clock.move(hours=1)
    await desk.kit.work()
    assert len(await desk.posts()) == 2


async def test_staff_of_the_organization_send_anywhere_in_it(desk: Desk) -> None:
    item = await desk.item()
    there = await elsewhere(desk)
    boss = desk.kit.staff(desk.place.organization)
    answer = await boss.post(
        f"{desk.path}/items/{item['id']}/sends", json={"targets": [{"community_id": str(there.community)}]}
    )
    assert answer.json()["results"][0]["status"] == "scheduled", answer.text
    await desk.kit.work()
    assert len(await desk.kit.sql("SELECT 1 FROM post WHERE community_id = $1", there.community)) == 1


async def test_an_item_that_is_not_ready_goes_nowhere(desk: Desk, movable_clock: MovableClock) -> None:
    here = [{"community_id": str(desk.place.community)}]
    draft = await desk.item(state="draft")
    answer = await desk.editor.post(f"{desk.path}/items/{draft['id']}/sends", json={"targets": here})
    assert (answer.status_code, code(answer)) == (409, "item-not-ready")
    ready = await desk.item()
    await send(desk, ready, here, at="2026-03-02T10:00:00Z")
    await desk.editor.patch(f"{desk.path}/items/{ready['id']}", json={"state": "draft"}, headers=if_match(1))
    movable_clock.move(hours=1)
    await desk.kit.work()
    (one,) = (await desk.editor.get(f"{desk.path}/deliveries")).json()["data"]
    assert (one["state"], one["reason"], one["on_time"]) == ("skipped", "item-not-ready", False)


@pytest.mark.parametrize(
    "body",
    [
        {"targets": []},
        {"targets": [{"community_id": str(UUID(int=n))} for n in range(501)]},
        {"targets": [{"community_id": str(UUID(int=1))}], "at": "2026-03-02T08:00:00Z"},
        {"targets": [{"community_id": str(UUID(int=1))}], "at": "2027-04-02T08:00:00Z"},
        {"targets": [{"community_id": str(UUID(int=1))}], "at": "2026-03-02T10:00:00"},
        {"targets": [{"community_id": "all"}]},
    ],
)
async def test_what_is_no_send(desk: Desk, body: dict[str, Any]) -> None:
    item = await desk.item()
    answer = await desk.editor.post(f"{desk.path}/items/{item['id']}/sends", json=body)
    assert answer.status_code == 422, answer.text


async def test_what_was_sent_is_taken_back_before_its_time_and_sent_anew(
    desk: Desk, movable_clock: MovableClock
) -> None:
    item = await desk.item()
    here, at = [{"community_id": str(desk.place.community)}], "2026-03-02T10:00:00Z"
    first = (await send(desk, item, here, at=at))["results"][0]["delivery_id"]
    path = f"{desk.path}/deliveries/{first}"
    assert (await desk.editor.delete(path)).status_code == 428
    gone = await desk.editor.delete(path, headers=if_match(1))
    assert (gone.json()["state"], gone.json()["on_time"], gone.json()["can"]) == ("cancelled", None, [])
    assert code(await desk.editor.delete(path, headers=if_match(2))) == "delivery-settled"
    assert len([e for e in await desk.kit.events(DeliveryCancelled) if e.data["delivery_id"] == first]) == 1
    second = (await send(desk, item, here, at=at))["results"][0]
    assert (second["status"], second["delivery_id"] != first) == ("scheduled", True)
    movable_clock.move(hours=1)
    await desk.kit.work()
    assert [str(post["delivery_id"]) for post in await desk.posts()] == [second["delivery_id"]]


async def test_channels_tell_when_they_had_carried_it_in_any_order_and_twice(
    desk: Desk, movable_clock: MovableClock
) -> None:
    item = await desk.item()
    sent = (await send(desk, item, [{"community_id": str(desk.place.community)}]))["results"][0]["delivery_id"]
    await desk.kit.work()

    async def carried(channel: str, seconds: int, recipients: int) -> None:
        event = DeliveryReached(
            reach_id=new_id(),
            delivery_id=UUID(sent),
            community_id=desk.place.community,
            channel=channel,
            reached_at=movable_clock() + timedelta(seconds=seconds),
            recipients=recipients,
        )
        one = envelope(event, desk.place.organization, event.reach_id, community_id=event.community_id)
        await desk.kit.deliver(one)
        await desk.kit.deliver(one)

    await carried("in_app", 9, 120)
    await carried("in_app", 4, 20)
    await carried("email", 60, 7)
    read = (await desk.editor.get(f"{desk.path}/deliveries/{sent}")).json()
    assert read["delivered_at"] == "2026-03-02T09:00:00Z"
    assert [(one["channel"], one["reached_at"], one["recipients"]) for one in read["reached"]] == [
        ("email", "2026-03-02T09:01:00Z", 7),
        ("in_app", "2026-03-02T09:00:04Z", 120),
    ]


async def test_deliveries_are_the_editors_own(desk: Desk, kit: Kit) -> None:
    item = await desk.item()
    sent = (await send(desk, item, [{"community_id": str(desk.place.community)}]))["results"][0]["delivery_id"]
    path = f"{desk.path}/deliveries/{sent}"
    _, member = await desk.place.member()
    stranger = await make_desk(kit)
    assert (await member.get(path)).status_code == 403
    assert (await kit.partner(desk.place.organization, "orders:write").get(path)).status_code == 403
    assert (await stranger.editor.get(path)).status_code == 404
    assert (await stranger.editor.get(f"{stranger.path}/deliveries/{sent}")).status_code == 404


async def test_an_announcement_keeps_what_it_asks_for_counted_from_its_delivery(
    desk: Desk, movable_clock: MovableClock
) -> None:
    gift = {"kind": "coupon", "words": {"zh": "八折券"}}
    item = await desk.item(
        kind="announcement",
        promotion=True,
        evergreen=True,
        expires_after_days=30,
        review_after_days=10,
        acknowledge=True,
        acknowledge_within_days=3,
        benefit=gift,
    )
    sent = await send(desk, item, [{"community_id": str(desk.place.community)}], at="2026-03-02T10:00:00Z")
    movable_clock.move(hours=1)
    await desk.kit.work()
    (delivery,) = sent["results"]
    post = (await desk.editor.get(f"{desk.path}/deliveries/{delivery['delivery_id']}")).json()["post_id"]
    read = (await desk.editor.get(f"{desk.path}/posts/{post}")).json()
    kept = ("kind", "promotion", "evergreen", "acknowledge", "benefit")
    assert [read[name] for name in kept] == ["announcement", True, True, True, gift]
    days = [read[name][:16] for name in ("expires_at", "review_at", "acknowledge_by")]
    assert days == ["2026-04-01T10:00", "2026-03-12T10:00", "2026-03-05T10:00"]


async def test_one_place_that_breaks_costs_the_other_places_nothing(
    desk: Desk, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [await elsewhere(desk, CommunityRole.EDITOR) for _ in range(2)]
    item = await desk.item()

    async def check(_session: Session, utterance: Utterance) -> Verdict:
        if utterance.community_id == others[0].community:
            raise RuntimeError("a check that fails")
        return ALLOWED

    monkeypatch.setattr(posts, "CHECKS", [check])
    targets = [{"community_id": str(one)} for one in (desk.place.community, *(place.community for place in others))]
    results = (await send(desk, item, targets, at="2026-03-02T10:00:00Z"))["results"]
    movable_clock.instant = datetime(2026, 3, 2, 10, tzinfo=UTC)
    await desk.kit.work()
    states = await desk.kit.sql(
        "SELECT state, attempts FROM delivery WHERE id = ANY($1::uuid[]) ORDER BY state",
        [one["delivery_id"] for one in results],
    )
    assert [tuple(row) for row in states] == [("delivered", 0), ("delivered", 0), ("due", 1)]
    assert len(await desk.posts()) == 1


async def test_what_somebody_tried_to_take_back_as_it_fell_due_goes_out(
    desk: Desk, movable_clock: MovableClock
) -> None:
    item = await desk.item()
    here = [{"community_id": str(desk.place.community)}]
    result = (await send(desk, item, here, at="2026-03-02T10:00:00Z"))["results"][0]
    movable_clock.instant = datetime(2026, 3, 2, 10, tzinfo=UTC)
    async with transaction(desk.kit.runtime.engine, desk.place.organization) as session:
        await get_delivery(session, desk.place.community, UUID(result["delivery_id"]), lock=True)
        await desk.kit.work()
    assert await desk.posts() == []
    movable_clock.move(seconds=1)
    await desk.kit.work()
    assert len(await desk.posts()) == 1
