"""Every message that partners may get, with its schema and an example: made of the contracts, so that a new event is in it by itself."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson

from contracts.base import EXAMPLES, Envelope, Event, example_of
from contracts.catalogue import FOR_PARTNERS
from gateway.catalogue.payloads import MOST_BYTES, PING, payload_for, ping_for

Json = dict[str, Any]

EXAMPLE_ID = UUID(EXAMPLES[UUID])
EXAMPLE_AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
EXAMPLE_SENT = int(datetime(2026, 11, 22, 7, 30, 1, tzinfo=UTC).timestamp())
EXAMPLE_SECRET = "whsec_" + base64.b64encode(b"an example that protects nothing").decode()
"""Signs the examples, so that a receiver can be tried with them."""

_UNTRUE = frozenset(("additionalProperties", "title"))


@dataclass(frozen=True)
class Message:
    """One type of message: its words, the schema of its whole body and an example of it."""

    type: str
    name: str
    """What its schema is called."""
    description: str
    schema: Json
    example: Json

    @property
    def operation(self) -> str:
        """Its name as one word: `contentPostPublishedV1`."""
        first, *rest = self.type.replace("_", ".").split(".")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def title(self) -> str:
        """Its name in words: `Post published`."""
        words = self.type.removesuffix(".v1").split(".")[-2:]
        return " ".join(words).replace("_", " ").capitalize()

    def headers(self) -> dict[str, str]:
        """Return true headers of the example, signed with the example secret over its compact JSON."""
        signed = f"{EXAMPLE_ID}.{EXAMPLE_SENT}.".encode() + orjson.dumps(self.example)
        key = base64.b64decode(EXAMPLE_SECRET.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return {
            "webhook-id": str(EXAMPLE_ID),
            "webhook-timestamp": str(EXAMPLE_SENT),
            "webhook-signature": f"v1,{signature}",
        }


@cache
def messages() -> Mapping[str, Message]:
    """Return every message by its type: those of the events that partners get, in order, and the ping."""
    found = {name: _of_event(event) for name, event in FOR_PARTNERS.items()}
    return {**found, PING: _ping()}


def _of_event(event: type[Event]) -> Message:
    envelope = Envelope(
        id=EXAMPLE_ID,
        source=f"/hearth/{event.service()}",
        type=event.type,
        subject=f"{event.aggregate}/{EXAMPLE_ID}",
        time=EXAMPLE_AT,
        organization=EXAMPLE_ID,
        community=EXAMPLE_ID,
        aggregate=event.aggregate,
        aggregateid=EXAMPLE_ID,
        aggregateversion=1,
        recordedtime=EXAMPLE_AT,
        data=example_of(event),
    )
    body = payload_for(envelope)
    assert body is not None  # noqa: S101  only of types that partners get
    words = " ".join((event.__doc__ or "").split())
    return Message(
        type=event.type,
        name=f"{event.__name__}Message",
        description=words,
        schema=_whole(event.type, event.aggregate, data_schema(event), words, f"{event.__name__}Message"),
        example=orjson.loads(body),
    )


def _ping() -> Message:
    words = "Nothing happened: somebody tries whether the endpoint is reached and verifies what it gets."
    endpoint = {"type": "string", "format": "uuid", "description": "the endpoint that is tried"}
    data = {"type": "object", "required": ["endpoint_id"], "properties": {"endpoint_id": endpoint}}
    return Message(
        type=PING,
        name="PingMessage",
        description=words,
        schema=_whole(PING, "endpoint", data, words, "PingMessage"),
        example=orjson.loads(ping_for(EXAMPLE_ID, 1, EXAMPLE_AT)),
    )


def data_schema(event: type[Event]) -> Json:
    """Return the JSON schema of what partners get of an event: fields may be added to it, so that more than these are no error."""
    whole = event.model_json_schema(mode="serialization")
    inlined: Json = _inlined(whole, whole.get("$defs", {}))
    properties = {name: one for name, one in inlined["properties"].items() if name not in event.withheld}
    for name in event.sometimes_withheld:
        told = properties[name].get("description")
        properties[name]["description"] = "; ".join(
            filter(None, (told, "not there where a persona of the brand speaks"))
        )
    return {
        "type": "object",
        "required": [name for name in properties if name not in event.sometimes_withheld],
        "properties": properties,
    }


def _inlined(value: Any, definitions: Json, *, named: bool = False) -> Any:  # noqa: ANN401  JSON
    """Return a schema whose references are what they refer to, without what is said for readers of the contracts only."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and not named:
            beside = {key: one for key, one in value.items() if key != "$ref"}
            return _inlined({**definitions[reference.rpartition("/")[2]], **beside}, definitions)
        return {
            key: one if key in ("examples", "default") else _inlined(one, definitions, named=key == "properties")
            for key, one in value.items()
            if named or not (key == "$defs" or (key in _UNTRUE and not isinstance(one, dict)))
        }
    if isinstance(value, list):
        return [_inlined(one, definitions) for one in value]
    return value


def _whole(name: str, aggregate: str, data: Json, words: str, title: str) -> Json:
    nothing = {"type": "object", "maxProperties": 0, "description": "left out, see `truncated`"}
    grows = any(_grows(one) for one in data["properties"].values())
    return {
        "type": "object",
        "title": title,
        "description": words,
        "required": ["type", "timestamp", "subject", "community_id", "data"],
        "properties": {
            "type": {"type": "string", "const": name, "description": "what happened"},
            "timestamp": {"type": "string", "format": "date-time", "description": "when it happened, in UTC"},
            "subject": {
                "type": "object",
                "description": "what it happened to",
                "required": ["type", "id", "version"],
                "properties": {
                    "type": {"type": "string", "const": aggregate},
                    "id": {"type": "string", "format": "uuid"},
                    "version": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "its version after this: what comes late has a smaller one than what you know",
                    },
                },
            },
            "community_id": {
                "anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}],
                "description": "the community in which it happened; null for what belongs to none",
            },
            "data": {"anyOf": [data, nothing]} if grows else data,
            "truncated": {
                "type": "boolean",
                "const": True,
                "description": f"only there when the whole would have had {MOST_BYTES:,} bytes or more: data is empty then",
            },
        },
    }


def _grows(schema: Json) -> bool:
    return schema.get("type") in ("array", "object") or any(_grows(one) for one in schema.get("anyOf", ()))
