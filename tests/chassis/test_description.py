"""What the document says beyond FastAPI's own, and whose a path is."""

from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Response
from pydantic import Field

from chassis.app import router
from chassis.auth import Anyone, Person
from chassis.description import describe
from chassis.examples import example_of, restore_nulls
from chassis.requests import IfMatch, Route, TenantSession, prefer_literals
from chassis.schemas import Input, Output


class NoteCreate(Input):
    text: str = Field(examples=["Hello"])
    parent_id: UUID | None = None


class NoteOut(Output):
    id: UUID
    text: Annotated[str, Field(examples=["Hello"])]
    author: str | None
    version: int


notes = router("notes")


@notes.get("/v1/notes/{note_id}")
async def get_note(_person: Person, note_id: UUID) -> NoteOut:
    raise NotImplementedError(note_id)


@notes.post("/v1/notes/imports", status_code=201)
async def import_notes(_person: Person, session: TenantSession, body: NoteCreate) -> NoteOut:
    raise NotImplementedError(session, body)


@notes.patch("/v1/notes/{note_id}")
async def update_note(_person: Person, note_id: UUID, version: IfMatch, response: Response) -> NoteOut:
    raise NotImplementedError(note_id, version, response)


@notes.get("/v1/open")
async def read_open(_open: Anyone) -> list[str]:
    raise NotImplementedError


ROUTES = [route for route in notes.routes if isinstance(route, Route)]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = FastAPI()
    app.include_router(notes)
    describe(app, ROUTES)
    return app.openapi()


def headers(operation: dict[str, Any]) -> dict[str, bool]:
    return {one["name"]: one["required"] for one in operation.get("parameters", ()) if one["in"] == "header"}


def test_headers_are_described_where_they_are_read(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert headers(paths["/v1/notes/{note_id}"]["get"]) == {"Hearth-After": False}
    assert headers(paths["/v1/notes/{note_id}"]["patch"]) == {"If-Match": True, "Hearth-After": False}
    assert headers(paths["/v1/notes/imports"]["post"]) == {"Hearth-After": False, "Idempotency-Key": False}
    assert headers(paths["/v1/open"]["get"]) == {}
    assert paths["/v1/notes/imports"]["post"]["responses"]["201"]["headers"].keys() == {"Hearth-Position", "ETag"}
    assert "headers" not in paths["/v1/open"]["get"]["responses"]["200"]
    assert "409" in paths["/v1/notes/imports"]["post"]["responses"], "a twin is in flight"


def test_every_body_gets_an_example(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/notes/imports"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["example"]["text"] == "Hello"
    made = operation["responses"]["201"]["content"]["application/json"]["example"]
    assert made == {"id": made["id"], "text": "Hello", "author": None, "version": 1}
    assert UUID(made["id"])


def test_an_example_is_the_schemas_own_or_made_of_its_parts() -> None:
    schemas = {"Note": {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}}
    note = {"$ref": "#/components/schemas/Note"}
    assert example_of({"type": "array", "items": note}, schemas) == [{"at": "2026-11-22T07:30:00Z"}]
    assert example_of({"examples": [{"x": 1}], "type": "object"}, {}) == {"x": 1}
    assert example_of({"anyOf": [{"type": "string"}, {"type": "null"}]}, {}) is None
    assert example_of({"oneOf": [{"type": "null"}, {"enum": ["a", "b"]}]}, {}) == "a"
    assert example_of({"type": "integer", "minimum": 7}, {}) == 7
    for nothing in ({"type": "string"}, {}, {"anyOf": [{"type": "string"}]}):
        with pytest.raises(LookupError):
            example_of(nothing, {})
    with pytest.raises(LookupError, match="name: no example"):
        example_of({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}, {})
    with pytest.raises(LookupError, match="refers to itself"):
        example_of(note, {"Note": note})


def test_a_null_is_put_back_into_an_example_however_deep_it_lies() -> None:
    reference = {"$ref": "#/components/schemas/Card"}
    address = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    schemas: dict[str, dict[str, Any]] = {
        "Card": {"properties": {"id": {}, "avatar": address}, "required": ["id", "avatar"]},
        "Page": {
            "properties": {
                "hosts": {"type": "array", "items": reference},
                "by": {"anyOf": [reference, {"type": "null"}]},
            },
            "required": ["hosts", "by"],
            "examples": [{"hosts": [{"id": 1}, {"id": 2, "avatar": "x"}], "by": {"id": 3}}, {"hosts": []}],
        },
    }
    restore_nulls(schemas)
    assert schemas["Page"]["examples"] == [
        {"hosts": [{"id": 1, "avatar": None}, {"id": 2, "avatar": "x"}], "by": {"id": 3, "avatar": None}},
        {"hosts": [], "by": None},
    ]


def test_a_literal_is_not_a_value_of_another_routes_parameter() -> None:
    prefer_literals(ROUTES)
    one, imports, _, _ = ROUTES
    assert one.takes("/v1/notes/0198b7a2")
    assert not one.takes("/v1/notes/imports")
    assert imports.takes("/v1/notes/imports")
    assert imports.yields_to == ()
