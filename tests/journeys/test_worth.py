"""What a piece did for its readers, over the real gateway and services: said, read, kept and talked about, then seen as worth."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.chassis.workbooks import read_rows
from tests.journeys.callers import Caller, Town, found_town
from tests.stack_fixture import LiveStack


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url)
    yield town
    town.close()


def count(stack: LiveStack) -> None:
    """Have the worker come round now rather than in some minutes."""
    stack.execute("content", "UPDATE due_work SET due_at = now() WHERE kind = 'worth.count'")
    stack.drain()


def with_roles(town: Town, name: str, *roles: str) -> Caller:
    """A member with roles."""
    caller = town.member(name)
    own = caller.get(f"{town.path}/memberships/me")
    url = f"{town.path}/memberships/{own['id']}/roles"
    town.owner.ask("PUT", url, {"roles": list(roles)}, version=own["version"])
    return caller


def test_what_a_piece_did_for_its_readers(stack: LiveStack, town: Town) -> None:
    editor, analyst = with_roles(town, "ed", "editor"), with_roles(town, "ana", "analyst")
    lin, mei = town.member("lin"), town.member("mei")
    article = editor.ask(
        "POST", f"{town.path}/posts", {"kind": "article", "title": "三步记住一个词", "body": "一、读"}, status=201
    ).json()
    offer = editor.ask(
        "POST", f"{town.path}/posts", {"kind": "article", "body": "课程打折", "promotion": True}, status=201
    ).json()
    url = f"{town.path}/posts/{article['id']}"
    for reader in (lin, mei, town.owner):
        reader.ask("POST", f"{town.path}/reads", {"post_ids": [article["id"]]})
    lin.ask("PUT", f"{url}/bookmark")
    comment = lin.ask("POST", f"{url}/comments", {"body": "有用"}, status=201).json()
    mei.ask("POST", f"{url}/comments", {"body": "同意", "parent_id": comment["id"]}, status=201)
    count(stack)
    worth = analyst.get(f"{url}/worth")
    figures = worth["figures"]
    assert [figures[name] for name in ("readers", "saves", "discussants", "repliers")] == [2, 1, 2, 1], (
        "the owner is staff"
    )
    assert (worth["points"], worth["score_version"]) == (2 + 3 + 8 + 6, 1)
    assert [one["post_id"] for one in analyst.all(f"{town.path}/worth", kind="article")] == [article["id"], offer["id"]]
    [week] = [one for one in analyst.get(f"{town.path}/worth/balance")["weeks"] if one["promotion"]]
    assert (week["promotion"], week["ratio"]) == (1, float(week["value"]))
    header, *rows = read_rows(analyst.ask("GET", f"{town.path}/worth/export.xlsx").content)
    assert [row[header.index("Readers")] for row in rows if row[0] == article["id"]] == [2]
    for address in (
        f"{url}/worth",
        f"{town.path}/worth",
        f"{town.path}/worth/balance",
        f"{town.path}/worth/export.xlsx",
    ):
        mei.ask("GET", address, status=403)
        with httpx.Client(base_url=stack.base_url, trust_env=False) as anyone:
            assert anyone.get(address).status_code == 401
    # What is read again counts nobody twice; what is kept no longer is not kept.
    lin.ask("POST", f"{town.path}/reads", {"post_ids": [article["id"]]})
    lin.ask("DELETE", f"{url}/bookmark", status=204)
    count(stack)
    figures = analyst.get(f"{url}/worth")["figures"]
    assert (figures["readers"], figures["saves"]) == (2, 0)


def test_nobody_elsewhere_sees_it(stack: LiveStack, town: Town) -> None:
    [piece, *_] = town.owner.all(f"{town.path}/worth")
    other = found_town(stack.base_url)
    try:
        for address in (f"{town.path}/worth", f"{town.path}/posts/{piece['post_id']}/worth"):
            other.owner.ask("GET", address, status=404)
        other.owner.ask("GET", f"{other.path}/posts/{piece['post_id']}/worth", status=404)
    finally:
        other.close()
