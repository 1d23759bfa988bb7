"""What was written without the present renderer is rendered by the worker."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.content.conftest import Place

from chassis import clock
from chassis.clock import MovableClock
from chassis.db import transaction
from content.rendering import commands
from contracts.members import CommunityRole


async def bring(place: Place, count: int) -> None:
    account, _ = await place.member()
    _, manager = await place.member(CommunityRole.MANAGER)
    at = (clock.now() - timedelta(days=9)).isoformat()
    items = [
        {"external_id": f"p{number}", "author_id": str(account), "body": f"*{number}*", "published_at": at}
        for number in range(count)
    ]
    items[0]["body"] = "> " * 100 + "deep"
    answer = await manager.post(f"{place.path}/posts/imports", json={"source": "slack", "items": items})
    assert answer.json()["created"] == count, answer.text
    comments = [
        {
            "external_id": "c1",
            "post_external_id": "p1",
            "author_id": str(account),
            "body": "**yes**",
            "commented_at": at,
        }
    ]
    answer = await manager.post(f"{place.path}/comments/imports", json={"source": "slack", "items": comments})
    assert answer.json()["created"] == 1, answer.text


async def test_imports_are_rendered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "BATCH", 3)
    await bring(place, 7)
    _, client = await place.member()
    before = (await client.get(f"{place.path}/posts")).json()["data"]
    assert {post["html"] for post in before} == {None}
    await place.kit.work()
    after = (await client.get(f"{place.path}/posts?tree=true")).json()["data"]
    shown = {post["external_id"]: post for post in after}
    assert shown["p3"]["html"] == '<p dir="auto"><em>3</em></p>'
    assert shown["p3"]["tree"][0]["children"][0]["type"] == "emphasis"
    assert shown["p0"]["html"] == f'<p dir="auto">{"&gt; " * 100}deep</p>'
    assert [post["version"] for post in after] == [post["version"] for post in before]
    [comment] = (await client.get(f"{place.path}/posts/{shown['p1']['id']}/comments")).json()["data"]
    assert comment["html"] == '<p dir="auto"><strong>yes</strong></p>'


@pytest.mark.parametrize(("lock", "rendered_at_once"), [("KEY SHARE", True), ("UPDATE", False)])
async def test_a_text_that_others_hold_is_rendered_in_the_end(
    place: Place, movable_clock: MovableClock, lock: str, *, rendered_at_once: bool
) -> None:
    """Who reacts holds a post against being deleted only; who pins it changes it, and leaves its words as they are."""
    await bring(place, 2)
    held = "SELECT id FROM post WHERE community_id = :community AND external_id = 'p1' FOR " + lock
    async with transaction(place.kit.runtime.engine, place.organization) as session:
        await session.execute(text(held), {"community": place.community})
        await place.kit.work()
    unrendered = "SELECT FROM post WHERE community_id = $1 AND html IS NULL"
    assert (await place.kit.sql(unrendered, place.community) == []) is rendered_at_once
    movable_clock.move(seconds=1)
    await place.kit.work()
    assert await place.kit.sql(unrendered, place.community) == []


async def test_a_newer_renderer_renders_everything_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    _, client = await place.member()
    post = await place.post(client, "*a*")
    await place.kit.sql("UPDATE post SET html = 'old', renderer = 0 WHERE community_id = $1", place.community)
    monkeypatch.setattr(commands, "BATCH", 1)
    async with transaction(place.kit.runtime.worker_engine, place.organization) as session:
        await commands.render_later(session, place.organization)
    await place.kit.work()
    assert (await client.get(f"{place.path}/posts/{post['id']}")).json()["html"] == '<p dir="auto"><em>a</em></p>'


async def test_an_edit_and_the_renderer_do_not_lose_each_other(place: Place) -> None:
    await bring(place, 30)
    _, moderator = await place.member(CommunityRole.MODERATOR)
    posts = (await moderator.get(f"{place.path}/posts")).json()["data"]

    async def edit(post: dict[str, object]) -> None:
        url = f"{place.path}/posts/{post['id']}"
        answer = await moderator.patch(url, json={"body": "**new**"}, headers={"If-Match": '"1"'})
        assert answer.status_code == 200, answer.text

    await asyncio.gather(place.kit.work(), *(edit(post) for post in posts[:15]))
    await place.kit.work()
    for post in (await moderator.get(f"{place.path}/posts")).json()["data"]:
        assert ("<strong>new</strong>" in post["html"]) == (post["body"] == "**new**")
