"""Uploads are read by whoever reads what they stand in."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.content.conftest import Place, make_place
from tests.content.media import pictures
from tests.content.media.uploads import Uploads

from chassis.errors import Problem
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import CommunityRole, GroupMemberJoined


async def sees(client: httpx.AsyncClient, media: dict[str, Any]) -> bool:
    one = await client.get(f"/v1/media/{media['id']}")
    many = await client.post("/v1/media/lookup", json={"ids": [media["id"]]})
    assert (one.status_code == 200) == (len(many.json()["data"]) == 1)
    assert one.status_code in {200, 404}
    return one.status_code == 200


async def test_a_posts_upload_is_read_by_whom_the_post_is(place: Place, uploads: Uploads, kit: Kit) -> None:
    account, author = await place.member()
    _, member = await place.member()
    media = await uploads.whole(author, pictures.photograph())
    post = await place.post(author)
    assert not await sees(member, media)
    assert not await sees(kit.staff(place.organization), media)
    await uploads.put_into(place.organization, account, "post", post["id"], media)
    assert await sees(member, media)
    assert await sees(kit.staff(place.organization), media)
    assert not await sees(kit.person(place.organization), media)
    foreign = await make_place(kit)
    assert not await sees((await foreign.member())[1], media)
    elsewhere = Place(kit, place.organization, await kit.community(place.organization))
    assert not await sees((await elsewhere.member())[1], media)
    shown = (await member.get(f"/v1/media/{media['id']}")).json()
    assert shown["can"] == []
    for state, seen in (("held", False), ("removed", False), ("published", True)):
        await kit.sql("UPDATE post SET state = $1 WHERE id = $2", state, UUID(post["id"]))
        assert await sees(member, media) is seen
        assert await sees((await place.member(CommunityRole.MODERATOR))[1], media) is (state != "removed")
        assert await sees(author, media)


async def test_a_groups_upload_stays_in_the_group(place: Place, uploads: Uploads, kit: Kit) -> None:
    account, author = await place.member()
    other, member = await place.member()
    media = await uploads.whole(author, pictures.photograph())
    post = await place.post(author)
    group = new_id()
    await kit.sql("UPDATE post SET group_id = $1 WHERE id = $2", group, UUID(post["id"]))
    await uploads.put_into(place.organization, account, "post", post["id"], media)
    assert not await sees(member, media)
    joined = GroupMemberJoined(
        membership_id=new_id(), community_id=place.community, account_id=other, group_id=group, group_ids=[group]
    )
    await kit.deliver(envelope(joined, place.organization, joined.membership_id, community_id=place.community))
    assert await sees(member, media)


async def test_a_comments_upload_is_read_by_whom_the_comment_is(place: Place, uploads: Uploads, kit: Kit) -> None:
    account, author = await place.member()
    _, member = await place.member()
    media = await uploads.whole(author, pictures.PDF, "file", "a.pdf")
    post = await place.post(member)
    comment = await place.comment(author, post["id"])
    await uploads.put_into(place.organization, account, "comment", comment["id"], media)
    assert await sees(member, media)
    await kit.sql("UPDATE comment SET state = 'held' WHERE id = $1", UUID(comment["id"]))
    assert not await sees(member, media)
    assert await sees((await place.member(CommunityRole.MODERATOR))[1], media)
    await kit.sql("UPDATE comment SET state = 'published' WHERE id = $1", UUID(comment["id"]))
    await kit.sql("UPDATE post SET state = 'held' WHERE id = $1", UUID(post["id"]))
    assert not await sees((await place.member())[1], media)


async def test_only_finished_uploads_of_ones_own_can_stand_in_something(place: Place, uploads: Uploads) -> None:
    account, author = await place.member()
    other_id, other = await place.member()
    mine = await uploads.whole(author, pictures.photograph())
    avatar = await uploads.whole(author, pictures.photograph(), "avatar")
    unfinished = await uploads.begin(author, 5)
    theirs = await uploads.whole(other, pictures.photograph())
    post = await place.post(author)
    for wrong, expected in (
        (avatar, "media-unknown"),
        (unfinished, "media-unfinished"),
        (theirs, "media-unknown"),
        ({"id": str(new_id())}, "media-unknown"),
    ):
        with pytest.raises(Problem) as caught:
            await uploads.put_into(place.organization, account, "post", post["id"], mine, wrong)
        assert [(one.pointer, one.code) for one in caught.value.errors] == [("/body", expected)]
    await uploads.put_into(place.organization, account, "post", post["id"], mine)
    # A moderator who edits the post leaves in it what stands there.
    await uploads.put_into(place.organization, other_id, "post", post["id"], theirs, mine)
    assert await sees(author, theirs)
    rows = await place.kit.sql(
        "SELECT media_id FROM media_use WHERE subject_id = $1 ORDER BY position", UUID(post["id"])
    )
    assert [str(row["media_id"]) for row in rows] == [theirs["id"], mine["id"]]
