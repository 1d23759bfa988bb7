"""What the OpenAPI document says beyond FastAPI's own: permissions, the headers that every route shares, examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from chassis import auth, requests
from chassis.examples import example_of, restore_nulls
from chassis.schemas import ProblemOut, problems

Json = dict[str, Any]

_JSON = "application/json"
_A_POSITION = "[a-z_]{1,40}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@[0-9]{1,18}"
_IF_MATCH: Json = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that was read: what changed since is not overwritten (412).",
    "schema": {"type": "string", "pattern": '^"?[0-9]{1,18}"?$'},
    "example": '"1"',
}
_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeat a request with the same key within 24 hours and get the same answer, done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "6c1e7d3a-9f4b",
}
_HEARTH_AFTER: Json = {
    "name": "Hearth-After",
    "in": "header",
    "required": False,
    "description": "Hearth-Position of an earlier write: the answer waits up to 2 s until this service has seen it (503).",
    "schema": {"type": "string", "pattern": f"^{_A_POSITION}(, ?{_A_POSITION})*$"},
    "example": "membership/0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10@2",
}
_ETAG: Json = {"description": "The version, for If-Match.", "schema": {"type": "string"}}
_POSITION: Json = {"description": "What was reached, for Hearth-After.", "schema": {"type": "string"}}


def describe(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Make the app's document say what these routes really take and answer."""
    original = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            document = original()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas["ProblemOut"] = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
            # Ours are problem documents; FastAPI's own validation schema describes nothing that is sent.
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            restore_nulls(schemas)
            by_path = {(route.path_format, method.lower()): route for route in routes for method in route.methods or ()}
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _describe_operation(operation, method, by_path.get((path, method)), schemas)
        return app.openapi_schema or original()

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_operation(operation: Json, method: str, route: APIRoute | None, schemas: Mapping[str, Json]) -> None:
    answers = operation.get("responses", {})
    invalid = answers.get("422")
    if invalid and _JSON in invalid.get("content", {}):
        answers["422"] = problems(422)[422]
    if _JSON in operation.get("requestBody", {}).get("content", {}):
        answers.setdefault("415", problems(415)[415])
    if route is not None:
        operation["x-hearth-permission"] = auth.permission_of(route)
        _describe_headers(operation, method, set(_calls(route.dependant)), schemas)
    bodies = [operation.get("requestBody", {}), *(answer for status, answer in answers.items() if status[0] == "2")]
    for content in (media for body in bodies for media in body.get("content", {}).values()):
        if "schema" in content and "example" not in content and "examples" not in content:
            with suppress(LookupError):  # which a test of the whole document complains of
                content["example"] = example_of(content["schema"], schemas)


def _describe_headers(
    operation: Json, method: str, calls: set[Callable[..., Any]], schemas: Mapping[str, Json]
) -> None:
    taken = []
    if requests.if_match in calls:
        taken.append(_IF_MATCH)
    if auth.authenticate in calls:
        taken.append(_HEARTH_AFTER)
        if method == "post" and requests.tenant_session in calls:
            taken.append(_IDEMPOTENCY_KEY)
            operation["responses"].setdefault("409", problems(409)[409])
    if taken:
        operation.setdefault("parameters", []).extend(taken)
    for status, answer in operation["responses"].items():
        if status[0] != "2":
            continue
        headers = answer.setdefault("headers", {})
        if method != "get":
            headers["Hearth-Position"] = _POSITION
        if _has_version(answer.get("content", {}).get(_JSON, {}).get("schema", {}), schemas):
            headers["ETag"] = _ETAG
        if not headers:
            del answer["headers"]


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from _calls(inner)


def _has_version(schema: Json, schemas: Mapping[str, Json]) -> bool:
    whole = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return "version" in whole.get("properties", {}) or any(
        _has_version(choice, schemas) for choice in whole.get("anyOf", ())
    )
