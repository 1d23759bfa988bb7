"""Kinds, groups, personas and dates of posts over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.content.conftest import Place, code, if_match, make_place

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import envelope
from content.posts.policy import MOST_MENTIONS, PostKind
from contracts.catalogue import BY_TYPE
from contracts.content import PostDeleted, PostEdited, PostPublished, PostReviewDue, PostWithdrawn
from contracts.members import (
    CommunityRole,
    GroupCreated,
    GroupDimension,
    GroupMemberJoined,
    GroupMemberLeft,
    GroupState,
)


async def group(place: Place, *accounts: UUID, hosts: tuple[UUID, ...] = ()) -> UUID:
    identifier = new_id()
    event = GroupCreated(
        group_id=identifier,
        community_id=place.community,
        series_id=identifier,
        ordinal=1,
        dimension=GroupDimension.INTEREST,
        hosts=list(hosts),
        capacity=None,
        state=GroupState.OPEN,
    )
    await place.kit.deliver(envelope(event, place.organization, identifier, community_id=place.community))
    for account in accounts:
        await move(place, account, identifier, [identifier], joined=True)
    return identifier


async def move(
    place: Place, account: UUID, group_id: UUID, groups: list[UUID], *, joined: bool, version: int = 1
) -> None:
    kind = GroupMemberJoined if joined else GroupMemberLeft
    membership = UUID(int=account.int ^ 1)
    event = kind(
        membership_id=membership, community_id=place.community, account_id=account, group_id=group_id, group_ids=groups
    )
    await place.kit.deliver(
        envelope(event, place.organization, membership, community_id=place.community, version=version)
    )


async def persona(place: Place, **fields: Any) -> str:
    staff = place.kit.staff(place.organization)
    answer = await staff.post("/v1/brand-personas", json={"name": {"zh": "小英老师"}, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("kind", PostKind)
async def test_who_writes_which_kind(place: Place, kind: PostKind) -> None:
    _, member = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    _, editor = await place.member(CommunityRole.EDITOR)
    _, manager = await place.member(CommunityRole.MANAGER)
    for client, allowed in (
        (member, kind is PostKind.POST),
        (moderator, kind is PostKind.POST),
        (editor, True),
        (manager, True),
    ):
        answer = await client.post(f"{place.path}/posts", json={"body": "x", "kind": kind})
        assert answer.status_code == (201 if allowed else 403), answer.text
        if allowed:
            assert (answer.json()["kind"], answer.json()["state"]) == (kind, "published")
    listed = (await member.get(f"{place.path}/posts?kind={kind}")).json()["data"]
    assert len(listed) == (4 if kind is PostKind.POST else 2)


async def test_what_is_rendered_comes_with_the_post(place: Place) -> None:
    account, client = await place.member()
    post = await place.post(client, f"Hi *you* <@{account}> [x](javascript:1) https://a.example")
    link = '<a href="https://a.example" rel="nofollow ugc noopener noreferrer">https://a.example</a>'
    html = f'<p dir="auto">Hi <em>you</em> <span data-mention="{account}">@</span> x {link}</p>'
    assert (post["html"], post["tree"]) == (html, None)
    url = f"{place.path}/posts/{post['id']}"
    [paragraph] = (await client.get(f"{url}?tree=true")).json()["tree"]
    assert [node["type"] for node in paragraph["children"]] == ["text", "emphasis", "text", "mention", "text", "link"]
    [listed] = (await client.get(f"{place.path}/posts?tree=true")).json()["data"]
    assert listed["tree"] == [paragraph]
    comment = await place.comment(client, post["id"], "**yes**")
    assert comment["html"] == '<p dir="auto"><strong>yes</strong></p>'
    [answered] = (await client.get(f"{url}/comments?tree=true")).json()["data"]
    assert answered["tree"][0]["children"][0]["type"] == "strong"
    single = (await client.get(f"{place.path}/comments/{comment['id']}?tree=true")).json()
    assert single["tree"] == answered["tree"]
    changed = await client.patch(url, json={"body": "~~no~~"}, headers=if_match(1))
    assert changed.json()["html"] == '<p dir="auto"><s>no</s></p>'


async def test_texts_that_are_refused(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    crowd = " ".join(f"<@{uuid4()}>" for _ in range(MOST_MENTIONS + 1))
    for body, fault in (("> " * 40 + "x", "too-complex"), ("[" * 3000, "too-complex"), (crowd, "too-many-mentions")):
        for answer in (
            await client.post(f"{place.path}/posts", json={"body": body}),
            await client.patch(f"{place.path}/posts/{post['id']}", json={"body": body}, headers=if_match(1)),
            await client.post(f"{place.path}/posts/{post['id']}/comments", json={"body": body}),
        ):
            assert answer.status_code == 422
            assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/body", fault)]
    ten_thousand = " ".join(f"<@{uuid4()}>" for _ in range(10_000))
    answer = await client.post(f"{place.path}/posts", json={"body": ten_thousand})
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/body", "string-too-long")]
    allowed = " ".join(f"<@{uuid4()}>" for _ in range(MOST_MENTIONS))
    assert (await client.post(f"{place.path}/posts", json={"body": allowed})).status_code == 201
    huge = await client.post(f"{place.path}/posts", json={"body": "x" * 5_000_000})
    assert (huge.status_code, code(huge)) == (413, "body-too-large")
    hidden = await client.post(f"{place.path}/posts", json={"body": "\u200b\u202e\ufeff"})
    assert [e["pointer"] for e in hidden.json()["errors"]] == ["/body"]
    assert (await place.post(client, "加\u200b微信\u202e"))["body"] == "加微信"


async def test_what_is_said_in_a_group_stays_in_it(place: Place) -> None:
    insider, inside = await place.member()
    host, hosting = await place.member()
    _, outside = await place.member()
    _, editor = await place.member(CommunityRole.EDITOR)
    circle = await group(place, insider, hosts=(host,))
    post = await place.post(inside, group_id=str(circle))
    comment = await place.comment(inside, post["id"])
    url = f"{place.path}/posts/{post['id']}"
    for client, sees in (
        (inside, True),
        (hosting, True),
        (editor, True),
        (outside, False),
        (place.kit.staff(place.organization), True),
    ):
        status = 200 if sees else 404
        assert len((await client.get(f"{place.path}/posts")).json()["data"]) == int(sees)
        assert len((await client.get(f"{place.path}/posts?group={circle}")).json()["data"]) == int(sees)
        for path in (url, f"{url}/comments", f"{url}/reactions", f"{place.path}/comments/{comment['id']}"):
            assert (await client.get(path)).status_code == status, path
        assert (await client.get(f"{place.path}/comments/{comment['id']}/reactions")).status_code == status
        assert (await client.put(f"{url}/reactions/👍")).status_code == status
        assert (await client.put(f"{place.path}/comments/{comment['id']}/reactions/👍")).status_code == status
        assert (await client.post(f"{url}/comments", json={"body": "x"})).status_code == (201 if sees else 404)
        answer = await client.post(f"{place.path}/posts", json={"body": "y", "group_id": str(circle)})
        assert answer.status_code == (201 if sees else 422)
        await client.delete(f"{place.path}/posts/{answer.json().get('id')}", headers=if_match(1))
    foreign = await group(await make_place(place.kit))
    for unknown in (foreign, uuid4()):
        answer = await editor.post(f"{place.path}/posts", json={"body": "y", "group_id": str(unknown)})
        assert answer.json()["errors"][0]["pointer"] == "/group_id"
    await move(place, insider, circle, [], joined=False, version=2)
    assert (await inside.get(url)).status_code == 200  # their own
    assert (await inside.get(f"{place.path}/posts")).json()["data"] == []
    [event] = [e for e in await place.kit.events(PostPublished) if e.data["post_id"] == post["id"]]
    assert event.data["group_id"] == str(circle)


async def test_a_persona_hides_the_person_and_revisions_keep_them(place: Place) -> None:
    account, editor = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    _, colleague = await place.member(CommunityRole.EDITOR)
    speaker = await persona(place)
    post = await place.post(editor, kind="greeting", persona_id=speaker)
    assert post["author_id"] == str(account)
    url = f"{place.path}/posts/{post['id']}"
    for client in (member, colleague):
        shown = (await client.get(url)).json()
        assert shown["author_id"] is None
        assert shown["persona"] == {"id": speaker, "name": {"zh": "小英老师"}}
        assert str(account) not in (await client.get(f"{place.path}/posts")).text
        assert (await client.get(f"{place.path}/posts?author={account}")).json()["data"] == []
    assert len((await editor.get(f"{place.path}/posts?author={account}")).json()["data"]) == 1
    [revision] = (await colleague.get(f"{url}/revisions")).json()["data"]
    assert revision["editor_id"] == str(account)
    assert (await member.get(f"{url}/revisions")).status_code == 403
    edited = await editor.patch(url, json={"body": "z"}, headers=if_match(1))
    pinned = await editor.put(f"{url}/pin", json={"rank": 1}, headers=if_match(2))
    deleted = await editor.delete(url, headers=if_match(3))
    assert (edited.status_code, pinned.status_code, deleted.status_code) == (200, 200, 204)
    events = [
        e for e in await place.kit.events(PostPublished, PostEdited, PostDeleted) if e.data["post_id"] == post["id"]
    ]
    assert {e.type for e in events} == {PostPublished.type, PostEdited.type, PostDeleted.type}
    for event in events:
        assert (event.data["persona_id"], event.data["author_id"], event.actor) == (speaker, str(account), account)
        assert str(account) not in str(BY_TYPE[event.type].read(event.data).for_partners())
    answer = await member.post(f"{place.path}/posts", json={"body": "x", "persona_id": speaker})
    assert (answer.status_code, code(answer)) == (409, "editors-only")
    elsewhere = await persona(place, community_ids=[str(uuid4())])
    answer = await editor.post(f"{place.path}/posts", json={"body": "x", "persona_id": elsewhere})
    assert (answer.status_code, code(answer)) == (409, "persona-elsewhere")
    foreign = await persona(await make_place(place.kit))
    for unknown in (foreign, str(uuid4())):
        answer = await editor.post(f"{place.path}/posts", json={"body": "x", "persona_id": unknown})
        assert answer.json()["errors"][0]["pointer"] == "/persona_id"
    staff = place.kit.staff(place.organization)
    retired = await staff.patch(f"/v1/brand-personas/{speaker}", json={"retired": True}, headers=if_match(1))
    assert retired.json()["retired_at"]
    answer = await editor.post(f"{place.path}/posts", json={"body": "x", "persona_id": speaker})
    assert (answer.status_code, code(answer)) == (409, "persona-retired")


async def test_expiry(place: Place, movable_clock: MovableClock) -> None:
    editor_id, editor = await place.member(CommunityRole.EDITOR)
    member_id, member = await place.member()
    at = clock.now().replace(microsecond=0)
    later = (at.replace(year=at.year + 1)).isoformat()
    post = await place.post(editor, kind="article", expires_at=later, evergreen=True)
    url = f"{place.path}/posts/{post['id']}"
    pinned = await editor.put(f"{url}/pin", json={"rank": 2}, headers=if_match(1))
    assert pinned.status_code == 200, pinned.text
    await place.kit.work()
    assert (await member.get(url)).status_code == 200
    movable_clock.move(days=366)
    editor = place.kit.person(place.organization, editor_id)
    member = place.kit.person(place.organization, member_id)
    await place.kit.work()
    assert (await member.get(url)).status_code == 404
    assert (await member.get(f"{place.path}/posts")).json()["data"] == []
    seen = (await editor.get(url)).json()
    assert (seen["state"], seen["pinned_at"], seen["version"]) == ("expired", None, 3)
    [event] = [e for e in await place.kit.events(PostWithdrawn) if e.data["post_id"] == post["id"]]
    assert (event.data["cause"], event.actor) == ("expired", None)
    again = await editor.post(f"{url}/publish", headers=if_match(3))
    assert (again.status_code, code(again)) == (409, "expired")
    longer = await editor.patch(url, json={"expires_at": None}, headers=if_match(3))
    assert longer.json()["version"] == 4
    again = await editor.post(f"{url}/publish", headers=if_match(4))
    assert again.json()["state"] == "published"
    assert again.json()["published_at"] == post["published_at"]
    assert (await member.get(url)).status_code == 200
    movable_clock.move(days=3000)
    editor = place.kit.person(place.organization, editor_id)
    member = place.kit.person(place.organization, member_id)
    await place.kit.work()
    assert (await member.get(url)).status_code == 200


async def test_an_expiry_that_moved_waits_for_its_new_date(place: Place, movable_clock: MovableClock) -> None:
    editor_id, editor = await place.member(CommunityRole.EDITOR)
    start = clock.now()
    post = await place.post(editor, kind="article", expires_at=(start + timedelta(hours=1)).isoformat())
    url = f"{place.path}/posts/{post['id']}"
    moved = await editor.patch(url, json={"expires_at": (start + timedelta(hours=3)).isoformat()}, headers=if_match(1))
    assert moved.status_code == 200, moved.text
    [event] = [e for e in await place.kit.events(PostEdited) if e.data["post_id"] == post["id"]]
    assert event.aggregateversion == 2
    movable_clock.move(hours=2)
    editor = place.kit.person(place.organization, editor_id)
    await place.kit.work()
    assert (await editor.get(url)).json()["state"] == "published"
    movable_clock.move(hours=1)
    editor = place.kit.person(place.organization, editor_id)
    await place.kit.work()
    assert (await editor.get(url)).json()["state"] == "expired"


async def test_review_dates_and_freshness(place: Place, movable_clock: MovableClock) -> None:
    editor_id, editor = await place.member(CommunityRole.EDITOR)
    member_id, member = await place.member()
    start = clock.now()
    soon = (start + timedelta(hours=1)).isoformat()
    first = await place.post(editor, kind="resource", evergreen=True, review_at=soon)
    await place.post(editor, kind="resource", evergreen=True)
    await place.post(editor, kind="article", review_at=soon)
    await place.post(member)
    freshness = f"{place.path}/posts/freshness"
    assert (await editor.get(freshness)).json() == {
        "community_id": str(place.community),
        "kept": 2,
        "stale": 0,
        "undated": 1,
        "debt": 0.0,
    }
    movable_clock.move(hours=2)
    editor = place.kit.person(place.organization, editor_id)
    member = place.kit.person(place.organization, member_id)
    await place.kit.work()
    figures = (await editor.get(freshness)).json()
    assert (figures["stale"], figures["debt"]) == (1, 0.5)
    [stale] = (await editor.get(f"{place.path}/posts/stale")).json()["data"]
    assert stale["id"] == first["id"]
    due = [e for e in await place.kit.events(PostReviewDue) if e.community == place.community]
    assert len(due) == 2
    # Pinned while it is stale, nobody is asked once more.
    pinned = await editor.put(
        f"{place.path}/posts/{first['id']}/pin", json={"rank": 1}, headers=if_match(stale["version"])
    )
    assert pinned.status_code == 200, pinned.text
    stale = pinned.json()
    await place.kit.work()
    due = [e for e in await place.kit.events(PostReviewDue) if e.community == place.community]
    assert len(due) == 2
    still = await editor.patch(
        f"{place.path}/posts/{first['id']}",
        json={"review_at": start.replace(year=start.year + 1).isoformat()},
        headers=if_match(stale["version"]),
    )
    assert still.status_code == 200, still.text
    assert (await editor.get(f"{place.path}/posts/stale")).json()["data"] == []
    _, analyst = await place.member(CommunityRole.ANALYST)
    for path in (freshness, f"{place.path}/posts/stale"):
        assert (await analyst.get(path)).status_code == 200
        assert (await member.get(path)).status_code == 403
    empty = await make_place(place.kit)
    assert (await place.kit.staff(empty.organization).get(f"{empty.path}/posts/freshness")).json()["debt"] is None


async def test_pins(place: Place, movable_clock: MovableClock) -> None:
    editor_id, editor = await place.member(CommunityRole.EDITOR)
    member_id, member = await place.member()
    posts = [await place.post(member, f"n{number}") for number in range(3)]
    urls = [f"{place.path}/posts/{post['id']}" for post in posts]
    until = (clock.now() + timedelta(hours=1)).isoformat()
    assert (await member.put(f"{urls[0]}/pin", json={}, headers=if_match(1))).status_code == 403
    assert (await editor.put(f"{urls[0]}/pin", json={})).status_code == 428
    for url, body in zip(urls, ({"rank": 3}, {"rank": 1, "until": until}, {"rank": 2}), strict=True):
        answer = await editor.put(f"{url}/pin", json=body, headers=if_match(1))
        assert (answer.status_code, answer.json()["version"]) == (200, 2)
        again = await editor.put(f"{url}/pin", json=body, headers=if_match(2))
        assert again.json() == answer.json()

    async def pinned(limit: int = 50) -> list[str]:
        found, cursor = [], None
        while True:
            query = f"limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = (await member.get(f"{place.path}/posts/pinned?{query}")).json()
            found += [post["body"] for post in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    assert await pinned() == await pinned(1) == ["n1", "n2", "n0"]
    movable_clock.move(hours=2)
    editor = place.kit.person(place.organization, editor_id)
    member = place.kit.person(place.organization, member_id)
    await place.kit.work()
    assert await pinned(2) == ["n2", "n0"]
    off = await editor.delete(f"{urls[0]}/pin", headers=if_match(2))
    assert (off.json()["pinned_at"], off.json()["version"]) == (None, 3)
    assert await pinned() == ["n2"]
    past = await editor.put(f"{urls[0]}/pin", json={"until": until}, headers=if_match(3))
    assert past.json()["errors"][0] == {
        "pointer": "/until",
        "code": "in-the-past",
        "detail": "It lies in the past or too far ahead.",
    }
    draft = await place.post(editor, draft=True)
    answer = await editor.put(f"{place.path}/posts/{draft['id']}/pin", json={}, headers=if_match(1))
    assert (answer.status_code, code(answer)) == (409, "not-published")


@pytest.mark.parametrize(
    ("fields", "pointer", "fault"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "in-the-past"),
        ({"review_at": "2060-01-01T00:00:00Z"}, "/review_at", "too-far"),
        ({"acknowledge": True}, "/acknowledge", "announcements-only"),
        ({"kind": "announcement", "acknowledge_by": "2026-06-01T00:00:00Z"}, "/acknowledge_by", "not-asked-for"),
        ({"benefit": {"kind": "coupon", "words": {"zh": "八折券"}}}, "/benefit", "announcements-only"),
        ({"kind": "announcement", "benefit": {"kind": "coupon", "words": {}}}, "/benefit/words", "too-short"),
        (
            {"kind": "announcement", "benefit": {"kind": "bribe", "words": {"zh": "x"}}},
            "/benefit/kind",
            "literal-error",
        ),
        ({"expires_at": "2027-01-01T00:00:00"}, "/expires_at", "timezone-aware"),
        ({"kind": "sermon"}, "/kind", "enum"),
    ],
)
async def test_what_editors_cannot_say(
    place: Place, movable_clock: MovableClock, fields: dict[str, Any], pointer: str, fault: str
) -> None:
    assert movable_clock
    _, editor = await place.member(CommunityRole.EDITOR)
    answer = await editor.post(f"{place.path}/posts", json={"body": "x", "kind": "article", **fields})
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, fault)]


async def test_only_editors_arrange(place: Place) -> None:
    _, member = await place.member()
    for fields in ({"evergreen": True}, {"promotion": True}, {"expires_at": "2027-01-01T00:00:00Z"}):
        answer = await member.post(f"{place.path}/posts", json={"body": "x", **fields})
        assert (answer.status_code, code(answer)) == (403, "forbidden")
    post = await place.post(member, promotion=False)
    answer = await member.patch(f"{place.path}/posts/{post['id']}", json={"promotion": True}, headers=if_match(1))
    assert answer.status_code == 403
    assert (
        await member.patch(f"{place.path}/posts/{post['id']}", json={"promotion": False}, headers=if_match(1))
    ).json()["version"] == 1
