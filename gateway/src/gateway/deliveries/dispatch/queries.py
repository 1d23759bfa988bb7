"""Reading what is due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db import Session
from gateway.endpoints.partners.queries import somebody_disagrees

# For each endpoint the first that are due, from the index alone however many wait. Whoever needs each member's consent is told of
# people only while all of them agree: asked here, so that it is asked again before every attempt.
_DUE = text(f"""
WITH wanted AS MATERIALIZED (
    SELECT endpoint_id, client_id, needs_consent, most, string_to_array(known, ',')::uuid[] AS known FROM unnest(
        CAST(:endpoints AS uuid[]), CAST(:clients AS uuid[]), CAST(:needs_consent AS boolean[]), CAST(:most AS integer[]), CAST(:known AS text[])
    ) AS wanted(endpoint_id, client_id, needs_consent, most, known)
)
SELECT json_agg(json_build_array(wanted.endpoint_id, due.event_id, due.tries, message.payload,
    wanted.needs_consent AND {somebody_disagrees("message", "wanted.client_id")}) ORDER BY wanted.endpoint_id, due.due_at, due.event_id)::text
FROM wanted
CROSS JOIN LATERAL (
    SELECT event_id, tries, due_at FROM delivery
    WHERE delivery.endpoint_id = wanted.endpoint_id AND due_at <= :now AND NOT (event_id = ANY(wanted.known))
    ORDER BY due_at, event_id LIMIT wanted.most
) AS due
JOIN message ON message.event_id = due.event_id
""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose deliveries are asked for, and how many at most; not those of `known` events, which others may be told of all the same."""

    endpoint_id: UUID
    client_id: UUID
    needs_consent: bool
    most: int
    known: Collection[UUID] = ()


@dataclass(slots=True)
class DueDelivery:
    """One message that may go out to one endpoint now. `withheld` when somebody whom it names does not agree."""

    endpoint_id: UUID
    event_id: UUID
    tries: int
    payload: bytes
    withheld: bool


async def due(session: Session, wanted: Sequence[Wanted], now: datetime) -> dict[UUID, list[DueDelivery]]:
    """Return what is due for endpoints of the session's tenant, by endpoint and in order."""
    found = await session.execute(
        _DUE,
        {
            "endpoints": [one.endpoint_id for one in wanted],
            "clients": [one.client_id for one in wanted],
            "needs_consent": [one.needs_consent for one in wanted],
            "most": [one.most for one in wanted],
            "known": [",".join(str(event) for event in one.known) for one in wanted],
            "now": now,
        },
    )
    # JSON from the database is read at a fraction of what rows cost.
    by_endpoint: dict[UUID, list[DueDelivery]] = {}
    for endpoint, rows in groupby(orjson.loads(found.scalar_one() or b"[]"), key=itemgetter(0)):
        endpoint_id = UUID(endpoint)
        by_endpoint[endpoint_id] = [
            DueDelivery(endpoint_id, UUID(event_id), tries, payload.encode(), withheld)
            for _, event_id, tries, payload, withheld in rows
        ]
    return by_endpoint
