"""Pages of several services: what each knows, asked for at once with the caller's own token, and put together."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a page: the service that knows it, and the route that it answers it on."""

    service: str
    path: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its parts, of which the first is what it is about (without that one there is no page), and its words in the document."""

    path: str
    parts: dict[str, Part]
    permission: str
    tag: str
    operation: str
    schema: str
    words: str
    description: str

    @property
    def pattern(self) -> str:
        """The page's row in the route table."""
        return "/".join("{}" if name.startswith("{") else name for name in self.path.split("/"))

    @property
    def whole(self) -> str:
        """The part without which there is no page."""
        return next(iter(self.parts))

    def addresses(self, target: str) -> dict[str, str]:
        """Return where each part is asked for, from the raw target of a request."""
        given = target.partition("?")[0].split("/")
        names = {name: value for name, value in zip(self.path.split("/"), given, strict=True) if name.startswith("{")}
        return {
            part: "/".join(names.get(segment, segment) for segment in one.path.split("/"))
            for part, one in self.parts.items()
        }


COMMUNITY = "/v1/communities/{community_id}"
MEMBER = COMMUNITY + "/members/{account_id}"
GROUP = COMMUNITY + "/groups/{group_id}"
AWAY = "Each part comes from its service, asked as the caller; one that is away says so in its place and costs the others nothing."
PAGES: tuple[Page, ...] = (
    Page(
        MEMBER + "/page",
        {
            "member": Part("members", MEMBER + "/file"),
            "content": Part("content", MEMBER + "/contributions"),
            "engagement": Part("engagement", MEMBER + "/presence"),
        },
        "community_moderator",
        "memberships",
        "getMemberPage",
        "MemberPage",
        "One member, as far as each service knows them.",
        f"Read one member on one page: moderators and managers. {AWAY} There is no page of who never applied here.",
    ),
    Page(
        COMMUNITY + "/card/page",
        {
            "card": Part("members", COMMUNITY + "/card"),
            "programme": Part("content", COMMUNITY + "/programme"),
        },
        "community_visitor",
        "groups",
        "getCommunityCardPage",
        "CommunityCardPage",
        "A community's card with what comes next in it.",
        "Read the community's card on one page: purpose, rules and what they mean, hosts, the pinned announcement, and the next slots and "
        f"activities with their times. {AWAY} What is pinned and planned is for members.",
    ),
    Page(
        GROUP + "/card/page",
        {
            "card": Part("members", GROUP + "/card"),
            "community": Part("members", COMMUNITY + "/card"),
            "programme": Part("content", GROUP + "/programme"),
        },
        "community_member",
        "groups",
        "getGroupCardPage",
        "GroupCardPage",
        "A group's card, its community's, whose rules hold here too, and what comes next in both.",
        "Read a group's card on one page: its purpose, rules, hosts and times and its community's, the pinned announcement, and the next "
        f"slots and activities of both with their times. {AWAY}",
    ),
)
_BY_PATTERN = {page.pattern: page for page in PAGES}

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


async def put_together(
    pattern: str, target: str, exchange: Exchange, upstreams: Mapping[str, Upstream], seconds: float
) -> Answer:
    """Answer GET of a page: 200 when the service of what it is about knows that and lets the caller see it.

    A part whose service is away or refuses says so in its place. What is refused of the first is the answer. Raises Problem when it is away.
    """
    page = _BY_PATTERN[pattern]
    fields = CIMultiDict((name, value) for name, value in exchange.forward if name.lower() not in NOT_FOR_PARTS)
    asked = {
        part: asyncio.create_task(upstreams[page.parts[part].service].fetch(path, fields, seconds, MOST_BYTES))
        for part, path in page.addresses(target).items()
    }
    try:
        status, retry_after, body = await asked[page.whole]
        if status != HTTPStatus.OK:
            return _passed_on(status, retry_after, body)
        answer = {page.whole: _read(body)}
        for part in page.parts:
            if part != page.whole:
                answer[part] = await _part(part, asked[part], exchange)
    finally:
        for task in asked.values():
            task.cancel()
        await asyncio.gather(*asked.values(), return_exceptions=True)
    fields_ = [(b"content-type", b"application/json"), (b"cache-control", b"private, no-store")]
    return 200, fields_, orjson.dumps(answer)


def _passed_on(status: int, retry_after: str | None, body: bytes) -> Answer:
    """Return what the first service refuses with; anything but a problem of its own is a malformed answer."""
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
        log.warning("page_part_missing", part=part, code=code, trace_id=exchange.trace_id)
    else:
        if status == HTTPStatus.OK:
            return {"available": True, **document}
        code, detail = str(document.get("type", "")).removeprefix(TYPE_PREFIX), str(document.get("detail", ""))
        tell = log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else log.info
        tell("page_part_missing", part=part, code=code, trace_id=exchange.trace_id)
    return {"available": False, "code": code, "detail": detail}


def _ok_schema(document: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    operation = document["paths"].get(path, {}).get("get", {})
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return schema


def _example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    named = document.get("components", {}).get("schemas", {}).get(str(schema.get("$ref", "")).rpartition("/")[2], {})
    return dict(next(iter(named.get("examples", [])), {}))


def describe(document: dict[str, Any]) -> None:
    """Add the pages to the merged document, each once all the services of its parts are in it."""
    for page in PAGES:
        found = {part: _ok_schema(document, one.path) for part, one in page.parts.items()}
        schemas = {part: schema for part, schema in found.items() if schema is not None}
        if schemas.keys() == page.parts.keys():
            _describe(document, page, schemas)
    document["paths"] = dict(sorted(document["paths"].items()))


def _describe(document: dict[str, Any], page: Page, schemas: Mapping[str, dict[str, Any]]) -> None:
    known = {"type": "object", "required": ["available"], "properties": {"available": {"const": True}}}
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
    properties = {
        part: schema
        if part == page.whole
        else {"anyOf": [{"allOf": [known, schema]}, {"$ref": "#/components/schemas/PartMissing"}]}
        for part, schema in schemas.items()
    }
    example = {
        part: _example(document, schema) if part == page.whole else {"available": True, **_example(document, schema)}
        for part, schema in schemas.items()
    }
    document["components"]["schemas"][page.schema] = {
        "type": "object",
        "title": page.schema,
        "description": page.words,
        "required": list(page.parts),
        "properties": properties,
        "examples": [example],
    }
    identifier = {"type": "string", "format": "uuid"}
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}}
    document["paths"][page.path] = {
        "get": {
            "tags": [page.tag],
            "operationId": page.operation,
            "summary": re.sub(r"(?<!^)(?=[A-Z])", " ", page.operation[0].upper() + page.operation[1:]),
            "description": page.description,
            "x-hearth-permission": page.permission,
            "parameters": [
                {"name": segment[1:-1], "in": "path", "required": True, "schema": identifier}
                for segment in page.path.split("/")
                if segment.startswith("{")
            ],
            "responses": {
                "200": {
                    "description": "The page.",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": f"#/components/schemas/{page.schema}"},
                            "example": example,
                        }
                    },
                },
                "403": {"description": "The caller may not do this.", **problem},
                "404": {"description": "It does not exist for this caller.", **problem},
                "422": {"description": "The request does not match what this route accepts.", **problem},
            },
        }
    }
