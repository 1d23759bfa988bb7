"""The body of a webhook: made of an event once, and sent and signed as these very bytes, however often."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from contracts.base import Envelope
from contracts.catalogue import BY_TYPE

MOST_BYTES = 20_000
"""A body is shorter than this. What does not fit is left out and fetched from the API."""
PING = "hearth.ping"
"""Type of the message that says nothing but that the endpoint is reached."""


def payload_for(envelope: Envelope) -> bytes | None:
    """Return the body that tells partners of an event, UTF-8 JSON; None when they do not get it.

    An event of a type that this release does not know is not told: nobody can say what of it may be. Raises
    pydantic.ValidationError when the data is not what its type says.
    """
    event = BY_TYPE.get(envelope.type)
    data = event.read(envelope.data).for_partners() if event is not None else None
    if data is None:
        return None
    return _body(
        envelope.type,
        envelope.time,
        (envelope.aggregate, envelope.aggregateid, envelope.aggregateversion),
        envelope.community,
        data,
    )


def ping_for(endpoint_id: UUID, version: int, at: datetime) -> bytes:
    """Return the body of a ping of an endpoint: the same form as that of an event."""
    return _body(PING, at, ("endpoint", endpoint_id, version), None, {"endpoint_id": str(endpoint_id)})


def _body(
    name: str, at: datetime, subject: tuple[str, UUID, int], community_id: UUID | None, data: dict[str, Any]
) -> bytes:
    aggregate, identity, version = subject
    message = {
        "type": name,
        "timestamp": at.astimezone(UTC),
        "subject": {"type": aggregate, "id": identity, "version": version},
        "community_id": community_id,
        "data": data,
    }
    body = orjson.dumps(message, option=orjson.OPT_UTC_Z)
    if len(body) < MOST_BYTES:
        return body
    return orjson.dumps({**message, "data": {}, "truncated": True}, option=orjson.OPT_UTC_Z)
