"""Taking webhooks over HTTP."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from fastapi import Request

from chassis import clock
from chassis.app import router
from chassis.auth import Anyone
from chassis.db import transaction
from chassis.errors import Problem, not_found
from chassis.requests import JsonRequest, Route
from chassis.runtime import runtime_of
from chassis.schemas import problems
from gateway.inbound.mapping import strict
from gateway.inbound.reception import commands, policy, queries
from gateway.inbound.reception.schemas import ReceiptAccepted
from gateway.vault import Secrets


class WebhookRequest(JsonRequest):
    """A message, up to 1 MiB; its bytes are signed, so nothing reads them before they are verified."""

    most_bytes: ClassVar[int] = 2**20


class WebhookRoute(Route):
    """A route that takes messages."""

    request_class: ClassVar[type[JsonRequest]] = WebhookRequest


routes = router("inbound", WebhookRoute)

_BODY = {
    "requestBody": {
        "required": True,
        "description": "what the partner sends: JSON in UTF-8, up to 1 MiB, signed as the source says",
        "content": {
            "application/json": {
                "schema": {"title": "Message", "type": ["object", "array", "string", "number", "boolean", "null"]},
                "example": {"event": "order.paid", "order": {"id": "SO-1", "total": "199.00", "updated": 1795332600}},
            }
        },
    }
}


def _headers(request: Request) -> dict[str, str]:
    """Return the headers by names in small letters; what is there twice is left out, for nobody knows which was signed."""
    found: dict[str, str] = {}
    twice = set()
    for name, value in request.headers.items():
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


@routes.post("/v1/inbound/{source_id}", status_code=202, openapi_extra=_BODY, responses=problems(409, 413))
async def receive_webhook(_open: Anyone, request: Request, vault: Secrets, source_id: UUID) -> ReceiptAccepted:
    """Take a partner's webhook. Its signature is the credential; it is kept before it is answered, and counts once however often it comes."""
    runtime = runtime_of(request)
    body = await request.body()
    source = await queries.find_taking(runtime.reader, vault, source_id)
    if source is None:
        raise not_found("source")
    verified = policy.verify(source.verification, _headers(request), body, source.keys, clock.now())
    if verified is None:
        raise Problem(
            401, "signature-invalid", "No key of this source has signed these bytes within the last five minutes."
        )
    try:
        document = strict.read(body)
    except strict.NotStrictError as error:
        raise Problem(400, "malformed-json", "The body is not strict JSON.", errors=[error.fault]) from None
    message_id = verified.message_id or policy.message_id_in(source.verification, document, body)
    if message_id is None:
        raise Problem(400, "message-id-missing", "The body has no message id where the source says that it is.")
    async with transaction(runtime.engine, source.organization_id) as session:
        message = commands.Message(message_id, body, verified.sent_at)
        return await commands.keep(session, vault, source.organization_id, source_id, message)
