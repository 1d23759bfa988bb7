"""A frontend's journey: a brand signs up, people join, talk and leave again, and another brand sees nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from tests.journeys.callers import PASSWORD, Caller, Town, found_town, open_community
from tests.stack_fixture import LiveStack, until


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url)
    yield town
    town.close()


def test_a_brand_signs_up_and_people_join_talk_and_count(stack: LiveStack) -> None:
    slug = f"tea-{uuid4().hex[:8]}"
    with Caller(stack.base_url) as owner, Caller(stack.base_url, owner.seen) as lin:
        path = sign_up_and_open(owner, lin, slug)
        membership = join(owner, lin, path)
        talk(owner, lin, path)

        # Staff are no members to be counted: one member, active today.
        pulse = owner.get(f"{path}/pulse")
        assert [pulse[name] for name in ("zone", "members", "never_active", "member_days")] == [
            "Asia/Shanghai",
            1,
            0,
            1,
        ]
        [week] = pulse["weeks"]
        assert [week[name] for name in ("active", "new", "returning", "resurrected", "dormant")] == [1, 1, 0, 0, 0]
        lin.ask("GET", f"{path}/pulse", status=403)

        left = lin.ask("POST", f"{path}/memberships/{membership['id']}/leave", version=membership["version"])
        assert left.json()["state"] == "left"
        lin.ask("POST", f"{path}/posts", {"body": "One more"}, status=403)
        assert owner.get(f"{path}/pulse")["members"] == 0
        assert owner.get(f"{path}/pulse")["weeks"] == pulse["weeks"]  # who left was there all the same


def sign_up_and_open(owner: Caller, lin: Caller, slug: str) -> str:
    """A brand with a community, and somebody who registers with it; returns the community's path."""
    person = {"email": "mei@tea.example", "password": PASSWORD, "display_name": "Mei 梅"}
    signed_up = owner.ask("POST", "/v1/organizations", {"name": "Tea", "slug": slug, "owner": person}, status=201)
    owner.sign_in(slug, "MEI@tea.example")  # addresses know no case
    assert owner.session["organization_id"] == signed_up.json()["id"]
    assert owner.account_id == signed_up.json()["owner_account_id"]

    new = {"name": {"en": "Tea lovers", "zh": "茶友"}, "slug": "tea", "zone": "Asia/Shanghai"}
    made = owner.ask("POST", "/v1/communities", new, status=201)
    community, path = made.json(), f"/v1/communities/{made.json()['id']}"
    assert community["state"] == "draft"
    assert made.headers["ETag"] == f'"{community["version"]}"'

    person = {"organization": slug, "email": "lin@tea.example", "password": PASSWORD, "display_name": "Lin 林"}
    lin.ask("POST", "/v1/accounts", person, status=201)
    lin.sign_in(slug, "lin@tea.example")
    lin.ask("POST", f"{path}/memberships", status=403)  # nobody comes into a draft
    assert lin.all("/v1/communities") == []
    assert open_community(owner, community)["state"] == "open"
    assert [one["slug"] for one in lin.all("/v1/communities")] == ["tea"]
    return path


def join(owner: Caller, lin: Caller, path: str) -> dict[str, Any]:
    """Lin applies and is approved; returns her membership."""
    lin.ask("POST", f"{path}/posts", {"body": "May I?"}, status=403)
    applied = lin.ask("POST", f"{path}/memberships", {"message": "我想学茶"}, status=201).json()
    assert applied["state"] == "applied"
    lin.ask("GET", f"{path}/posts", status=403)  # to apply is not to belong
    [waiting] = owner.all(f"{path}/memberships", state="applied")
    assert (waiting["id"], waiting["message"]) == (applied["id"], "我想学茶")
    approve = f"{path}/memberships/{applied['id']}/approve"
    lin.ask("POST", approve, status=403, version=applied["version"])
    owner.ask("POST", approve, status=428)
    approved: dict[str, Any] = owner.ask("POST", approve, {"reason": "欢迎"}, version=applied["version"]).json()
    assert approved["state"] == "approved"
    owner.ask("POST", approve, status=412, version=applied["version"])
    return approved


def talk(owner: Caller, lin: Caller, path: str) -> None:
    """A post, an answer, an answer to that, and what people feel about them; and how the feed shows it."""
    post = lin.ask("POST", f"{path}/posts", {"body": "今天喝什么茶?", "section": "daily"}, status=201).json()
    assert post["author_id"] == lin.account_id
    discussion, mention = f"{path}/posts/{post['id']}/comments", f"<@{lin.account_id}> 龙井"
    comment = owner.ask("POST", discussion, {"body": mention}, status=201).json()
    lin.ask("POST", discussion, {"body": "好!", "parent_id": comment["id"]}, status=201)
    for caller in (owner, lin):
        reaction = caller.ask("PUT", f"{path}/posts/{post['id']}/reactions/{quote('🍵')}")
        assert reaction.json()["emojis"] == ["🍵"]
    lin.ask("PUT", f"{path}/comments/{comment['id']}/reactions/{quote(':gongfu:')}")

    [seen] = lin.get(f"{path}/posts")["data"]
    assert (seen["comment_count"], seen["reaction_counts"]) == (2, {"🍵": 2})
    comments = lin.get(discussion)["data"]
    assert [one["body"] for one in comments] == [mention, "好!"]
    assert comments[0]["reaction_counts"] == {":gongfu:": 1}
    assert owner.get(f"{path}/posts", section="daily", author=lin.account_id)["data"][0]["id"] == post["id"]
    assert owner.get(f"{path}/posts", section="elsewhere")["data"] == []


def test_edits_need_the_version_that_was_read(town: Town) -> None:
    kim = town.member("kim")
    post = kim.ask("POST", f"{town.path}/posts", {"body": "frist"}, status=201)
    path = f"{town.path}/posts/{post.json()['id']}"
    assert post.headers["ETag"] == '"1"'
    kim.ask("PATCH", path, {"body": "first"}, status=428)
    edited = kim.ask("PATCH", path, {"body": "first"}, version=1)
    assert edited.headers["ETag"] == '"2"'
    assert edited.json()["edited_at"] is not None
    stale = kim.ask("PATCH", path, {"body": "last"}, status=412, version=1)
    assert stale.headers["ETag"] == '"2"'
    read = kim.ask("GET", path)
    assert (read.headers["ETag"], read.json()["body"]) == ('"2"', "first")

    me = kim.ask("GET", "/v1/me")
    renamed = kim.ask("PATCH", "/v1/me", {"display_name": "Kim 金"}, version=me.json()["version"])
    assert renamed.json()["display_name"] == "Kim 金"
    kim.ask("PATCH", "/v1/me", {"display_name": "Kim"}, status=412, version=me.json()["version"])
    members = kim.all(f"{town.path}/memberships")
    assert "Kim 金" in {one["member"]["display_name"] for one in members}

    other = town.member("eve")
    other.ask("PATCH", path, {"body": "mine"}, status=403, version=2)
    other.ask("DELETE", path, status=403, version=2)
    kim.ask("DELETE", path, status=204, version=2)
    kim.ask("GET", path, status=404)


def test_a_repeated_key_writes_once(town: Town) -> None:
    ray = town.member("ray")
    key = uuid4().hex
    posts = f"{town.path}/posts"
    first, second = (ray.ask("POST", posts, {"body": "once"}, status=201, key=key) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (first.headers["ETag"], first.headers["Hearth-Position"]) == (
        second.headers["ETag"],
        second.headers["Hearth-Position"],
    )
    assert [one["body"] for one in ray.all(posts, author=ray.account_id)] == ["once"]
    ray.ask("POST", posts, {"body": "twice"}, status=422, key=key)
    # A key is its caller's own.
    town.member("mo").ask("POST", posts, {"body": "twice"}, status=201, key=key)


def test_a_session_is_refreshed_and_ends_everywhere(stack: LiveStack, town: Town) -> None:
    ann = town.member("ann")
    town.owner.ask(
        "PUT",
        f"{town.path}/memberships/{ann.get(f'{town.path}/memberships/me')['id']}/roles",
        {"roles": ["analyst"]},
        version=ann.get(f"{town.path}/memberships/me")["version"],
    )
    old = ann.session
    refreshed = ann.ask("POST", "/v1/sessions/refresh", {"refresh_token": old["refresh_token"]}).json()
    assert refreshed["refresh_token"] != old["refresh_token"]
    # The answer may have been lost: moments later the old token gets the same one again.
    again = ann.ask("POST", "/v1/sessions/refresh", {"refresh_token": old["refresh_token"]}).json()
    assert again["refresh_token"] == refreshed["refresh_token"]
    ann.hold(refreshed)
    everywhere = ("/v1/me", f"{town.path}/posts", f"{town.path}/pulse")
    for path in everywhere:
        ann.ask("GET", path)

    ann.ask("DELETE", "/v1/sessions/current", status=204)
    services = {name: process["url"] for name, process in stack.state()["processes"].items()}
    doors = [(ann.http.base_url, path) for path in everywhere]
    # The services' own doors, too: nobody relies on the gateway.
    doors += [
        (httpx.URL(services[name]), path)
        for name, path in zip(("members", "content", "engagement"), everywhere, strict=True)
    ]
    for base, path in doors:
        until(
            lambda base=base, path=path: ann.http.get(f"{str(base).rstrip('/')}{path}").status_code == 401,
            f"{base}{path} refuses",
            10,
        )
    # The first token of the session is no better.
    ann.http.headers["Authorization"] = f"Bearer {old['access_token']}"
    for base, path in doors:
        assert ann.http.get(f"{str(base).rstrip('/')}{path}").status_code == 401
    ann.ask("POST", "/v1/sessions/refresh", {"refresh_token": refreshed["refresh_token"]}, status=401)


def test_another_brand_sees_nothing(stack: LiveStack, town: Town) -> None:
    liu = town.member("liu")
    post = liu.ask("POST", f"{town.path}/posts", {"body": "ours"}, status=201).json()
    comment = liu.ask("POST", f"{town.path}/posts/{post['id']}/comments", {"body": "too"}, status=201).json()
    membership = liu.get(f"{town.path}/memberships/me")
    other = found_town(stack.base_url)
    stranger = other.member("stranger")
    for caller in (other.owner, stranger):
        assert [one["id"] for one in caller.all("/v1/communities")] == [other.community_id]
        for path in (
            town.path,
            f"{town.path}/memberships",
            f"{town.path}/memberships/me",
            f"{town.path}/memberships/{membership['id']}",
            f"{town.path}/posts",
            f"{town.path}/posts/{post['id']}",
            f"{town.path}/posts/{post['id']}/comments",
            f"{town.path}/posts/{post['id']}/reactions",
            f"{town.path}/comments/{comment['id']}",
            f"{town.path}/pulse",
            f"/v1/accounts/{liu.account_id}",
            f"/v1/organizations/{town.organization_id}",
            # What is there, asked for in one's own community.
            f"{other.path}/posts/{post['id']}",
            f"{other.path}/comments/{comment['id']}",
            f"{other.path}/memberships/{membership['id']}",
        ):
            caller.ask("GET", path, status=404)
        caller.ask("POST", f"{town.path}/memberships", status=404)
        caller.ask("POST", f"{town.path}/posts", {"body": "hello?"}, status=404)
        caller.ask("POST", f"{other.path}/posts/{post['id']}/comments", {"body": "hello?"}, status=404)
        caller.ask("PUT", f"{other.path}/posts/{post['id']}/reactions/{quote('👍')}", status=404)
        caller.ask("PATCH", f"{other.path}/posts/{post['id']}", {"body": "theirs"}, status=404, version=1)
        caller.ask("DELETE", f"{town.path}/posts/{post['id']}", status=404, version=1)
    other.close()
    assert liu.get(f"{town.path}/posts/{post['id']}")["body"] == "ours"
    # A brand's sign-in opens no other brand.
    with Caller(stack.base_url) as lost:
        body = {"organization": town.slug, "email": f"owner@{other.slug}.example", "password": PASSWORD}
        lost.ask("POST", "/v1/sessions", body, status=401)
