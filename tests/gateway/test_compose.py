"""One member on one page: parts asked for at once as the caller, a missing one said in its place, members' refusal the answer."""

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
    assert compose.PATH not in partly["paths"]
    merged = merging.merge(documents, openapi.base(GatewaySettings()))
    compose.describe(merged)
    schema = merged["components"]["schemas"]["MemberPage"]
    [example] = schema["examples"]
    assert example.keys() == {"member", "content", "engagement"}
    assert example["member"]["tags"]
    assert example["content"]["posts"] == 3
    assert example["engagement"]["available"] is True
