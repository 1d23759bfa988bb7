"""Pages of several services: parts asked for at once as the caller, a missing one said in its place, the first one's refusal the answer."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, cast

import orjson
import pytest
from tests.gateway.servers import COMMUNITY, Echo, answer, read_request, running, scripted, serving

from chassis.app import build_app
from chassis.runtime import Runtime
from gateway import compose, merging, openapi
from gateway.routing import Router
from gateway.settings import GatewaySettings

ACCOUNT = "01890a5d-ac96-774b-bcce-b302099a8058"
PAGE = f"/v1/communities/{COMMUNITY}/members/{ACCOUNT}/page"


def part(document: dict[str, Any], status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> Echo:
    return Echo(status=status, headers=headers, body=orjson.dumps(document))


def refusal(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"urn:hearth:problem:{code}",
        "title": "x",
        "status": status,
        "detail": "Why.",
        "trace_id": "0" * 32,
    }


async def test_the_parts_make_one_page_and_are_asked_as_the_caller() -> None:
    members, content, engagement = part({"tags": ["vip"]}), part({"posts": 3}), part({"active_days": 2})
    async with (
        serving(members) as m,
        serving(content) as c,
        serving(engagement) as e,
        running(c, members=m, engagement=e) as gateway,
    ):
        token = gateway.token()
        sent = {
            "Authorization": f"Bearer {token}",
            "Accept-Language": "zh",
            "Accept-Encoding": "gzip",
            "If-None-Match": '"1"',
            "Range": "bytes=0-1",
            "X-Hearth-Account": "forged",
        }
        reply = await gateway.ask("GET", f"{PAGE}?x=1", sent, signed=False)
        head = await gateway.ask("HEAD", PAGE)
        put = await gateway.ask("PUT", PAGE, body=b"{}")
        unsigned = await gateway.ask("GET", PAGE, signed=False)
        bad = await gateway.ask("GET", PAGE, {"Authorization": "Bearer x"}, signed=False)
    assert (reply.status, reply.get(b"cache-control")) == (200, b"private, no-store")
    assert orjson.loads(reply.body) == {
        "member": {"tags": ["vip"]},
        "content": {"available": True, "posts": 3},
        "engagement": {"available": True, "active_days": 2},
    }
    for service, last in ((members, "file"), (content, "contributions"), (engagement, "presence")):
        assert len(service.requests) == 2, "GET and HEAD; nothing is asked for whom the gateway refuses"
        first = service.requests[0]
        told = {name.decode(): value.decode() for name, value in first["headers"]}
        assert first["raw_path"].decode() == PAGE.removesuffix("page") + last
        assert told["authorization"] == f"Bearer {token}"
        assert told["accept-language"] == "zh"
        assert "traceparent" in told
        assert told.keys().isdisjoint({"accept-encoding", "if-none-match", "range", "x-hearth-account"})
        assert first["query_string"] == b""
    assert (head.status, head.body) == (200, b"")
    assert (put.status, put.get(b"allow")) == (405, b"GET, HEAD")
    assert (unsigned.status, bad.status) == (401, 401)


async def test_a_service_that_is_away_slow_or_refuses_leaves_its_part_and_nothing_else() -> None:
    async def stuck(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        await reader.read()

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(answer(b"<html>"))
        await writer.drain()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(answer(b'{"a":"' + b"x" * (compose.MOST_BYTES + 1) + b'"}'))
        await writer.drain()

    members, refusing = part({"tags": []}), part(refusal(404, "not-found"), 404)
    async with (
        serving(members) as m,
        serving(refusing) as r,
        scripted(stuck) as s,
        scripted(garbage) as g,
        scripted(endless) as n,
    ):
        for content, engagement, codes in (
            (1, s.port, ["service-unavailable", "service-timeout"]),
            (r, g.port, ["not-found", "service-malformed"]),
            (n.port, 1, ["service-malformed", "service-unavailable"]),
        ):
            async with running(content, members=m, engagement=engagement, compose_seconds=0.3) as gateway:
                reply = await gateway.ask("GET", PAGE)
            page = orjson.loads(reply.body)
            assert (reply.status, page["member"]) == (200, {"tags": []})
            assert [page[name]["available"] for name in ("content", "engagement")] == [False, False]
            assert [page[name]["code"] for name in ("content", "engagement")] == codes
            assert all(page[name]["detail"] for name in ("content", "engagement"))


@pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (404, "not-found"), (503, "database-unavailable")])
async def test_what_members_refuses_is_the_answer(status: int, code: str) -> None:
    members = part(refusal(status, code), status, [(b"retry-after", b"7"), (b"x-hearth-secret", b"s")])
    async with (
        serving(members) as m,
        serving(part({})) as other,
        running(other, members=m, engagement=other) as gateway,
    ):
        reply = await gateway.ask("GET", PAGE)
    assert (reply.status, reply.code) == (status, code)
    assert reply.get(b"retry-after") == b"7"
    assert reply.get(b"x-hearth-secret") is None


async def test_without_members_there_is_no_page() -> None:
    async with serving(part({})) as other:
        async with running(other, engagement=other) as gateway:
            away = await gateway.ask("GET", PAGE)
        assert (away.status, away.code) == (503, "service-unavailable")
        for wrong in (Echo(body=b"<html>"), Echo(body=b"[]"), Echo(status=302, body=b"{}")):
            async with serving(wrong) as m, running(other, members=m, engagement=other) as gateway:
                malformed = await gateway.ask("GET", PAGE)
            assert (malformed.status, malformed.code) == (502, "service-malformed")


def test_the_page_is_described_once_its_parts_are() -> None:
    nothing = cast("Runtime", None)
    documents = {
        name: build_app(importlib.import_module(f"{name}.app").service, nothing).openapi()
        for name in ("members", "content", "engagement")
    }
    partly = merging.merge({"members": documents["members"]}, openapi.base(GatewaySettings()))
    compose.describe(partly)
    assert {page.path for page in compose.PAGES}.isdisjoint(partly["paths"])
    merged = merging.merge(documents, openapi.base(GatewaySettings()))
    compose.describe(merged)
    for page in compose.PAGES:
        [example] = merged["components"]["schemas"][page.schema]["examples"]
        assert example.keys() == page.parts.keys()
        operation = merged["paths"][page.path]["get"]
        first = merged["paths"][page.parts[page.whole].path]["get"]
        # Whoever may read what the page is about may read the page.
        assert operation["x-hearth-permission"] == first["x-hearth-permission"]
        assert {one["name"] for one in operation["parameters"]} <= {one["name"] for one in first["parameters"]}
        assert operation["summary"] == "Get " + page.schema.replace("Page", " Page").replace("Card", " Card")
    example = merged["components"]["schemas"]["MemberPage"]["examples"][0]
    assert example["member"]["tags"]
    assert example["content"]["posts"] == 3
    assert example["engagement"]["available"] is True
    example = merged["components"]["schemas"]["GroupCardPage"]["examples"][0]
    assert example["card"]["rules"][0]["interpretation"]
    assert example["programme"]["slots"][0]["due_at"]


def test_every_page_stands_in_the_route_table_and_its_parts_lead_to_their_services() -> None:
    router = Router()
    assert {route.pattern for route in router.table if route.composed} == {page.pattern for page in compose.PAGES}
    for page in compose.PAGES:
        for part in page.parts.values():
            route = router.match(part.path.replace("{", "").replace("}", ""))
            assert route is not None
            assert route.service == part.service, part


CARD = f"/v1/communities/{COMMUNITY}/card"
GROUP = f"/v1/communities/{COMMUNITY}/groups/{ACCOUNT}"


async def test_a_groups_card_brings_its_communitys_and_what_comes_next() -> None:
    members, content = part({"rules": [{"text": {"zh": "不发广告"}}]}), part({"slots": []})
    async with serving(members) as m, serving(content) as c, running(c, members=m, engagement=1) as gateway:
        own = await gateway.ask("GET", f"{CARD}/page")
        group = await gateway.ask("GET", f"{GROUP}/card/page?after=1")
    told = {"rules": [{"text": {"zh": "不发广告"}}]}
    assert (own.status, group.status) == (200, 200)
    assert orjson.loads(own.body) == {"card": told, "programme": {"available": True, "slots": []}}
    assert orjson.loads(group.body) == {
        "card": told,
        "community": {"available": True, **told},
        "programme": {"available": True, "slots": []},
    }
    asked = [one["raw_path"].decode() for one in members.requests]
    assert (asked[0], sorted(asked[1:])) == (CARD, [CARD, f"{GROUP}/card"])
    assert [one["raw_path"].decode() for one in content.requests] == [
        f"/v1/communities/{COMMUNITY}/programme",
        f"{GROUP}/programme",
    ]


async def test_a_card_stands_without_what_comes_next_and_not_without_members() -> None:
    async with serving(part({"version": 1})) as m, serving(part(refusal(404, "not-found"), 404)) as gone:
        async with running(1, members=m, engagement=1) as gateway:
            reply = await gateway.ask("GET", f"{GROUP}/card/page")
        page = orjson.loads(reply.body)
        assert (reply.status, page["card"], page["community"]["version"]) == (200, {"version": 1}, 1)
        assert (page["programme"]["available"], page["programme"]["code"]) == (False, "service-unavailable")
        async with running(m, members=gone, engagement=1) as gateway:
            reply = await gateway.ask("GET", f"{GROUP}/card/page")
        assert (reply.status, reply.code) == (404, "not-found")
