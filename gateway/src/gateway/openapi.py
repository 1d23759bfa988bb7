"""The one OpenAPI document: fetched from the services, merged, kept, and served at /openapi.json."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import ClientError

from chassis import telemetry
from chassis.errors import MEDIA_TYPE, Problem
from chassis.schemas import ProblemOut
from gateway import compose, merging, pages
from gateway.catalogue import webhooks
from gateway.exchange import Exchange
from gateway.merging import Json
from gateway.proxy import Died
from gateway.routing import PARAMETER, Access, Router
from gateway.settings import GatewaySettings

FETCH_SECONDS = 3.0
AGAIN_SECONDS = 2.0
"""How long to wait before asking a service again that did not answer."""

WILDCARDS = frozenset(("0.0.0.0", "::"))  # noqa: S104  compared with, not bound to

Get = Callable[[str, float], Awaitable[bytes]]

# What the gateway answers itself on any route; a service's own description of the same status stays.
ANSWERS = {
    "400": ("Malformed", "The request is malformed."),
    "401": ("Unauthorized", "No token, or one that is not valid any more."),
    "408": ("RequestTimeout", "The body did not arrive."),
    "413": ("BodyTooLarge", "The body is larger than the route takes."),
    "414": ("TargetTooLong", "Path and query are too long."),
    "429": ("RateLimited", "Too many requests: Retry-After says when to come back."),
    "431": ("HeadersTooLarge", "The headers are too large, or too many."),
    "502": ("BadGateway", "The service broke off."),
    "503": ("Unavailable", "The service cannot be reached: Retry-After says when to come back."),
    "504": ("GatewayTimeout", "The service did not answer in time."),
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}}
SECURITY: list[Json] = [{"bearer": []}, {"client": []}]

log = telemetry.log("gateway.openapi")


def _problem(description: str, *, retry: bool) -> Json:
    answer: Json = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
    if retry:
        answer["headers"] = _RETRY_AFTER
    return answer


def base(settings: GatewaySettings) -> Json:
    """Return what the document has before any service adds to it."""
    public_url = settings.public_url
    # Servers may be relative, so that the document fits whatever name it was reached by; a tokenUrl may not.
    host = "localhost" if settings.host in WILDCARDS else settings.host
    outside = public_url.rstrip("/") if "://" in public_url else f"http://{host}:{settings.port}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hearth",
            "version": "1",
            "description": "A brand's private communities (私域社群): who belongs, what is said, what is done, and what it brings back.",
        },
        "servers": [{"url": public_url}],
        "security": SECURITY,
        "components": {
            "schemas": {"ProblemOut": ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")},
            "responses": {
                name: _problem(words, retry=status in {"429", "503"}) for status, (name, words) in ANSWERS.items()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of POST /v1/sessions, for people.",
                },
                "client": {
                    "type": "oauth2",
                    "description": "Client credentials, for partners' programs.",
                    "flows": {"clientCredentials": {"tokenUrl": f"{outside}/v1/oauth/token", "scopes": {}}},
                },
            },
        },
    }


def complete(document: Json, router: Router) -> Json:
    """Add to a merged document what the gateway knows: who needs a token, and what it answers itself."""
    for path, method, operation in merging.operations(document):
        route = router.match(sample(path))
        rule = route.access.get(method.upper(), Access.TOKEN) if route is not None else Access.TOKEN
        operation["security"] = {Access.TOKEN: SECURITY, Access.OPTIONAL: [{}, *SECURITY], Access.OPEN: []}[rule]
        answers = operation.setdefault("responses", {})
        for status, (name, _) in ANSWERS.items():
            takes_body = "requestBody" in operation
            if (status in {"408", "413"} and not takes_body) or (status == "401" and rule is Access.OPEN):
                continue
            answers.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    return document


def sample(template: str) -> str:
    """Return a path that a path template stands for."""
    return "/".join("~" if segment.startswith("{") else segment for segment in template.split("/"))


class Document:
    """The document as it was known last. A service that is away keeps its part; the document says so in `x-hearth-stale` or `-missing`."""

    def __init__(self, gets: Mapping[str, Get], router: Router, settings: GatewaySettings) -> None:
        self._gets = gets
        self._router = router
        self._settings = settings
        self._known: dict[str, Json] = {}
        self._away: set[str] = set(gets)
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._body = b""
        self._etag = b""

    async def page(self, exchange: Exchange) -> pages.Answer:
        """Answer GET /openapi.json. Raises Problem 503 while no service has been heard."""
        await self.refresh()
        if not self._known:
            raise Problem(503, "service-unavailable", "No service has answered yet.", headers={"Retry-After": "1"})
        fields = [(b"etag", self._etag), (b"cache-control", b"no-cache")]
        if pages.matches(exchange.if_none_match, self._etag):
            return 304, fields, b""
        return 200, [*fields, (b"content-type", b"application/json")], self._body

    async def refresh(self) -> None:
        """Ask the services anew when the document is too old; one caller asks, the others wait for it."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at < (AGAIN_SECONDS if self._away else self._settings.openapi_seconds):
                return
            found = await asyncio.gather(*(self._fetch(service) for service in self._gets))
            self._asked_at = asyncio.get_running_loop().time()
            heard = dict(zip(self._gets, found, strict=True))
            self._away = {service for service, document in heard.items() if document is None}
            known = {
                **self._known,
                **{service: document for service, document in heard.items() if document is not None},
            }
            if known:
                self._publish(known)

    async def _fetch(self, service: str) -> Json | None:
        try:
            document = orjson.loads(await self._gets[service]("/openapi.json", FETCH_SECONDS))
        except (OSError, ClientError, Died, orjson.JSONDecodeError) as error:
            log.warning("openapi_unavailable", upstream=service, error=type(error).__name__)
            return None
        return document if isinstance(document, dict) else None

    def _publish(self, known: dict[str, Json]) -> None:
        start = base(self._settings)
        if stale := sorted(self._away & known.keys()):
            start["info"]["x-hearth-stale"] = stale
        if missing := sorted(self._away - known.keys()):
            start["info"]["x-hearth-missing"] = missing
        try:
            merged = merging.merge(known, start)
            compose.describe(merged)
            webhooks.describe(merged)
            complete(merged, self._router)
        except ValueError:
            # The services of a release fit together, which a test holds; while one release replaces another the last whole document serves.
            log.exception("openapi_collision")
            return
        self._known = known
        self._body = orjson.dumps(merged)
        self._etag = b'"%s"' % hashlib.sha256(self._body).hexdigest()[:32].encode()


def check(documents: Mapping[str, Json], router: Router) -> list[str]:
    """Return what is wrong between the services' documents and the route table, one sentence each; nothing when all is well.

    Every route of every service must be reachable through the table for every value of its parameters, at the right service; no two may
    collide; no row may lead nowhere; and who needs no token must be the same in the table as in the service.
    """
    complaints: list[str] = []
    used: set[str] = set()
    owners: dict[tuple[tuple[str, ...], str], str] = {}
    for service, document in documents.items():
        for path, method, operation in merging.operations(document):
            shape = tuple(PARAMETER if segment.startswith("{") else segment for segment in path.strip("/").split("/"))
            other = owners.setdefault((shape, method), service)
            if other != service:
                complaints.append(f"{method.upper()} {path} is answered by {other} and {service}.")
            for concrete in _instances(shape, router):
                route = router.match(concrete)
                if route is None:
                    complaints.append(f"{path} of {service} is not in the route table.")
                elif route.service != service:
                    complaints.append(
                        f"{concrete}, which is {path} of {service}, goes to {route.service} by {route.pattern}."
                    )
            own = router.match(sample(path))
            if own is not None:
                used.add(own.pattern)
                complaints += _access_complaint(path, method, operation, own.access.get(method.upper(), Access.TOKEN))
    complaints += [
        f"{route.pattern} leads to nothing of {route.service}."
        for route in router.table
        # What the gateway puts together itself stands in no service's document.
        if route.service in documents and route.pattern not in used and not route.composed
    ]
    return sorted(set(complaints))


def _access_complaint(path: str, method: str, operation: Json, rule: Access) -> list[str]:
    permission = operation.get("x-hearth-permission")
    if permission is None or (permission == "public") == (rule is not Access.TOKEN):
        return []
    return [f"{method.upper()} {path} is {permission} in its service and {rule.value} in the route table."]


def _instances(shape: tuple[str, ...], router: Router) -> list[str]:
    """Return paths of a shape: one with neutral values, and those in which a value is a literal of some row, which might capture it."""
    found: list[list[str]] = [[]]
    for position, segment in enumerate(shape):
        if segment != PARAMETER:
            found = [[*path, segment] for path in found]
            continue
        literals = {route.segments[position] for route in router.table if len(route.segments) > position} - {
            PARAMETER,
            "**",
        }
        found = [[*path, value] for path in found for value in ("~", *sorted(literals))]
    return ["/" + "/".join(path) for path in found]


def routes_of(document: Json) -> list[tuple[str, str]]:
    """Return (METHOD, path template) of every operation of a document."""
    return [(method.upper(), path) for path, method, _ in merging.operations(document)]
