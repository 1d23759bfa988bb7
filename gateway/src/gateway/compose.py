"""One member on one page: what each service knows, asked for at once with the caller's own token, and put together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from multidict import CIMultiDict

from chassis import telemetry
from chassis.errors import MEDIA_TYPE, TYPE_PREFIX, Problem
from gateway.exchange import Exchange
from gateway.pages import Answer
from gateway.proxy import Upstream

METHODS = frozenset(("GET", "HEAD"))
MOST_BYTES = 1 << 20
"""Of one part."""

PATH = "/v1/communities/{community_id}/members/{account_id}/page"
PARTS = {
    "member": ("members", "file"),
    "content": ("content", "contributions"),
    "engagement": ("engagement", "presence"),
}
"""Part of the page → the service that knows it, and the last segment of its route. The member is the page; without it there is none."""

# What concerns the page as it would be cached or compressed, and not its parts.
NOT_FOR_PARTS = frozenset(
    (
        "accept",
        "accept-encoding",
        "content-type",
        "content-encoding",
        "idempotency-key",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
    )
)

log = telemetry.log("gateway.compose")


async def member_page(target: str, exchange: Exchange, upstreams: Mapping[str, Upstream], seconds: float) -> Answer:
    """Answer GET /v1/communities/{}/members/{}/page: 200 when members knows the member and lets the caller see it.

    A part whose service is away or refuses says so in its place. What members itself refuses is the answer. Raises Problem when it is away.
    """
    place = target.partition("?")[0].removesuffix("page")
    fields = CIMultiDict((name, value) for name, value in exchange.forward if name.lower() not in NOT_FOR_PARTS)
    asked = {
        part: asyncio.create_task(upstreams[service].fetch(place + last, fields, seconds, MOST_BYTES))
        for part, (service, last) in PARTS.items()
    }
    try:
        status, retry_after, body = await asked["member"]
        if status != HTTPStatus.OK:
            return _passed_on(status, retry_after, body)
        page = {"member": _read(body)}
        for part in PARTS.keys() - {"member"}:
            page[part] = await _part(part, asked[part], exchange)
    finally:
        for task in asked.values():
            task.cancel()
        await asyncio.gather(*asked.values(), return_exceptions=True)
    fields_ = [(b"content-type", b"application/json"), (b"cache-control", b"private, no-store")]
    return 200, fields_, orjson.dumps({part: page[part] for part in PARTS})


def _passed_on(status: int, retry_after: str | None, body: bytes) -> Answer:
    """Return what members refuses with; anything but a problem of its own is a malformed answer."""
    if status < HTTPStatus.BAD_REQUEST:
        raise Problem(502, "service-malformed", "The service's answer is no page.")
    fields = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    if status == HTTPStatus.UNAUTHORIZED:
        fields.append((b"www-authenticate", b'Bearer realm="hearth", error="invalid_token"'))
    if retry_after is not None:
        fields.append((b"retry-after", retry_after.encode("latin-1")))
    return status, fields, body


def _read(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(502, "service-malformed", "The service's answer was not JSON.") from error
    if not isinstance(document, dict):
        raise Problem(502, "service-malformed", "The service's answer is no page.")
    return document


async def _part(part: str, asked: asyncio.Task[tuple[int, str | None, bytes]], exchange: Exchange) -> dict[str, Any]:
    """Return a part with `available`, and instead of a missing one why it is missing."""
    try:
        status, _, body = await asked
        document = _read(body)
    except Problem as problem:
        code, detail = problem.code, problem.detail
    else:
        if status == HTTPStatus.OK:
            return {"available": True, **document}
        code, detail = str(document.get("type", "")).removeprefix(TYPE_PREFIX), str(document.get("detail", ""))
    log.warning("page_part_missing", part=part, code=code, trace_id=exchange.trace_id)
    return {"available": False, "code": code, "detail": detail}


def _ok_schema(document: Mapping[str, Any], last: str) -> dict[str, Any] | None:
    operation = document["paths"].get(PATH.removesuffix("page") + last, {}).get("get", {})
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return schema


def _example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    named = document.get("components", {}).get("schemas", {}).get(str(schema.get("$ref", "")).rpartition("/")[2], {})
    return dict(next(iter(named.get("examples", [])), {}))


def describe(document: dict[str, Any]) -> None:
    """Add the page to the merged document, once all the services of its parts are in it."""
    found = {part: _ok_schema(document, last) for part, (_, last) in PARTS.items()}
    schemas = {part: schema for part, schema in found.items() if schema is not None}
    if schemas.keys() != PARTS.keys():
        return
    known = {"type": "object", "required": ["available"], "properties": {"available": {"const": True}}}
    properties = {
        part: schema
        if part == "member"
        else {"anyOf": [{"allOf": [known, schema]}, {"$ref": "#/components/schemas/PartMissing"}]}
        for part, schema in schemas.items()
    }
    document["components"]["schemas"]["PartMissing"] = {
        "type": "object",
        "title": "PartMissing",
        "description": "Why a part of the page is not there; the others are.",
        "required": ["available", "code", "detail"],
        "properties": {
            "available": {"const": False},
            "code": {"type": "string", "description": "stable, as in a problem's type"},
            "detail": {"type": "string"},
        },
        "examples": [{"available": False, "code": "service-unavailable", "detail": "The service cannot be reached."}],
    }
    example = {
        part: _example(document, schema) if part == "member" else {"available": True, **_example(document, schema)}
        for part, schema in schemas.items()
    }
    document["components"]["schemas"]["MemberPage"] = {
        "type": "object",
        "title": "MemberPage",
        "description": "One member, as far as each service knows them.",
        "required": list(PARTS),
        "properties": properties,
        "examples": [example],
    }
    identifier = {"type": "string", "format": "uuid"}
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}}
    document["paths"][PATH] = {
        "get": {
            "tags": ["memberships"],
            "operationId": "getMemberPage",
            "summary": "Get Member Page",
            "description": "Read one member on one page: moderators and managers. Each part comes from its service, asked as the caller; "
            "one that is away says so in its place and costs the others nothing. There is no page of who never applied here.",
            "x-hearth-permission": "community_moderator",
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": identifier}
                for name in ("community_id", "account_id")
            ],
            "responses": {
                "200": {
                    "description": "The page.",
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/MemberPage"}, "example": example}
                    },
                },
                "403": {"description": "The caller may not do this.", **problem},
                "404": {"description": "It does not exist for this caller.", **problem},
                "422": {"description": "The request does not match what this route accepts.", **problem},
            },
        }
    }
    document["paths"] = dict(sorted(document["paths"].items()))
