"""Uploads that posts, comments and items name in their words."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.content.conftest import Place, code, if_match
from tests.content.desk import make_desk
from tests.content.media import pictures
from tests.content.media.test_access import sees
from tests.content.media.test_upkeep import state
from tests.content.media.uploads import Uploads

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import CommunityRole, SanctionImposed, SanctionKind


def naming(*media: dict[str, Any]) -> str:
    return "看!\n\n" + "\n\n".join(f"![海边](media:{one['id']})" for one in media)


async def test_a_post_shows_its_images_until_it_is_deleted(
    place: Place, uploads: Uploads, movable_clock: MovableClock
) -> None:
    account, author = await place.member()
    reader, _ = await place.member()
    first, second = [await uploads.whole(author, pictures.photograph()) for _ in range(2)]
    post = await place.post(author, naming(first))
    comment = await place.comment(author, post["id"], naming(second))
    movable_clock.move(days=2)
    await place.kit.work()
    member = place.kit.person(place.organization, reader)
    author = place.kit.person(place.organization, account)
    assert await sees(member, first)
    assert await sees(member, second)
    url = f"{place.path}/comments/{comment['id']}"
    assert (await author.delete(url, headers=if_match(comment["version"]))).status_code == 204
    assert not await sees(member, second)
    another = await place.comment(author, post["id"], naming(second))
    assert another["id"]
    assert await sees(member, second)
    url = f"{place.path}/posts/{post['id']}"
    assert (await author.delete(url, headers=if_match(post["version"]))).status_code == 204
    assert not await sees(member, first)
    assert not await sees(member, second)
    movable_clock.move(days=1)
    await place.kit.work()
    assert [await state(place.kit, one) for one in (first, second)] == ["erased", "erased"]


async def test_an_edit_changes_what_stands_there(place: Place, uploads: Uploads) -> None:
    _, author = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    _, member = await place.member()
    first, second = [await uploads.whole(author, pictures.photograph()) for _ in range(2)]
    post = await place.post(author, naming(first))
    url = f"{place.path}/posts/{post['id']}"
    kept = await moderator.patch(url, json={"body": naming(first) + "!"}, headers=if_match(post["version"]))
    assert kept.status_code == 200, kept.text
    foreign = await moderator.patch(url, json={"body": naming(second)}, headers=if_match(kept.json()["version"]))
    assert foreign.status_code == 422
    assert foreign.json()["errors"][0]["code"] == "media-unknown"
    changed = await author.patch(url, json={"body": naming(second)}, headers=if_match(kept.json()["version"]))
    assert changed.status_code == 200
    assert [await sees(member, one) for one in (first, second)] == [False, True]


async def test_what_is_nobodys_own_cannot_be_named(place: Place, uploads: Uploads) -> None:
    _, author = await place.member()
    _, other = await place.member()
    theirs = await uploads.whole(other, pictures.photograph())
    post = await place.post(author)
    for body in (naming(theirs), naming({"id": str(new_id())})):
        for path in ("posts", f"posts/{post['id']}/comments"):
            answer = await author.post(f"{place.path}/{path}", json={"body": body})
            assert (answer.status_code, code(answer)) == (422, "invalid")
            assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/body", "media-unknown")]
    assert not await sees(author, theirs)


async def test_the_suspended_read_nothing(place: Place, uploads: Uploads, kit: Kit) -> None:
    _, author = await place.member()
    account, member = await place.member()
    media = await uploads.whole(author, pictures.photograph())
    await place.post(author, naming(media))
    assert await sees(member, media)
    sanction = SanctionImposed(
        sanction_id=new_id(),
        community_id=place.community,
        account_id=account,
        kind=SanctionKind.SUSPENSION,
        clause="1",
        clause_text={"en": "Be kind"},
        from_at=clock.now() - timedelta(minutes=1),
        until=None,
    )
    await kit.deliver(envelope(sanction, place.organization, sanction.sanction_id, community_id=place.community))
    assert not await sees(member, media)


async def test_an_items_images_wait_with_it_and_go_out_with_it(
    kit: Kit, uploads: Uploads, movable_clock: MovableClock
) -> None:
    desk = await make_desk(kit)
    other, second_editor = await desk.place.member(CommunityRole.EDITOR)
    reader, member = await desk.place.member()
    media = await uploads.whole(desk.editor, pictures.photograph())
    item = await desk.item(body=naming(media))
    assert await sees(second_editor, media)
    assert not await sees(member, media)
    movable_clock.move(days=3)
    await kit.work()
    assert await state(kit, media) == "ready"
    second_editor = kit.person(desk.place.organization, other)
    targets = [{"community_id": str(desk.place.community)}]
    sent = await second_editor.post(f"{desk.path}/items/{item['id']}/sends", json={"targets": targets})
    assert sent.status_code == 202, sent.text
    await kit.work()
    [post] = await desk.posts()
    rows = await kit.sql("SELECT subject_kind, subject_id FROM media_use WHERE media_id = $1", UUID(media["id"]))
    assert [(row["subject_kind"], row["subject_id"]) for row in rows] == [("post", post["id"])]
    assert await sees(kit.person(desk.place.organization, reader), media)
