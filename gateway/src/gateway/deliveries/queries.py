"""Reading what endpoints were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis import clock
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from gateway.deliveries.models import State
from gateway.deliveries.schemas import AttemptOut, DeliveryDetailOut, DeliveryOut, HealthOut, SettledOut, TimingOut
from gateway.endpoints.models import Endpoint
from gateway.endpoints.partners import queries as partners

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MOST_COUNTED = 100_000
MOST_TIMED = 10_000
MOST_ATTEMPTS = 100

_SHOWN = """
    delivery.event_id, delivery.type, delivery.state, delivery.reason, delivery.attempts, delivery.replayed, delivery.created_at,
    delivery.due_at, delivery.settled_at, delivery.last_status, delivery.last_error,
    delivery.state = 'pending' AND NOT endpoint.enabled AS held,
    CASE WHEN delivery.state = 'pending' AND endpoint.enabled THEN greatest(delivery.due_at, lane.not_before) END AS next_attempt_at
"""
_FROM = (
    "FROM delivery JOIN endpoint ON endpoint.id = delivery.endpoint_id LEFT JOIN lane ON lane.endpoint_id = endpoint.id"
)
_LIST = text(f"""
SELECT {_SHOWN} {_FROM}
WHERE delivery.endpoint_id = :endpoint_id
    AND (CAST(:before AS uuid) IS NULL OR delivery.event_id < :before)
    AND (CAST(:state AS text) IS NULL OR delivery.state = :state)
    AND (CAST(:type AS text) IS NULL OR delivery.type = :type)
    AND (CAST(:since AS timestamptz) IS NULL OR delivery.created_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR delivery.created_at < :until)
ORDER BY delivery.event_id DESC LIMIT :most
""")
# What may not be sent may not be read here either: the log would hand out what a missing consent held back.
_ONE = text(f"""
SELECT {_SHOWN}, message.occurred_at, message.community_id,
    CASE WHEN :program AND coalesce(partner.basis, 'consent') = 'consent' AND {partners.somebody_disagrees("message", "endpoint.client_id")}
        THEN NULL ELSE message.payload END AS payload
{_FROM} JOIN message ON message.event_id = delivery.event_id LEFT JOIN partner ON partner.client_id = endpoint.client_id
WHERE delivery.endpoint_id = :endpoint_id AND delivery.event_id = :event_id
""")
_ATTEMPTS = text("""
SELECT number, replayed, started_at, milliseconds, url, address, request_headers, status, error, response_headers, response_body
FROM attempt WHERE endpoint_id = :endpoint_id AND event_id = :event_id ORDER BY number DESC LIMIT :most
""")
# Each part reads the newest of an index, and no more than so many, whatever there is.
_HEALTH = text("""
WITH recent AS (
    SELECT state, settled_at FROM delivery WHERE endpoint_id = :endpoint_id ORDER BY event_id DESC LIMIT :most
), waiting AS (
    SELECT created_at FROM delivery WHERE endpoint_id = :endpoint_id AND due_at IS NOT NULL ORDER BY due_at LIMIT :most
), timed AS (
    SELECT milliseconds FROM (
        SELECT milliseconds, started_at FROM attempt WHERE endpoint_id = :endpoint_id ORDER BY event_id DESC LIMIT :timed
    ) AS newest WHERE started_at >= :hour
)
SELECT
    (SELECT count(*) FROM waiting) AS pending, (SELECT min(created_at) FROM waiting) AS oldest_pending_at,
    (SELECT count(*) FROM recent) AS counted,
    (SELECT count(*) FROM recent WHERE state = 'delivered' AND settled_at >= :day) AS delivered_day,
    (SELECT count(*) FROM recent WHERE state = 'undelivered' AND settled_at >= :day) AS undelivered_day,
    (SELECT count(*) FROM recent WHERE state = 'delivered' AND settled_at >= :week) AS delivered_week,
    (SELECT count(*) FROM recent WHERE state = 'undelivered' AND settled_at >= :week) AS undelivered_week,
    (SELECT count(*) FROM timed) AS attempts,
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) FROM timed) AS p50_ms,
    (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY milliseconds) FROM timed) AS p99_ms
""")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which deliveries are asked for; times are when the delivery was made, `until` itself is not in it."""

    state: State | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def get_told_endpoint(session: Session, principal: Principal, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint for reading what it was told, for staff or its own program: a deleted one too. Raises Problem 404."""
    found = (await session.scalars(select(Endpoint).where(col(Endpoint.id) == endpoint_id))).one_or_none()
    if found is None or not partners.visible(principal, found.client_id):
        raise not_found("endpoint")
    return found


async def list_page(
    session: Session,
    principal: Principal,
    cursors: Cursors,
    endpoint_id: UUID,
    filters: Filters,
    *,
    limit: int,
    cursor: str | None,
) -> Page[DeliveryOut]:
    """Return a page of what an endpoint was told, newest first. Raises Problem 404, 422."""
    await get_told_endpoint(session, principal, endpoint_id)
    scope = f"deliveries:{principal.organization_id}:{endpoint_id}:{filters}"
    after = cursors.decode(scope, cursor)
    found = await session.execute(
        _LIST,
        {
            "endpoint_id": endpoint_id,
            "before": None if after is None else UUID(after[0]),
            "state": filters.state,
            "type": filters.type,
            "since": filters.since,
            "until": filters.until,
            "most": limit + 1,
        },
    )
    rows = [DeliveryOut.model_validate(row) for row in found.all()]
    following = cursors.following(scope, rows, limit, lambda row: row.event_id)
    return Page(data=rows[:limit], next_cursor=following)


async def get_delivery(session: Session, principal: Principal, endpoint_id: UUID, event_id: UUID) -> DeliveryDetailOut:
    """Return a delivery with what was sent and every attempt. Raises Problem 404."""
    await get_told_endpoint(session, principal, endpoint_id)
    which = {"endpoint_id": endpoint_id, "event_id": event_id}
    program = principal.client_id is not None
    row = (await session.execute(_ONE, {**which, "program": program})).one_or_none()
    if row is None:
        raise not_found("delivery")
    made = (await session.execute(_ATTEMPTS, {**which, "most": MOST_ATTEMPTS})).all()
    log = [AttemptOut.model_validate(one) for one in reversed(made)]
    return DeliveryDetailOut.model_validate({**row._asdict(), "log": log})


async def get_health(session: Session, principal: Principal, endpoint_id: UUID) -> HealthOut:
    """Return how an endpoint does. Raises Problem 404."""
    endpoint = await get_told_endpoint(session, principal, endpoint_id)
    now = clock.now()
    found = await session.execute(
        _HEALTH,
        {
            "endpoint_id": endpoint_id,
            "most": MOST_COUNTED,
            "timed": MOST_TIMED,
            "hour": now - HOUR,
            "day": now - DAY,
            "week": now - WEEK,
        },
    )
    row = found.one()
    return HealthOut(
        enabled=endpoint.enabled and endpoint.deleted_at is None,
        failing_since=endpoint.failing_since,
        pending=row.pending,
        oldest_pending_at=row.oldest_pending_at,
        last_24_hours=SettledOut(delivered=row.delivered_day, undelivered=row.undelivered_day),
        last_7_days=SettledOut(delivered=row.delivered_week, undelivered=row.undelivered_week),
        last_hour=TimingOut(attempts=row.attempts, p50_ms=row.p50_ms, p99_ms=row.p99_ms),
        complete=max(row.counted, row.pending) < MOST_COUNTED,
    )
