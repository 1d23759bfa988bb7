"""The catalogue as OpenAPI and as AsyncAPI: complete, true to the contracts, and valid by the standards' own schemas."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from tests.gateway.catalogue.npm import install
from tests.gateway.servers import running

from contracts.catalogue import BY_TYPE, FOR_PARTNERS
from contracts.content import PostPublished, PostsRead
from gateway.catalogue import asyncapi, webhooks
from gateway.catalogue.messages import EXAMPLE_SECRET, Message, messages
from gateway.catalogue.payloads import PING

EVERY = pytest.mark.parametrize("message", messages().values(), ids=lambda message: message.type)


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    found = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value)
    return [f"{one.json_path} {one.message}" for one in found]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_every_event_for_partners_is_in_it_and_no_other() -> None:
    assert set(messages()) == {*FOR_PARTNERS, PING}
    assert [one.type for one in messages().values()] == [*sorted(FOR_PARTNERS), PING]
    assert len({one.name for one in messages().values()}) == len(messages())
    assert len({one.operation for one in messages().values()}) == len(messages())


@EVERY
def test_examples_are_true_to_their_schemas(message: Message) -> None:
    Draft202012Validator.check_schema(message.schema)
    assert errors(message.schema, message.example) == []
    assert list(references(message.schema)) == []  # so that each may be copied out
    assert message.description
    assert re.fullmatch(r"[a-z]+(?:[A-Z][a-z0-9]*)*", message.operation)


@EVERY
def test_schemas_refuse_what_is_not_sent_and_let_additions_pass(message: Message) -> None:
    whole = message.example
    for name in whole:
        assert errors(message.schema, {key: value for key, value in whole.items() if key != name})
    assert errors(message.schema, {**whole, "type": "content.other.happened.v1"})
    assert errors(message.schema, {**whole, "timestamp": 1})
    assert errors(message.schema, {**whole, "subject": {**whole["subject"], "version": 0}})
    assert errors(message.schema, {**whole, "novelty": 1, "data": {**whole["data"], "novelty": 1}}) == []


def test_what_is_withheld_is_not_in_the_schema() -> None:
    for name, event in FOR_PARTNERS.items():
        data = messages()[name].schema["properties"]["data"]
        data = data.get("anyOf", [data])[0]
        assert set(data["properties"]) == set(event.model_fields) - event.withheld
        assert set(data["required"]) == set(data["properties"]) - event.sometimes_withheld
    author = messages()[PostPublished.type].schema["properties"]["data"]["properties"]["author_id"]
    assert "not there where a persona" in author["description"]


def test_what_may_be_truncated_says_so() -> None:
    message = messages()[PostsRead.type]
    assert errors(message.schema, {**message.example, "data": {}, "truncated": True}) == []
    assert errors(message.schema, {**message.example, "truncated": False})
    post = messages()[PostPublished.type]
    assert errors(post.schema, {**post.example, "data": {}})


@EVERY
def test_signatures_of_the_examples_are_right(message: Message) -> None:
    headers = message.headers()
    key = base64.b64decode(EXAMPLE_SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{orjson.dumps(message.example).decode()}"
    expected = base64.b64encode(hmac.new(key, signed.encode(), "sha256").digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_openapi_has_a_webhook_for_each() -> None:
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Other": {"type": "string"}}},
        "tags": [{"name": "other"}],
    }
    webhooks.describe(document)
    schemathesis.openapi.from_dict(json.loads(json.dumps(document))).validate()
    assert list(document["webhooks"]) == list(messages())
    assert document["components"]["schemas"]["Other"] == {"type": "string"}
    assert [tag["name"] for tag in document["tags"]] == ["other", "webhooks"]
    for item in document["webhooks"].values():
        operation = item["post"]
        assert operation["security"] == []
        assert {"2XX", "410", "429"} <= operation["responses"].keys()
        names = [resolve(document, one["$ref"])["name"] for one in operation["parameters"]]
        assert names == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        media = operation["requestBody"]["content"]["application/json"]
        schema = resolve(document, media["schema"]["$ref"])
        assert errors(schema, media["example"]) == []
        assert schema["examples"] == [media["example"]]


def test_asyncapi_leads_from_each_operation_to_its_message() -> None:
    document = asyncapi.document()
    assert document["asyncapi"] == "3.0.0"
    assert list(document["channels"]) == list(messages())
    assert len(document["operations"]) == len(messages())
    for reference in references(document):
        assert resolve(document, reference)
    for operation in document["operations"].values():
        assert (operation["action"], operation["bindings"]["http"]["method"]) == ("send", "POST")
        channel = resolve(document, operation["channel"]["$ref"])
        assert channel["address"] is None
        [link] = operation["messages"]
        message = resolve(document, resolve(document, link["$ref"])["$ref"])
        assert operation["channel"]["$ref"] == f"#/channels/{message['name']}"
        [example] = message["examples"]
        assert errors(resolve(document, message["payload"]["$ref"]), example["payload"]) == []
        assert errors(resolve(document, message["headers"]["$ref"]), example["headers"]) == []


def test_asyncapi_is_valid_by_its_own_schema(tmp_path: Path) -> None:
    install(tmp_path, "@asyncapi/specs@6")
    schema = json.loads((tmp_path / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())
    validator = Draft7Validator(schema)
    document = json.loads(json.dumps(asyncapi.document()))
    assert [f"{one.json_path} {one.message[:200]}" for one in validator.iter_errors(document)] == []
    operation = next(iter(document["operations"].values()))
    operation["action"] = "shout"
    assert list(validator.iter_errors(document))


async def test_asyncapi_is_a_page_without_any_service() -> None:
    async with running() as gateway:
        page = await gateway.ask("GET", "/asyncapi.json", signed=False)
        etag = (page.get(b"etag") or b"").decode()
        kept = await gateway.ask("GET", "/asyncapi.json", {"If-None-Match": etag}, signed=False)
        head = await gateway.ask("HEAD", "/asyncapi.json", signed=False)
        posted = await gateway.ask("POST", "/asyncapi.json", signed=False)
    assert (page.status, page.get(b"content-type")) == (200, b"application/json")
    assert orjson.loads(page.body) == asyncapi.document()
    assert (kept.status, kept.body, kept.get(b"etag")) == (304, b"", etag.encode())
    assert (head.status, head.get(b"content-length")) == (200, str(len(page.body)).encode())
    assert (posted.status, posted.get(b"allow")) == (405, b"GET, HEAD")


def test_internal_events_are_nowhere_in_the_documents() -> None:
    hidden = [name for name, event in BY_TYPE.items() if not event.partners]
    said = orjson.dumps(asyncapi.document()).decode()
    assert hidden
    assert [name for name in hidden if name in said] == []
