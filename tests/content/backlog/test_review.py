"""A second person makes items ready where the community asks for it, and nothing goes out without."""

import pytest
from tests.content.conftest import code, if_match
from tests.content.desk import Desk, make_desk

from chassis.db import transaction
from chassis.errors import Problem
from chassis.testing.kit import Kit
from content.posts.commands import Piece, publish_item
from content.posts.policy import PostKind
from contracts.members import CommunityRole


@pytest.fixture
async def desk(kit: Kit) -> Desk:
    return await make_desk(kit)


async def asks(desk: Desk, *kinds: str) -> None:
    staff = desk.place.kit.staff(desk.place.organization)
    url = f"{desk.place.path}/writing-policy"
    version = (await staff.get(url)).json()["version"]
    answer = await staff.put(url, json={"reviewed_kinds": list(kinds)}, headers=if_match(version))
    assert answer.status_code == 200, answer.text


async def test_the_writer_does_not_make_it_ready(desk: Desk) -> None:
    await asks(desk, "greeting")
    other_id, other = await desk.place.member(CommunityRole.EDITOR)
    path = f"{desk.place.path}/items"
    early = await desk.editor.post(path, json={"kind": "greeting", "body": "早", "state": "ready"})
    assert (early.status_code, code(early)) == (409, "second-person-needed")
    item = (await desk.editor.post(path, json={"kind": "greeting", "body": "早"})).json()
    url = f"{path}/{item['id']}"
    own = await desk.editor.patch(url, json={"state": "ready"}, headers=if_match(1))
    assert (own.status_code, code(own)) == (409, "second-person-needed")
    both = await other.patch(url, json={"body": "早安", "state": "ready"}, headers=if_match(1))
    assert (both.status_code, code(both)) == (409, "second-person-needed")
    ready = await other.patch(url, json={"state": "ready"}, headers=if_match(1))
    assert (ready.json()["state"], ready.json()["approved_by"]) == ("ready", str(other_id))
    reworded = await other.patch(url, json={"body": "早安"}, headers=if_match(2))
    assert (reworded.json()["state"], reworded.json()["approved_by"]) == ("draft", None)
    assert reworded.json()["edited_by"] == str(other_id)
    assert (await other.patch(url, json={"state": "ready"}, headers=if_match(3))).status_code == 409
    assert (await desk.editor.patch(url, json={"state": "ready"}, headers=if_match(3))).json()["state"] == "ready"


async def test_other_kinds_are_the_writers_own(desk: Desk) -> None:
    await asks(desk, "article")
    answer = await desk.editor.post(
        f"{desk.place.path}/items", json={"kind": "greeting", "body": "早", "state": "ready"}
    )
    assert (answer.status_code, answer.json()["approved_by"]) == (201, None)


async def test_what_was_ready_before_the_community_asked_does_not_go_out(desk: Desk) -> None:
    place = desk.place
    writer, _ = await place.member(CommunityRole.EDITOR)
    await asks(desk, "greeting")
    piece = Piece(
        organization_id=place.organization,
        community_id=place.community,
        author_id=writer,
        kind=PostKind.GREETING,
        body="早",
    )
    with pytest.raises(Problem) as refused:
        async with transaction(place.kit.runtime.engine, place.organization) as session:
            await publish_item(session, piece)
    assert refused.value.code == "review-missing"
