"""Drafts, a second person's eyes, proposals, revisions and the desk, over HTTP."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.content.conftest import Place, code, if_match, make_place

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.content import (
    PostDeleted,
    PostEdited,
    PostPublished,
    PostRestored,
    PostWithdrawn,
    PostWritten,
    WritingPolicyChanged,
)
from contracts.members import CommunityRole


async def asks_review(place: Place, *kinds: str) -> httpx.AsyncClient:
    _, manager = await place.member(CommunityRole.MANAGER)
    answer = await manager.put(
        f"{place.path}/writing-policy", json={"reviewed_kinds": list(kinds)}, headers=if_match(0)
    )
    assert answer.status_code == 200, answer.text
    return manager


async def told(place: Place, post: str) -> list[tuple[str, int, str | None]]:
    events = await place.kit.events(PostPublished, PostEdited, PostRestored, PostWithdrawn, PostWritten, PostDeleted)
    mine = [e for e in events if e.data["post_id"] == post]
    return [
        (e.type.split(".")[2], e.aggregateversion, e.data.get("state") or e.data.get("cause"))
        for e in sorted(mine, key=lambda e: e.aggregateversion)
    ]


async def step(client: httpx.AsyncClient, url: str, name: str, version: int, **body: Any) -> httpx.Response:
    needs_body = name in {"approve", "return"}
    return await client.post(f"{url}/{name}", headers=if_match(version), **({"json": body} if needs_body else {}))


async def test_a_draft_is_its_authors_until_published(place: Place) -> None:
    _, author = await place.member()
    _, other = await place.member()
    _, editor = await place.member(CommunityRole.EDITOR)
    draft = await place.post(author, "raw", draft=True)
    assert draft["state"] == "draft"
    assert draft["can"] == ["edit", "delete", "publish"]
    url = f"{place.path}/posts/{draft['id']}"
    for client, status in ((author, 200), (other, 404), (editor, 404)):
        assert (await client.get(url)).status_code == status
        assert (await client.get(f"{place.path}/posts")).json()["data"] == []
        desk = (await client.get(f"{place.path}/posts/desk")).json()["data"]
        assert [post["id"] for post in desk] == ([draft["id"]] if status == 200 else [])
    assert (await step(other, url, "publish", 1)).status_code == 403
    changed = await author.patch(url, json={"body": "ripe"}, headers=if_match(1))
    assert (changed.json()["state"], changed.json()["version"]) == ("draft", 2)
    assert (await author.post(f"{url}/publish")).status_code == 428
    assert (await step(author, url, "publish", 1)).status_code == 412
    shown = await step(author, url, "publish", 2)
    assert (shown.json()["state"], shown.json()["version"]) == ("published", 3)
    assert shown.json()["published_at"] > draft["published_at"]
    assert (await other.get(url)).json()["body"] == "ripe"
    answer = await step(author, url, "publish", 3)
    assert (answer.status_code, code(answer)) == (409, "state-unfit")
    back = await step(author, url, "withdraw", 3)
    assert back.json()["state"] == "draft"
    assert (await other.get(url)).status_code == 404
    again = await step(author, url, "publish", 4)
    assert again.json()["published_at"] == shown.json()["published_at"]
    assert await told(place, draft["id"]) == [
        ("written", 1, "draft"),
        ("written", 2, "draft"),
        ("published", 3, None),
        ("withdrawn", 4, "draft"),
        ("restored", 5, None),
    ]


async def test_what_a_member_only_began_is_theirs_to_read_and_change(place: Place) -> None:
    _, author = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    draft = await place.post(author, "raw", draft=True)
    url = f"{place.path}/posts/{draft['id']}"
    first = if_match(1)
    for answer in (
        await moderator.get(f"{url}/revisions"),
        await moderator.get(f"{url}/proposal"),
        await moderator.get(f"{url}/reviews"),
        await moderator.patch(url, json={"body": "other"}, headers=first),
        await moderator.post(f"{url}/publish", headers=first),
        await moderator.delete(url, headers=first),
    ):
        assert (answer.status_code, code(answer)) == (404, "not-found")
    assert (await author.get(f"{url}/revisions")).json()["data"][0]["body"] == "raw"
    assert (await place.kit.staff(place.organization).get(f"{url}/revisions")).status_code == 200


async def test_what_was_removed_keeps_its_former_words_to_itself(place: Place) -> None:
    _, author = await place.member()
    post = await place.post(author)
    await place.kit.sql("UPDATE post SET state = 'removed' WHERE id = $1", UUID(post["id"]))
    assert (await author.get(f"{place.path}/posts/{post['id']}/revisions")).status_code == 404


async def test_what_cannot_come_out_any_more_is_not_approved(place: Place, movable_clock: MovableClock) -> None:
    """Neither behind its expiry date, nor as a persona that was retired while it waited."""
    await asks_review(place, "article")
    _, writer = await place.member(CommunityRole.EDITOR)
    reader_id, _ = await place.member(CommunityRole.EDITOR)
    staff = place.kit.staff(place.organization)
    persona = (await staff.post("/v1/brand-personas", json={"name": {"en": "Ying"}})).json()
    ends = (movable_clock() + timedelta(hours=1)).isoformat()
    short = await place.post(writer, "a", kind="article", expires_at=ends)
    spoken = await place.post(writer, "b", kind="article", persona_id=persona["id"])
    retired = await staff.patch(f"/v1/brand-personas/{persona['id']}", json={"retired": True}, headers=if_match(1))
    assert retired.status_code == 200, retired.text
    movable_clock.move(hours=2)
    reader = place.kit.person(place.organization, reader_id)
    for post, refusal in ((short, "expired"), (spoken, "persona-retired")):
        answer = await step(reader, f"{place.path}/posts/{post['id']}", "approve", post["version"])
        assert (answer.status_code, code(answer)) == (409, refusal)


async def test_a_second_person_reads_what_the_community_wants_read(place: Place) -> None:
    manager = await asks_review(place, "article")
    writer_id, writer = await place.member(CommunityRole.EDITOR)
    second_id, second = await place.member(CommunityRole.EDITOR)
    _, moderator = await place.member(CommunityRole.MODERATOR)
    _, member = await place.member()
    post = await place.post(writer, "first", kind="article")
    assert post["state"] == "in_review"
    url = f"{place.path}/posts/{post['id']}"
    assert (await member.get(url)).status_code == 404
    [waiting] = (await second.get(f"{place.path}/posts/desk?state=in_review")).json()["data"]
    assert waiting["id"] == post["id"]
    assert waiting["can"] == ["edit", "delete", "withdraw", "review"]
    assert post["can"] == ["edit", "delete", "withdraw"]
    for client, status, name in (
        (writer, 403, "second-person-needed"),
        (moderator, 403, "forbidden"),
        (member, 403, "forbidden"),
    ):
        answer = await step(client, url, "approve", 1)
        assert (answer.status_code, code(answer)) == (status, name)
    returned = await step(second, url, "return", 1, note="Too long.")
    assert (returned.json()["state"], returned.json()["version"]) == ("draft", 2)
    assert (await step(second, url, "approve", 2)).status_code == 409
    edited = await writer.patch(url, json={"body": "second"}, headers=if_match(2))
    submitted = await step(writer, url, "publish", edited.json()["version"])
    assert submitted.json()["state"] == "in_review"
    assert (await step(second, url, "approve", 3)).status_code == 412
    approved = await step(second, url, "approve", 4, note="好")
    assert (approved.json()["state"], approved.json()["version"]) == ("published", 5)
    assert (await member.get(url)).json()["body"] == "second"
    reviews = (await writer.get(f"{url}/reviews?limit=1")).json()
    [last] = reviews["data"]
    assert (last["decision"], last["note"], last["revision"]) == ("approved", "好", 2)
    assert (last["writer_id"], last["reviewer_id"]) == (str(writer_id), str(second_id))
    [first] = (await writer.get(f"{url}/reviews?limit=1&cursor={reviews['next_cursor']}")).json()["data"]
    assert (first["decision"], first["note"]) == ("returned", "Too long.")
    assert (await member.get(f"{url}/reviews")).status_code == 403
    assert await told(place, post["id"]) == [
        ("written", 1, "in_review"),
        ("written", 2, "draft"),
        ("written", 3, "draft"),
        ("written", 4, "in_review"),
        ("published", 5, None),
    ]
    assert (await place.post(writer, kind="greeting"))["state"] == "published"
    assert (await place.post(manager))["state"] == "published"


async def test_who_changed_it_last_is_no_second_person(place: Place) -> None:
    await asks_review(place, "article")
    _, writer = await place.member(CommunityRole.EDITOR)
    _, second = await place.member(CommunityRole.EDITOR)
    post = await place.post(writer, kind="article")
    url = f"{place.path}/posts/{post['id']}"
    assert (await second.patch(url, json={"body": "mine"}, headers=if_match(1))).status_code == 200
    answer = await step(second, url, "approve", 2)
    assert (answer.status_code, code(answer)) == (403, "second-person-needed")
    answer = await step(writer, url, "approve", 2)  # submitted it
    assert (answer.status_code, code(answer)) == (403, "second-person-needed")
    _, third = await place.member(CommunityRole.EDITOR)
    assert (await step(third, url, "approve", 2)).json()["state"] == "published"


async def test_new_words_of_a_published_piece_wait_too(place: Place) -> None:
    await asks_review(place, "article")
    _, writer = await place.member(CommunityRole.EDITOR)
    _, second = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    post = await place.post(writer, "old", kind="article", title="T")
    url = f"{place.path}/posts/{post['id']}"
    assert (await step(second, url, "approve", 1)).status_code == 200
    kept = await writer.patch(url, json={"body": "new", "promotion": True}, headers=if_match(2))
    assert (kept.json()["body"], kept.json()["promotion"], kept.json()["version"]) == ("old", True, 3)
    proposal = (await second.get(f"{url}/proposal")).json()
    assert (proposal["title"], proposal["body"], proposal["base_revision"]) == ("T", "new", 1)
    assert (await member.get(f"{url}/proposal")).status_code == 403
    for client, count in ((writer, 1), (second, 1), (member, 0)):
        desk = (await client.get(f"{place.path}/posts/desk?state=proposed")).json()["data"]
        assert len(desk) == count
    newer = await writer.patch(url, json={"body": "newer"}, headers=if_match(3))
    assert newer.json()["version"] == 4
    assert (await step(writer, url, "approve", 4)).status_code == 403
    dropped = await step(second, url, "return", 4, note="No.")
    assert (dropped.json()["body"], dropped.json()["state"]) == ("old", "published")
    assert (await second.get(f"{url}/proposal")).status_code == 404
    again = await writer.patch(url, json={"body": "newest"}, headers=if_match(5))
    approved = await step(second, url, "approve", again.json()["version"])
    assert (approved.json()["body"], approved.json()["revision"]) == ("newest", 2)
    assert approved.json()["edited_at"]
    assert (await member.get(url)).json()["body"] == "newest"
    assert (await second.get(f"{place.path}/posts/desk?state=proposed")).json()["data"] == []
    bodies = [revision["body"] for revision in (await second.get(f"{url}/revisions")).json()["data"]]
    assert bodies == ["newest", "old"]
    assert [one for one in await told(place, post["id"]) if one[0] in {"published", "edited"}] == [
        ("published", 2, None),
        ("edited", 3, None),
        ("edited", 7, None),
    ]


async def test_revisions(place: Place) -> None:
    author_id, author = await place.member()
    moderator_id, moderator = await place.member(CommunityRole.MODERATOR)
    _, other = await place.member()
    post = await place.post(author, "one", title="T")
    url = f"{place.path}/posts/{post['id']}"
    for version, (client, body) in enumerate(((author, "two"), (moderator, "three"), (author, "four")), 1):
        answer = await client.patch(url, json={"body": body}, headers=if_match(version))
        assert (answer.json()["revision"], answer.json()["version"]) == (version + 1, version + 1)
    found, cursor = [], ""
    while cursor is not None:
        page = (await author.get(f"{url}/revisions?limit=3{cursor}")).json()
        found += page["data"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert [(one["number"], one["body"], one["editor_id"]) for one in found] == [
        (4, "four", str(author_id)),
        (3, "three", str(moderator_id)),
        (2, "two", str(author_id)),
        (1, "one", str(author_id)),
    ]
    # One is written by PostgreSQL, which leaves zeros at the end out, the other is not.
    assert datetime.fromisoformat(found[-1]["written_at"]) == datetime.fromisoformat(post["published_at"])
    assert (await other.get(f"{url}/revisions")).status_code == 403
    assert (await moderator.get(f"{url}/revisions")).status_code == 200
    assert (await author.delete(url, headers=if_match(4))).status_code == 204
    assert (await moderator.get(f"{url}/revisions")).status_code == 404
    rows = await place.kit.sql("SELECT 1 FROM post_revision WHERE post_id = $1", UUID(post["id"]))
    assert rows == []


async def test_editors_change_what_is_the_editors(place: Place) -> None:
    _, writer = await place.member(CommunityRole.EDITOR)
    _, colleague = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    article, mine = await place.post(writer, kind="article"), await place.post(member)
    for post, status in ((article, 200), (mine, 403)):
        url = f"{place.path}/posts/{post['id']}"
        assert ("edit" in (await colleague.get(url)).json()["can"]) == (status == 200)
        assert (await colleague.patch(url, json={"body": "x"}, headers=if_match(1))).status_code == status
    gone = await colleague.delete(f"{place.path}/posts/{article['id']}", headers=if_match(2))
    assert gone.status_code == 204


async def test_the_writing_policy(place: Place, kit: Kit) -> None:
    _, manager = await place.member(CommunityRole.MANAGER)
    _, editor = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    url = f"{place.path}/writing-policy"
    read = await editor.get(url)
    assert read.json() == {"community_id": str(place.community), "reviewed_kinds": [], "version": 0}
    assert read.headers["etag"] == '"0"'
    body = {"reviewed_kinds": ["article", "announcement", "article"]}
    assert (await manager.put(url, json=body)).status_code == 428
    assert (await manager.put(url, json=body, headers=if_match(1))).status_code == 412
    written = await manager.put(url, json=body, headers=if_match(0))
    assert written.json() == {
        "community_id": str(place.community),
        "reviewed_kinds": ["announcement", "article"],
        "version": 1,
    }
    assert (await manager.put(url, json=body, headers=if_match(0))).status_code == 412
    same = await manager.put(url, json=body, headers=if_match(1))
    assert same.json()["version"] == 1
    assert (await manager.put(url, json={"reviewed_kinds": []}, headers=if_match(1))).json()["version"] == 2
    events = [e for e in await kit.events(WritingPolicyChanged) if e.community == place.community]
    assert [e.data["reviewed_kinds"] for e in events] == [["announcement", "article"], []]
    for refused in ({"reviewed_kinds": ["post"]}, {"reviewed_kinds": ["sermon"]}, {}, {"reviewed_kinds": [], "x": 1}):
        assert (await manager.put(url, json=refused, headers=if_match(2))).status_code == 422
    assert (await editor.put(url, json=body, headers=if_match(2))).status_code == 403
    assert (await member.get(url)).status_code == 403
    foreign = await make_place(kit)
    assert (await kit.staff(foreign.organization).get(url)).status_code == 404


@pytest.mark.parametrize(
    "path", ["publish", "withdraw", "approve", "return", "reviews", "revisions", "proposal", "pin"]
)
async def test_others_find_no_such_post(place: Place, path: str) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    post = await place.post(editor, kind="article")
    elsewhere = await make_place(place.kit)
    _, foreigner = await elsewhere.member(CommunityRole.MANAGER)
    reads = path in {"reviews", "revisions", "proposal"}
    method = "GET" if reads else ("PUT" if path == "pin" else "POST")
    body = {"json": {}} if path in {"approve", "return", "pin"} else {}
    for client, community, status in (
        (foreigner, place.path, 404),
        (foreigner, elsewhere.path, 404),
        (place.kit.person(place.organization), place.path, 403),
        (place.kit.partner(place.organization, "contacts:write"), place.path, 403),
    ):
        url = f"{community}/posts/{post['id']}/{path}"
        answer = await client.request(method, url, headers=if_match(1), **body)  # type: ignore[arg-type]
        assert answer.status_code == status, (path, community)


async def test_a_benefit_does_not_change_past_the_second_person(place: Place) -> None:
    await asks_review(place, "announcement")
    _, writer = await place.member(CommunityRole.EDITOR)
    _, second = await place.member(CommunityRole.EDITOR)
    benefit = {"kind": "coupon", "words": {"zh": "八折券"}}
    post = await place.post(writer, kind="announcement", benefit=benefit)
    url = f"{place.path}/posts/{post['id']}"
    better = {"kind": "coupon", "words": {"zh": "五折券"}}
    assert (await writer.patch(url, json={"benefit": better}, headers=if_match(1))).status_code == 200
    assert (await second.post(f"{url}/approve", json={}, headers=if_match(2))).status_code == 200
    for wanted in (benefit, None):
        answer = await writer.patch(url, json={"benefit": wanted}, headers=if_match(3))
        assert (answer.status_code, code(answer)) == (409, "review-needed")
    same = await writer.patch(url, json={"benefit": better}, headers=if_match(3))
    assert same.json()["version"] == 3
