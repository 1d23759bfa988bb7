"""Uploads that nobody needs go, and those of a person go with the person."""

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from tests.content.conftest import Place, make_place
from tests.content.media import pictures
from tests.content.media.uploads import Uploads, objects

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from content.media import queries
from content.media.commands import erase
from content.media.stores.opened import of_runtime
from contracts.content import MediaErased
from contracts.members import AccountMerged, ErasureOrdered


async def state(kit: Kit, media: dict[str, str]) -> str:
    [row] = await kit.sql("SELECT state FROM media WHERE id = $1", UUID(media["id"]))
    return str(row["state"])


async def test_orphans_are_collected_after_a_day(
    place: Place, uploads: Uploads, store: Path, movable_clock: MovableClock
) -> None:
    account, client = await place.member()
    used, unused = [await uploads.whole(client, pictures.photograph()) for _ in range(2)]
    unfinished = await uploads.begin(client, 10, "file")
    await uploads.send(client, unfinished["id"], b"12345")
    avatar = await uploads.whole(client, pictures.photograph(), "avatar")
    post = await place.post(client)
    await uploads.put_into(place.organization, account, "post", post["id"], used)
    movable_clock.move(hours=23, minutes=59)
    await place.kit.work()
    assert [await state(place.kit, one) for one in (used, unused, unfinished, avatar)] == [
        "ready",
        "ready",
        "uploading",
        "ready",
    ]
    movable_clock.move(minutes=1)
    await place.kit.work()
    assert [await state(place.kit, one) for one in (used, unused, unfinished, avatar)] == [
        "ready",
        "erased",
        "erased",
        "ready",
    ]
    assert objects(store, unused) == objects(store, unfinished) == []
    assert len(objects(store, used)) == 3
    causes = {
        str(e.aggregateid): e.data["cause"]
        for e in await place.kit.events(MediaErased)
        if e.organization == place.organization
    }
    assert causes == {unused["id"]: "unused"}  # what nobody finished was never told of


async def test_what_was_taken_out_is_collected_a_day_later(
    place: Place, uploads: Uploads, movable_clock: MovableClock
) -> None:
    account, client = await place.member()
    media = await uploads.whole(client, pictures.photograph())
    first, second = await place.post(client), await place.post(client)
    for post in (first, second):
        await uploads.put_into(place.organization, account, "post", post["id"], media)
    movable_clock.move(days=2)
    await place.kit.work()
    await uploads.take_from(place.organization, "post", first["id"])
    movable_clock.move(days=2)
    await place.kit.work()
    assert await state(place.kit, media) == "ready"
    await uploads.take_from(place.organization, "post", second["id"])
    await place.kit.work()
    assert await state(place.kit, media) == "ready"
    movable_clock.move(days=1)
    await place.kit.work()
    assert await state(place.kit, media) == "erased"


async def test_a_persons_uploads_go_with_the_person(place: Place, uploads: Uploads, store: Path, kit: Kit) -> None:
    account, client = await place.member()
    _, other = await place.member()
    mine = [
        await uploads.whole(client, pictures.photograph()),
        await uploads.whole(client, pictures.PDF, "file", "a.pdf"),
        await uploads.whole(client, pictures.photograph(), "avatar"),
        await uploads.begin(client, 10, "file"),
    ]
    theirs = await uploads.whole(other, pictures.photograph())
    post = await place.post(client)
    await uploads.put_into(place.organization, account, "post", post["id"], mine[0])
    foreign = await make_place(kit)
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    assert await kit.deliver(envelope(order, foreign.organization, order.erasure_id)) == 2
    assert await state(kit, mine[0]) == "ready"  # another organization's word counts nothing here
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    event = envelope(order, place.organization, order.erasure_id)
    assert await kit.deliver(event) == 2
    assert await kit.deliver(event) == 0
    assert (await uploads.read(mine[0])).status_code == 404
    await kit.work()
    assert [await state(kit, one) for one in mine] == ["erased"] * 4
    assert [objects(store, one) for one in mine] == [[]] * 4
    assert len(objects(store, theirs)) == 4
    rows = await kit.sql("SELECT * FROM media WHERE id = ANY($1)", [UUID(one["id"]) for one in mine])
    assert all(row["owner_id"] is row["name"] is row["media_type"] is None for row in rows)
    told = [e for e in await kit.events(MediaErased) if e.organization == place.organization]
    assert {str(e.aggregateid) for e in told} == {one["id"] for one in mine[:3]}
    assert {e.data["cause"] for e in told} == {"person"}


async def test_a_part_that_was_on_its_way_is_swept_later(
    place: Place, uploads: Uploads, store: Path, kit: Kit, movable_clock: MovableClock
) -> None:
    account, client = await place.member()
    media = await uploads.whole(client, pictures.PDF, "file", "a.pdf")
    late = objects(store, media)[0]
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    await kit.deliver(envelope(order, place.organization, order.erasure_id))
    await kit.work()
    assert objects(store, media) == []
    await of_runtime(kit.runtime).store.put(str(late.relative_to(store)), b"late")
    await kit.work()
    assert len(objects(store, media)) == 1
    movable_clock.move(hours=1)
    await kit.work()
    assert objects(store, media) == []
    movable_clock.move(hours=23)
    await kit.work()
    rows = await kit.sql("SELECT FROM due_work WHERE key = $1", media["id"])
    assert rows == []


async def test_deleting_and_collecting_wait_for_each_other_in_one_direction(
    place: Place, uploads: Uploads, kit: Kit, movable_clock: MovableClock
) -> None:
    """The collector holds its work and waits for the upload that is being deleted: neither has to give way."""
    _, client = await place.member()
    media = await uploads.whole(client, pictures.PDF, "file", "a.pdf")
    movable_clock.move(days=1)
    async with transaction(kit.runtime.engine, place.organization) as session:
        found = await queries.find_media(session, UUID(media["id"]), lock=True)
        assert found is not None
        work = asyncio.create_task(kit.work())
        while not await kit.sql(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            assert not work.done()
        await erase(session, found, "owner", actor=None)
    await work
    assert await state(kit, media) == "erased"


async def test_a_merged_accounts_uploads_are_the_survivors(
    place: Place, uploads: Uploads, kit: Kit, movable_clock: MovableClock
) -> None:
    survivor, client = await place.member()
    merged, before = await place.member()
    picture = await uploads.whole(before, pictures.photograph())
    older = await uploads.whole(before, pictures.photograph(), "avatar")
    movable_clock.move(minutes=1)
    newer = await uploads.whole(client, pictures.photograph(), "avatar")
    event = AccountMerged(account_id=survivor, merged_account_id=merged)
    await kit.deliver(envelope(event, place.organization, survivor, version=2))
    assert (await client.get(f"/v1/media/{picture['id']}")).json()["can"] == ["delete"]
    assert (await before.get(f"/v1/media/{picture['id']}")).status_code == 404
    movable_clock.move(days=1)
    await kit.work()
    assert [await state(kit, one) for one in (older, newer)] == ["erased", "ready"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE media SET received = size + 1",
        "UPDATE media SET state = 'erased', erased_at = now()",
        "UPDATE media SET state = 'uploading', erased_at = now()",
        "UPDATE media SET owner_id = NULL",
        "UPDATE media SET variants = '{}'",
        "UPDATE media SET kind = 'program'",
        "DELETE FROM media",
    ],
)
async def test_invariants_hold_below_the_code(place: Place, uploads: Uploads, change: str) -> None:

    _, client = await place.member()
    media = await uploads.whole(client, pictures.PDF, "file", "a.pdf")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await place.kit.sql(f"{change} WHERE id = $1", UUID(media["id"]))
