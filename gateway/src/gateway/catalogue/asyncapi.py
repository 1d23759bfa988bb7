"""/asyncapi.json: the webhooks as an AsyncAPI 3.0 document, for tools that make receivers of it."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import orjson

from gateway import pages
from gateway.catalogue.messages import EXAMPLE_SECRET, Message, messages
from gateway.catalogue.webhooks import ANSWERS, HEADERS
from gateway.exchange import Exchange

Json = dict[str, Any]

_SIGNATURES = (
    "Standard Webhooks 1.0. Signed is `webhook-id.webhook-timestamp.body`, the body as the very bytes that arrived: `v1` with HMAC-SHA256 "
    "and the endpoint's `whsec_` secret, `v1a` with Ed25519, verified by its `whpk_` public key. Refuse timestamps more than five minutes "
    f"off. The examples are signed as compact JSON, by `{EXAMPLE_SECRET}`."
)


@cache
def document() -> Json:
    """Return the whole document; it says the same of every installation."""
    found = messages()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hearth webhooks",
            "version": "1",
            "description": "What Hearth sends to partners' endpoints. A body is JSON of less than 20,000 bytes. "
            + " ".join(f"**{status}** {words}" for status, words in ANSWERS.items()),
            "tags": [{"name": service} for service in sorted({_service(one) for one in found.values()})],
        },
        "defaultContentType": "application/json",
        "servers": {
            "endpoint": {
                "host": "{host}",
                "protocol": "https",
                "description": "The partner's endpoint, as it was given with POST /v1/endpoints.",
                "variables": {"host": {"description": "where the partner listens", "examples": ["crm.example.com"]}},
                "security": [{"$ref": "#/components/securitySchemes/standardWebhooks"}],
            }
        },
        "channels": {one.type: _channel(one) for one in found.values()},
        "operations": {one.operation: _operation(one) for one in found.values()},
        "components": {
            "messages": {one.name: _message(one) for one in found.values()},
            "schemas": {
                "Headers": {
                    "type": "object",
                    "required": list(HEADERS),
                    "properties": {name: {"type": "string", "description": words} for name, words in HEADERS.items()},
                },
                **{one.name: one.schema for one in found.values()},
            },
            "securitySchemes": {
                "standardWebhooks": {
                    "type": "httpApiKey",
                    "name": "webhook-signature",
                    "in": "header",
                    "description": _SIGNATURES,
                }
            },
        },
    }


def _service(message: Message) -> str:
    return message.type.partition(".")[0]


def _channel(message: Message) -> Json:
    return {
        # Where a partner listens is the partner's to say.
        "address": None,
        "title": message.title,
        "description": message.description,
        "messages": {message.name: {"$ref": f"#/components/messages/{message.name}"}},
        "tags": [{"name": _service(message)}],
    }


def _operation(message: Message) -> Json:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{message.type}"},
        "summary": message.title,
        "description": message.description,
        "messages": [{"$ref": f"#/channels/{message.type}/messages/{message.name}"}],
        "security": [{"$ref": "#/components/securitySchemes/standardWebhooks"}],
        "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
    }


def _message(message: Message) -> Json:
    return {
        "name": message.type,
        "title": message.title,
        "summary": message.description,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{message.name}"},
        "examples": [{"name": "example", "headers": message.headers(), "payload": message.example}],
    }


@cache
def _body() -> tuple[bytes, bytes]:
    body = orjson.dumps(document())
    return body, b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()


async def page(exchange: Exchange) -> pages.Answer:
    """Answer GET /asyncapi.json."""
    body, etag = _body()
    fields = [(b"etag", etag), (b"cache-control", b"no-cache")]
    if pages.matches(exchange.if_none_match, etag):
        return 304, fields, b""
    return 200, [*fields, (b"content-type", b"application/json")], body
