"""The `webhooks` of the OpenAPI document: what a partner's endpoint is sent, by type, and what its answers mean."""

from __future__ import annotations

from typing import Any

from gateway.catalogue.messages import EXAMPLE_SECRET, Message, messages

Json = dict[str, Any]

TAG = {
    "name": "webhooks",
    "description": "What a partner's endpoint is sent (Standard Webhooks 1.0): one entry by type of event, and `hearth.ping`. "
    "The same as AsyncAPI 3.0 is at /asyncapi.json.",
}
HEADERS = {
    "webhook-id": "Identifies the event: the same in every attempt and every replay, so that what comes twice is taken once.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970: refuse what is more than five minutes off.",
    "webhook-signature": "One or more signatures of `id.timestamp.body`, separated by spaces: `v1,` HMAC-SHA256 by a `whsec_` secret, "
    "`v1a,` Ed25519 by a `whpk_` public key. One that is right is enough; while keys are being changed there are several. "
    f"The one shown is that of the example as compact JSON, by `{EXAMPLE_SECRET}`.",
}
ANSWERS = {
    "2XX": "Taken. Anything that is not this is tried again: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after the attempt "
    "before, each up to a fifth sooner or later. Answer within 15 seconds.",
    "410": "Never again: the endpoint is disabled at once.",
    "429": "Slower: what waits for this endpoint is thinned out, as with 502 and 504. Retry-After is kept to, within bounds.",
    "default": "A failure, redirects too; tried again. Five days of nothing else disable the endpoint.",
}
_PARAMETERS = {
    "webhook-id": "WebhookId",
    "webhook-timestamp": "WebhookTimestamp",
    "webhook-signature": "WebhookSignature",
}


def describe(document: Json) -> None:
    """Add the webhooks to the merged document, with the schemas and the parameters that they refer to."""
    found = messages()
    components = document["components"]
    components["schemas"] = dict(
        sorted(
            {
                **components["schemas"],
                **{one.name: {**one.schema, "examples": [one.example]} for one in found.values()},
            }.items()
        )
    )
    example = next(iter(found.values())).headers()
    components["parameters"] = {
        **components.get("parameters", {}),
        **{
            name: {
                "name": header,
                "in": "header",
                "required": True,
                "description": HEADERS[header],
                "schema": {"type": "string"},
                "example": example[header],
            }
            for header, name in _PARAMETERS.items()
        },
    }
    document["webhooks"] = {one.type: {"post": _operation(one)} for one in found.values()}
    document["tags"] = [*document.get("tags", []), TAG]


def _operation(message: Message) -> Json:
    responses: Json = {status: {"description": words} for status, words in ANSWERS.items()}
    responses["429"]["headers"] = {
        "Retry-After": {"description": "Seconds, or a date.", "schema": {"type": "string"}, "example": "120"}
    }
    return {
        "operationId": message.operation,
        "tags": [TAG["name"]],
        "summary": message.title,
        "description": message.description,
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _PARAMETERS.values()],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{message.name}"},
                    "example": message.example,
                }
            },
        },
        "responses": responses,
    }
