"""Lists of content as files: the rows of the list, narrowed as it is, for managers, told by an event, page by page."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.chassis.workbooks import read_rows
from tests.content.conftest import Place, code, if_match, make_place

from chassis import sheets
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from content.discussion.sheets import COMMENT_REACTIONS, COMMENTS, POST_COMMENTS, POST_REACTIONS
from content.posts.sheets import POSTS
from contracts.base import Envelope
from contracts.content import ContentExportStarted
from contracts.members import CommunityRole

HOSTILE = '=HYPERLINK("http://evil")'


def records(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == sheets.MEDIA_TYPE
    header, *rows = read_rows(answer.content)
    return [dict(zip(header, row, strict=True)) for row in rows]


async def told(place: Place) -> list[Envelope]:
    return [one for one in await place.kit.events(ContentExportStarted) if one.organization == place.organization]


async def test_posts_as_a_file(place: Place) -> None:
    boss, managing = await place.member(CommunityRole.MANAGER)
    ann, her = await place.member()
    _, his = await place.member()
    first = await place.post(her, HOSTILE, title="+1", section="daily-topic")
    second = await place.post(his, "早上好!")
    gone = await place.post(her, "taken back")
    assert (await her.delete(f"{place.path}/posts/{gone['id']}", headers=if_match(1))).status_code == 204
    await place.comment(his, first["id"])
    comment = await place.comment(his, first["id"], "again")
    removed = await his.delete(f"{place.path}/comments/{comment['id']}", headers=if_match(1))
    assert removed.status_code == 204
    for client, emoji in ((her, "👍"), (his, "👍"), (his, "🎉")):
        assert (await client.put(f"{place.path}/posts/{first['id']}/reactions/{emoji}")).status_code == 200
    url = f"{place.path}/posts/export.xlsx"

    answer = await managing.get(url, headers={"Accept-Language": "zh-CN"})
    assert answer.headers["content-disposition"].startswith('attachment; filename="posts-20')
    assert answer.headers["cache-control"] == "private, no-store"
    listed = records(answer)
    assert [one["帖子编号"] for one in listed] == [first["id"], second["id"]]
    found = listed[0]
    assert (found["正文"], found["标题"], found["版块"], found["作者账号"]) == (HOSTILE, "+1", "daily-topic", str(ann))
    assert (found["评论数"], found["表情回应"]) == (1, "👍 2; 🎉 1")
    assert isinstance(found["发布时间 (Asia/Shanghai)"], datetime)

    assert [one["Post"] for one in records(await managing.get(url, params={"author": str(ann)}))] == [first["id"]]
    sections = records(await managing.get(url, params={"section": "daily-topic"}))
    assert [one["Post"] for one in sections] == [first["id"]]
    assert records(await managing.get(url, params={"section": "nothing", "author": str(ann)})) == []

    events = await told(place)
    assert [(one.data["list_name"], one.data["subject_id"], one.data["rows"]) for one in events] == [
        ("posts", None, 2),
        ("posts", None, 1),
        ("posts", None, 1),
        ("posts", None, 0),
    ]
    assert all(one.actor == boss and one.community == place.community for one in events)
    assert all(one.data.keys() == set(ContentExportStarted.model_fields) for one in events)


async def test_comments_and_reactions_as_files(place: Place) -> None:
    _, managing = await place.member(CommunityRole.MANAGER)
    ann, her = await place.member()
    bob, his = await place.member()
    posts = [await place.post(her, f"post {number}") for number in range(3)]
    # Written across the posts: the file has them post by post.
    comments = [await place.comment(his, posts[number % 2]["id"], f"@{number}") for number in range(4)]
    answer = await place.comment(her, posts[0]["id"], HOSTILE, parent_id=comments[0]["id"])
    lost = await place.comment(his, posts[2]["id"], "with its post")
    assert (await her.delete(f"{place.path}/posts/{posts[2]['id']}", headers=if_match(1))).status_code == 204
    on_comment = f"{place.path}/comments/{comments[0]['id']}/reactions"
    on_post = f"{place.path}/posts/{posts[0]['id']}/reactions"
    for address in (f"{on_comment}/👍", f"{on_comment}/🎉", f"{on_post}/👍"):
        assert (await her.put(address)).status_code == 200
    assert (await his.put(f"{on_post}/👍")).status_code == 200
    assert (await his.delete(f"{on_post}/👍")).status_code == 204

    everything = records(await managing.get(f"{place.path}/comments/export.xlsx"))
    order = [comments[0]["id"], comments[2]["id"], answer["id"], comments[1]["id"], comments[3]["id"]]
    assert [one["Comment"] for one in everything] == order
    assert lost["id"] not in order
    assert [one["Text"] for one in everything] == ["@0", "@2", HOSTILE, "@1", "@3"]
    assert everything[0]["Reactions"] == "🎉 1; 👍 1"
    assert everything[2]["Answers the comment"] == comments[0]["id"]
    hers = records(await managing.get(f"{place.path}/comments/export.xlsx", params={"author": str(ann)}))
    assert [one["Comment"] for one in hers] == [answer["id"]]

    of_post = records(await managing.get(f"{place.path}/posts/{posts[0]['id']}/comments/export.xlsx"))
    assert [one["Comment"] for one in of_post] == [comments[0]["id"], comments[2]["id"], answer["id"]]
    [reacted] = records(await managing.get(f"{on_post}/export.xlsx"))
    assert (reacted["Account"], reacted["Reactions"]) == (str(ann), "👍")
    assert isinstance(reacted["Last change (Asia/Shanghai)"], datetime)
    [reacted] = records(await managing.get(f"{on_comment}/export.xlsx"))
    assert (reacted["Account"], reacted["Reactions"]) == (str(ann), "👍; 🎉")
    assert str(bob) != reacted["Account"]
    # What is exported is no emoji, and no emoji is exported.
    assert (await her.put(f"{on_post}/export.xlsx")).status_code == 405

    assert [(one.data["list_name"], one.data["subject_id"], one.data["rows"]) for one in await told(place)] == [
        ("comments", None, 5),
        ("comments", None, 1),
        ("post-comments", posts[0]["id"], 3),
        ("post-reactions", posts[0]["id"], 1),
        ("comment-reactions", comments[0]["id"], 1),
    ]
    for gone in (
        f"{place.path}/posts/{posts[2]['id']}/comments/export.xlsx",
        f"{place.path}/posts/{posts[2]['id']}/reactions/export.xlsx",
        f"{place.path}/comments/{lost['id']}/reactions/export.xlsx",
    ):
        assert (await managing.get(gone)).status_code == 404
    assert len(await told(place)) == 5


def addresses(place: Place, post: str, comment: str) -> dict[str, sheets.Sheet]:
    return {
        f"{place.path}/posts/export.xlsx": POSTS,
        f"{place.path}/comments/export.xlsx": COMMENTS,
        f"{place.path}/posts/{post}/comments/export.xlsx": POST_COMMENTS,
        f"{place.path}/posts/{post}/reactions/export.xlsx": POST_REACTIONS,
        f"{place.path}/comments/{comment}/reactions/export.xlsx": COMMENT_REACTIONS,
    }


async def test_managers_alone_and_in_both_languages(place: Place) -> None:
    _, member = await place.member()
    post = (await place.post(member))["id"]
    comment = (await place.comment(member, post))["id"]
    refused = [(place.kit.client(), 401), (member, 403), (place.kit.person(place.organization), 403)]
    refused += [((await place.member(role))[1], 403) for role in CommunityRole if role is not CommunityRole.MANAGER]
    refused += [(place.kit.partner(place.organization, "content:read"), 403)]
    refused += [(place.kit.staff(new_id()), 404), (place.kit.person(new_id()), 404)]
    for url in addresses(place, post, comment):
        for client, status in refused:
            answer = await client.get(url)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), url
    assert await told(place) == []
    other = await make_place(place.kit)
    _, managing = await other.member(CommunityRole.MANAGER)
    for url, sheet in addresses(place, post, comment).items():
        # Of another tenant, and by the address of one's own community too.
        assert (await managing.get(url)).status_code == 404
        mine = await managing.get(url.replace(place.path, other.path))
        assert mine.status_code == (200 if sheet in (POSTS, COMMENTS) else 404)
        if mine.status_code == 200:
            assert records(mine) == []
        for language in ("zh", "en"):
            whole = await place.kit.staff(place.organization).get(url, headers={"Accept-Language": language})
            header, *rows = read_rows(whole.content)
            assert header == sheets.header(sheet, "Asia/Shanghai", language)
            assert len(set(header)) == len(header)
            assert len(rows) == (0 if sheet in (POST_REACTIONS, COMMENT_REACTIONS) else 1)


async def test_bad_filters_are_refused(place: Place) -> None:
    _, managing = await place.member(CommunityRole.MANAGER)
    for url, name in ((f"{place.path}/posts/export.xlsx", "author"), (f"{place.path}/comments/export.xlsx", "author")):
        answer = await managing.get(url, params={name: "nobody"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/query/{name}")
    answer = await managing.get(f"{place.path}/posts/export.xlsx", params={"section": "x" * 81})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/section")
    assert (await managing.get(f"{place.path}/posts/nothing/comments/export.xlsx")).status_code == 422


async def test_many_rows_come_in_pages_and_too_many_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    _, managing = await place.member(CommunityRole.MANAGER)
    ann, her = await place.member()
    posts = [UUID((await place.post(her, f"post {number}"))["id"]) for number in range(7)]
    # Many at the same moment, so that pages end among equals.
    await place.kit.sql("UPDATE post SET published_at = '2026-01-05T08:00Z' WHERE id = ANY($1)", posts[:5])
    await place.kit.sql(
        """INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version)
        SELECT gen_random_uuid(), $1, $2, post, $3, 'c' || number, '2026-01-06T08:00Z'::timestamptz + number / 4 * interval '1 s', 'live', 1
        FROM unnest($4::uuid[]) AS post, generate_series(1, 13) AS number""",
        place.organization,
        place.community,
        ann,
        posts,
    )
    await place.kit.sql(
        """INSERT INTO reaction (id, organization_id, community_id, subject_kind, subject_id, account_id, emojis, reacted_at, version)
        SELECT gen_random_uuid(), $1, $2, 'post', $3, gen_random_uuid(), '{👍}', now(), 1 FROM generate_series(1, 25)""",
        place.organization,
        place.community,
        posts[0],
    )
    monkeypatch.setattr(sheets, "PAGE_ROWS", 5)
    expected = {
        f"{place.path}/posts/export.xlsx": ("Post", 7),
        f"{place.path}/comments/export.xlsx": ("Comment", 91),
        f"{place.path}/posts/{posts[0]}/comments/export.xlsx": ("Comment", 13),
        f"{place.path}/posts/{posts[0]}/reactions/export.xlsx": ("Account", 25),
    }
    for url, (key, count) in expected.items():
        found = records(await managing.get(url))
        assert len({one[key] for one in found}) == len(found) == count
    comments = records(await managing.get(f"{place.path}/comments/export.xlsx"))
    told_posts = [one["Post"] for one in comments]
    assert told_posts == [one for post in dict.fromkeys(told_posts) for one in [post] * 13]
    assert [one["Post"] for one in records(await managing.get(f"{place.path}/posts/export.xlsx"))] == list(
        dict.fromkeys(told_posts)
    )
    before = len(await told(place))
    monkeypatch.setattr(sheets, "MOST_ROWS", 6)
    refused = await managing.get(f"{place.path}/posts/export.xlsx")
    assert (refused.status_code, code(refused)) == (422, "too-many-rows")
    assert len(await told(place)) == before


async def test_a_download_that_breaks_off_was_told_before_its_first_byte(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss, managing = await place.member(CommunityRole.MANAGER)
    await place.post(managing)

    async def broken(*_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(sheets, "page", broken)
    answer = await managing.get(f"{place.path}/posts/export.xlsx")
    with pytest.raises(zipfile.BadZipFile):
        read_rows(answer.content)
    assert [(one.actor, one.data["rows"]) for one in await told(place)] == [(boss, 1)]


@pytest.mark.parametrize(
    ("sheet", "index", "begins"),
    [
        (POSTS, "post_feed", "ROW(published_at, id) > ROW("),
        (COMMENTS, "post_feed", "ROW(published_at, id) >= ROW("),
        (POST_COMMENTS, "comment_thread", "ROW(commented_at, id) > ROW("),
        (POST_REACTIONS, "reaction_listed", "id > "),
    ],
    ids=lambda value: value.name if isinstance(value, sheets.Sheet) else "",
)
async def test_a_page_begins_where_its_index_has_the_last(
    place: Place, sheet: sheets.Sheet, index: str, begins: str
) -> None:
    given = [name for name, one in sheet.filters.items() if one.required]
    values: dict[str, Any] = {"community_id": place.community} | dict.fromkeys(given, new_id())
    kinds: dict[str, Any] = {"timestamptz": datetime(2026, 1, 5, tzinfo=UTC), "uuid": new_id()}
    after = {f"after_{number}": kinds[kind] for number, (_, kind) in enumerate(sheet.keys)}
    async with transaction(place.kit.runtime.engine, place.organization) as session:
        # Reading a page tells the planner what it may do.
        await sheets.page(session, sheet, values, given, None)
        found = await session.execute(text(f"EXPLAIN {sheet.paging(given, first=False)}"), values | after)
        plan = [str(line).strip() for line in found.scalars()]
    [start] = [
        number for number, line in enumerate(plan) if f"using {index} on {index.split('_', maxsplit=1)[0]} " in line
    ][:1]
    assert plan[start + 1].startswith("Index Cond:"), plan
    assert begins in plan[start + 1], plan


def test_the_document_describes_every_file(kit: Kit) -> None:
    paths = kit.app.openapi()["paths"]
    found = {path: operations["get"] for path, operations in paths.items() if path.endswith("/export.xlsx")}
    assert len(found) == 6
    for path, operation in found.items():
        allowed = "community_editor_or_analyst" if path.endswith("/worth/export.xlsx") else "community_manager"
        assert operation["x-hearth-permission"] == allowed, path
        assert operation["description"]
        whole = operation["responses"]["200"]
        assert whole["description"].startswith("A workbook of one sheet")
        assert set(whole["content"]) == {sheets.MEDIA_TYPE}
        assert whole["content"][sheets.MEDIA_TYPE]["example"]
        for parameter in operation["parameters"]:
            if parameter["in"] == "query":
                assert parameter["description"].startswith("only ")
