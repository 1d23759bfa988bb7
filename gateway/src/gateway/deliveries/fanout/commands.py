"""Writing down what endpoints are to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due
from gateway.deliveries.fanout.policy import News
from gateway.deliveries.fanout.queries import PLACES, WANTS, filters_of, in_order, spreading
from gateway.endpoints.partners.queries import somebody_disagrees
from gateway.lanes import commands as lanes

SPREAD_KIND = "deliveries.spread"
PRUNE_KIND = "deliveries.prune"
TENANT_KEY = "tenant"
LOOK_AGAIN = timedelta(days=1)
"""How often a tenant's messages are looked through for what is too old."""
HORIZON = timedelta(seconds=30)
"""What is due later than this from now waits for another attempt, and what goes out in order does not line up behind it. The clocks of
two processes may differ by as much."""
AT_ONCE = 5000
"""How many deliveries are written in one statement: a fraction of a second, and some megabytes."""

MESSAGES = Counter("hearth_webhook_messages_total", "Messages that some endpoint asked for")
DELIVERIES = Counter("hearth_webhook_deliveries_total", "Deliveries by the state in which they begin", ["state"])


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not written yet. `payload` is the body as it is sent."""

    event_id: UUID
    news: News
    occurred_at: datetime
    payload: bytes
    persons: tuple[UUID, ...]
    personal: bool


_STORE = text("""
INSERT INTO message (event_id, organization_id, type, community_id, occurred_at, payload, persons, personal, created_at)
SELECT event_id, :organization_id, type, community_id, occurred_at, payload, string_to_array(persons, ',')::uuid[], personal, :now
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:communities AS uuid[]), CAST(:occurred AS timestamptz[]),
    CAST(:payloads AS text[]), CAST(:persons AS text[]), CAST(:personal AS boolean[])
) AS drafts(event_id, type, community_id, occurred_at, payload, persons, personal)
ORDER BY event_id ON CONFLICT DO NOTHING
""")
# What goes out in order is due in the order of the stream, behind what waits already: microseconds apart, which is as fine as it is
# stored. What waits for another attempt of a time when order did not matter is not waited for.
_DELIVER = text(f"""
WITH news AS MATERIALIZED (
    SELECT message.event_id, message.organization_id, message.type, message.community_id, message.persons, message.personal,
        news.client_id, news.about, string_to_array(news.filters, ',') AS filters, news.number
    FROM unnest(CAST(:ids AS uuid[]), CAST(:filters AS text[]), CAST(:clients AS uuid[]), CAST(:abouts AS uuid[]))
        WITH ORDINALITY AS news(event_id, filters, client_id, about, number)
    JOIN message ON message.event_id = news.event_id
), listeners AS MATERIALIZED (
    SELECT endpoint.id, endpoint.client_id, endpoint.event_types, endpoint.ordering, {PLACES},
        last.due_at AS last_due_at, coalesce(partner.basis, 'consent') = 'consent' AS needs_consent
    FROM endpoint LEFT JOIN partner ON partner.client_id = endpoint.client_id
        LEFT JOIN LATERAL (
            SELECT due_at FROM delivery WHERE delivery.endpoint_id = endpoint.id AND due_at < :horizon ORDER BY due_at DESC LIMIT 1
        ) AS last ON endpoint.ordering = 'fifo'
    WHERE endpoint.organization_id = :organization_id AND endpoint.deleted_at IS NULL AND (CAST(:only AS uuid[]) IS NULL OR endpoint.id = ANY(:only))
        AND (CAST(:made_by AS timestamptz) IS NULL OR endpoint.created_at <= :made_by)
), judged AS (
    SELECT endpoint.id AS endpoint_id, news.event_id, news.organization_id, news.type,
        CASE endpoint.ordering WHEN 'fifo'
            THEN greatest(CAST(:now AS timestamptz), endpoint.last_due_at) + news.number * interval '1 microsecond'
            ELSE :now END AS due_at,
        endpoint.needs_consent AND {somebody_disagrees("news", "endpoint.client_id")} AS withheld
    FROM news CROSS JOIN listeners AS endpoint WHERE {WANTS}
)
INSERT INTO delivery (endpoint_id, event_id, organization_id, type, state, reason, due_at, created_at, settled_at)
SELECT endpoint_id, event_id, organization_id, type,
    CASE WHEN withheld THEN 'undelivered' ELSE 'pending' END, CASE WHEN withheld THEN 'consent_missing' END,
    CASE WHEN NOT withheld THEN due_at END, :now, CASE WHEN withheld THEN CAST(:now AS timestamptz) END
FROM judged ORDER BY endpoint_id, due_at ON CONFLICT DO NOTHING
RETURNING endpoint_id, state
""")
_TO_ONE = text("""
INSERT INTO delivery (endpoint_id, event_id, organization_id, type, state, due_at, created_at)
SELECT endpoint.id, message.event_id, message.organization_id, message.type, 'pending',
    CASE endpoint.ordering WHEN 'fifo' THEN greatest(CAST(:now AS timestamptz), (
        SELECT max(due_at) + interval '1 microsecond' FROM delivery WHERE delivery.endpoint_id = endpoint.id AND due_at < :horizon
    )) ELSE :now END, :now
FROM endpoint JOIN message ON message.event_id = :event_id WHERE endpoint.id = :endpoint_id
""")
_SPREAD_OUT = text("DELETE FROM spread WHERE id = :id")
_REACHED = text("UPDATE spread SET reached = :reached WHERE id = :id")
_SPREAD = text("""
INSERT INTO spread (organization_id, event_ids, client_ids, about_ids, created_at)
VALUES (:organization_id, :ids, :clients, :abouts, :now)
""")
_FIRST = text("""
SELECT spread.id, event_ids, client_ids, about_ids, created_at, reached,
    ARRAY(SELECT message.type FROM unnest(event_ids) WITH ORDINALITY AS listed(event_id, number)
        LEFT JOIN message ON message.event_id = listed.event_id ORDER BY number) AS types
FROM spread ORDER BY spread.id LIMIT 1 FOR UPDATE
""")
_NEXT_ENDPOINTS = text("""
SELECT id FROM endpoint WHERE deleted_at IS NULL AND organization_id = :organization_id
    AND (CAST(:reached AS uuid) IS NULL OR id > :reached) ORDER BY id LIMIT :most
""")


async def fan_out(session: Session, organization_id: UUID, drafts: Sequence[Draft], *, many: bool, fifo: bool) -> None:
    """Write messages of one tenant, in the order in which they go out, and a delivery for each endpoint that asked for one.

    `many` when there may be more deliveries than are written at once: then due work writes them. `fifo` when some endpoint wants them in
    order: then what comes later waits behind what due work has not written yet.
    """
    if fifo:
        await in_order(session, organization_id)
        many = many or await spreading(session, organization_id)
    now = clock.now()
    await store(session, organization_id, drafts, now)
    if not many:
        await _deliver(session, organization_id, [(draft.event_id, draft.news) for draft in drafts], now)
        return
    await session.execute(
        _SPREAD,
        {
            "organization_id": organization_id,
            "ids": [draft.event_id for draft in drafts],
            "clients": [draft.news.client_id for draft in drafts],
            "abouts": [draft.news.about for draft in drafts],
            "now": now,
        },
    )
    # Moved and not kept, which locks it: else whoever does it at this moment could end without having seen what is not committed yet.
    await due.schedule(session, organization_id, SPREAD_KIND, TENANT_KEY, now)


async def store(session: Session, organization_id: UUID, drafts: Sequence[Draft], now: datetime) -> None:
    """Write messages; those that are there already stay as they are."""
    await session.execute(
        _STORE,
        {
            "organization_id": organization_id,
            "ids": [draft.event_id for draft in drafts],
            "types": [draft.news.type for draft in drafts],
            "communities": [draft.news.community_id for draft in drafts],
            "occurred": [draft.occurred_at for draft in drafts],
            "payloads": [draft.payload.decode() for draft in drafts],
            "persons": [",".join(str(person) for person in draft.persons) for draft in drafts],
            "personal": [draft.personal for draft in drafts],
            "now": now,
        },
    )
    MESSAGES.inc(len(drafts))
    await due.schedule(session, organization_id, PRUNE_KIND, TENANT_KEY, now + LOOK_AGAIN, keep=True)


async def deliver_to(session: Session, organization_id: UUID, endpoint_id: UUID, draft: Draft) -> None:
    """Write a message and its delivery to one endpoint, whatever it asked for, behind what waits there."""
    await in_order(session, organization_id)
    now = clock.now()
    await store(session, organization_id, [draft], now)
    await session.execute(
        _TO_ONE, {"endpoint_id": endpoint_id, "event_id": draft.event_id, "now": now, "horizon": now + HORIZON}
    )
    DELIVERIES.labels("pending").inc()
    await lanes.wake(session, [endpoint_id], now)


async def spread(session: Session, work: Due) -> None:
    """Write the next deliveries of what is for many endpoints, those first that wait longest, and come again while there are any.

    Each piece is one transaction, and says how far it came, so nothing is lost or done twice wherever it ends.
    """
    first = (await session.execute(_FIRST)).one_or_none()
    if first is None:
        return
    now = clock.now()
    most = max(1, AT_ONCE // len(first.event_ids))
    chosen = {"organization_id": work.organization_id, "reached": first.reached, "most": most}
    endpoints = list((await session.execute(_NEXT_ENDPOINTS, chosen)).scalars())
    if endpoints:
        rows = zip(first.event_ids, first.types, first.client_ids, first.about_ids, strict=True)
        # What is gone by now was too old to be told.
        news = [
            (event_id, News(event_type, None, client_id, about))
            for event_id, event_type, client_id, about in rows
            if event_type is not None
        ]
        await _deliver(session, work.organization_id, news, now, endpoints, first.created_at)
    if len(endpoints) < most:
        await session.execute(_SPREAD_OUT, {"id": first.id})
    else:
        await session.execute(_REACHED, {"id": first.id, "reached": endpoints[-1]})
    if len(endpoints) == most or await spreading(session, work.organization_id):
        await due.schedule(session, work.organization_id, SPREAD_KIND, TENANT_KEY, now)


async def _deliver(
    session: Session,
    organization_id: UUID,
    news: Sequence[tuple[UUID, News]],
    now: datetime,
    only: Sequence[UUID] | None = None,
    made_by: datetime | None = None,
) -> None:
    """Write deliveries of messages that are there, to `only` these endpoints when given, and those made by then."""
    written = await session.execute(
        _DELIVER,
        {
            "organization_id": organization_id,
            "ids": [event_id for event_id, _ in news],
            "filters": [filters_of(one.type) for _, one in news],
            "clients": [one.client_id for _, one in news],
            "abouts": [one.about for _, one in news],
            "only": None if only is None else list(only),
            "made_by": made_by,
            "now": now,
            "horizon": now + HORIZON,
        },
    )
    rows = written.all()
    pending = [row.endpoint_id for row in rows if row.state == "pending"]
    DELIVERIES.labels("pending").inc(len(pending))
    DELIVERIES.labels("undelivered").inc(len(rows) - len(pending))
    await lanes.wake(session, sorted(set(pending)), now)
