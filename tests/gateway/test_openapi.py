from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.servers import Echo, running, serving

from gateway import merging

BASE = {"openapi": "3.1.0", "info": {"title": "All", "version": "1"}, "components": {}}


def operation(name: str, schema: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "."}
    if schema:
        answer["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"operationId": name, "tags": ["t"], "responses": {"200": answer}}


def document(paths: dict[str, Any], schemas: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas or {}},
        **more,
    }


PAGE = {"type": "object", "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}}


def test_equal_components_are_shared_and_differing_ones_named_by_their_service() -> None:
    shared = {"type": "object", "properties": {"id": {"type": "string"}}}
    one = document(
        {"/a": {"get": operation("a", "Item")}},
        {"Item": {"type": "string"}, "Page": PAGE, "Shared": shared, "Mine": {"type": "null"}},
    )
    two = document(
        {"/b": {"get": operation("b", "Page")}}, {"Item": {"type": "integer"}, "Page": PAGE, "Shared": shared}
    )
    merged = merging.merge({"two": two, "one": one}, BASE)
    schemas = merged["components"]["schemas"]
    assert schemas.keys() == {"Mine", "OneItem", "OnePage", "Shared", "TwoItem", "TwoPage"}
    assert schemas["OneItem"] == {"type": "string"}
    # Pages read alike and are of different things.
    assert schemas["TwoPage"]["properties"]["data"]["items"] == {"$ref": "#/components/schemas/TwoItem"}
    answers = [
        merged["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        for path in ("/a", "/b")
    ]
    assert answers == ["#/components/schemas/OneItem", "#/components/schemas/TwoPage"]
    assert set(merging.references(merged)) <= {("schemas", name) for name in schemas}


def test_what_refers_to_itself_is_shared_too() -> None:
    tree = {
        "Tree": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
        }
    }
    merged = merging.merge({"one": document({}, tree), "two": document({}, tree)}, BASE)
    assert merged["components"]["schemas"] == tree


def test_mappings_of_discriminators_follow() -> None:
    union = {
        "oneOf": [{"$ref": "#/components/schemas/Item"}],
        "discriminator": {"propertyName": "kind", "mapping": {"item": "#/components/schemas/Item"}},
    }
    one = document({}, {"Item": {"type": "string"}, "Union": union})
    two = document({}, {"Item": {"type": "integer"}})
    schemas = merging.merge({"one": one, "two": two}, BASE)["components"]["schemas"]
    assert schemas["Union"]["discriminator"]["mapping"] == {"item": "#/components/schemas/OneItem"}


def test_operations_named_alike_get_their_services_name() -> None:
    merged = merging.merge(
        {
            "one": document({"/a": {"get": operation("listThings")}}),
            "two": document({"/b": {"get": operation("listThings"), "put": operation("put")}}),
        },
        BASE,
    )
    assert merged["paths"]["/a"]["get"]["operationId"] == "oneListThings"
    assert merged["paths"]["/b"]["get"]["operationId"] == "twoListThings"
    assert merged["paths"]["/b"]["put"]["operationId"] == "put"


def test_one_path_may_have_methods_of_two_services_but_not_one_method() -> None:
    one, two = document({"/a": {"get": operation("a")}}), document({"/a": {"put": operation("b")}})
    assert merging.merge({"one": one, "two": two}, BASE)["paths"]["/a"].keys() == {"get", "put"}
    with pytest.raises(ValueError, match="two services answer GET /a"):
        merging.merge({"one": one, "two": one}, BASE)


def test_tags_are_united_and_the_order_is_stable() -> None:
    one = document({"/b": {"get": operation("b")}}, {"B": {}}, tags=[{"name": "t", "description": "first"}])
    two = document(
        {"/a": {"get": operation("a")}}, {"A": {}}, tags=[{"name": "t", "description": "second"}, {"name": "u"}]
    )
    merged = merging.merge({"one": one, "two": two}, BASE)
    assert merged["tags"] == [{"name": "t", "description": "first"}, {"name": "u"}]
    assert list(merged["paths"]) == ["/a", "/b"]
    assert orjson.dumps(merged) == orjson.dumps(merging.merge({"two": two, "one": one}, BASE))


NAMES = st.sampled_from(["A", "B", "C"])
SCHEMAS = st.dictionaries(
    NAMES,
    st.sampled_from([{"type": "string"}, {"type": "null"}])
    | NAMES.map(lambda name: {"$ref": f"#/components/schemas/{name}"}),
)


@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), SCHEMAS))
def test_every_reference_means_what_it_meant(services: dict[str, dict[str, Any]]) -> None:
    documents = {
        service: document(
            {f"/{service}/{name}": {"get": operation(f"{service}{name}", name)} for name in schemas}, schemas
        )
        for service, schemas in services.items()
    }
    merged = merging.merge(documents, BASE)
    for service, schemas in services.items():
        for name in schemas:
            pointed = merged["paths"][f"/{service}/{name}"]["get"]["responses"]["200"]["content"]["application/json"][
                "schema"
            ]
            meant = _resolved({"$ref": f"#/components/schemas/{name}"}, schemas)
            if meant != "nowhere":  # a document that points nowhere is broken before we see it
                assert _resolved(pointed, merged["components"]["schemas"]) == meant


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Follow references to what is not one; going round in circles is a meaning too."""
    seen = set()
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in seen:
            return "circle"
        if name not in schemas:
            return "nowhere"
        seen.add(name)
        schema = schemas[name]
    return schema


class Service:
    """A service whose document can change and which can go away."""

    def __init__(self, document_: dict[str, Any]) -> None:
        self.document, self.away, self.asked = document_, False, 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        assert scope["path"] == "/openapi.json"
        self.asked += 1
        await send({"type": "http.response.start", "status": 503 if self.away else 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(self.document)})


def service(path: str, name: str) -> Service:
    paths = {path: {"get": operation(name)}}
    if name == "me":
        paths["/v1/sessions"] = {"post": operation("login")}
    return Service(document(paths))


async def test_one_document_for_all_services() -> None:
    members, content, engagement = (
        service("/v1/me", "me"),
        service("/v1/communities/{id}/posts", "feed"),
        service("/v1/communities/{id}/pulse", "pulse"),
    )
    async with (
        serving(members) as m,
        serving(content) as c,
        serving(engagement) as e,
        running(c, members=m, engagement=e) as gateway,
    ):
        replies = await asyncio.gather(*(gateway.ask("GET", "/openapi.json", signed=False) for _ in range(5)))
        again = await gateway.ask(
            "GET",
            "/openapi.json",
            {"If-None-Match": f'W/"x", {(replies[0].get(b"etag") or b"").decode()}'},
            signed=False,
        )
        head = await gateway.ask("HEAD", "/openapi.json", signed=False)
        posted = await gateway.ask("POST", "/openapi.json", signed=False)
    merged = orjson.loads(replies[0].body)
    schemathesis.openapi.from_dict(merged).validate()
    assert replies[0].get(b"content-type") == b"application/json"
    assert len({reply.body for reply in replies}) == 1
    assert (members.asked, content.asked, engagement.asked) == (1, 1, 1)
    assert list(merged["paths"]) == [
        "/v1/communities/{id}/posts",
        "/v1/communities/{id}/pulse",
        "/v1/me",
        "/v1/sessions",
    ]
    assert merged["info"].keys().isdisjoint({"x-hearth-stale", "x-hearth-missing"})
    assert merged["paths"]["/v1/me"]["get"]["security"] == [{"bearer": []}, {"client": []}]
    assert merged["paths"]["/v1/sessions"]["post"]["security"] == []
    assert merged["paths"]["/v1/me"]["get"]["responses"]["429"] == {"$ref": "#/components/responses/RateLimited"}
    assert (again.status, again.body, again.get(b"etag")) == (304, b"", replies[0].get(b"etag"))
    assert (head.status, head.get(b"content-length")) == (200, str(len(replies[0].body)).encode())
    assert (posted.status, posted.get(b"allow")) == (405, b"GET, HEAD")


async def test_a_service_that_is_away_keeps_its_part() -> None:
    members, content = service("/v1/me", "me"), service("/v1/communities/{id}/posts", "feed")
    async with serving(members) as m, serving(content) as c, running(c, members=m) as gateway:
        first = orjson.loads((await gateway.ask("GET", "/openapi.json", signed=False)).body)
        assert first["info"]["x-hearth-missing"] == ["engagement"]
        content.away = True
        members.document = document({"/v1/organizations/{id}": {"get": operation("organization")}})
        gateway.gateway.document._asked_at = float("-inf")  # as if time had passed
        second = orjson.loads((await gateway.ask("GET", "/openapi.json", signed=False)).body)
    assert second["info"]["x-hearth-stale"] == ["content"]
    assert second["info"]["x-hearth-missing"] == ["engagement"]
    assert list(second["paths"]) == ["/v1/communities/{id}/posts", "/v1/organizations/{id}"]


async def test_while_documents_collide_the_last_whole_one_serves() -> None:
    members, content = service("/v1/me", "me"), service("/v1/communities/{id}/posts", "feed")
    async with serving(members) as m, serving(content) as c, running(c, members=m) as gateway:
        first = await gateway.ask("GET", "/openapi.json", signed=False)
        content.document = members.document
        gateway.gateway.document._asked_at = float("-inf")
        second = await gateway.ask("GET", "/openapi.json", signed=False)
    assert first.body == second.body


async def test_without_any_service_there_is_no_document() -> None:
    async with running() as gateway:
        reply = await gateway.ask("GET", "/openapi.json", signed=False)
        assert (reply.code, reply.get(b"retry-after")) == ("service-unavailable", b"1")
    async with serving(Echo(body=b"[]")) as port, running(port, members=port, engagement=port) as gateway:
        assert (await gateway.ask("GET", "/openapi.json", signed=False)).status == 503
    async with serving(Echo(body=b"<html>")) as port, running(port, members=port, engagement=port) as gateway:
        assert (await gateway.ask("GET", "/openapi.json", signed=False)).status == 503
