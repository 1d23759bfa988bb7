"""What of a batch of events somebody asked for, in the words of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from contracts.catalogue import filters_for
from gateway.deliveries.fanout.policy import News

# What an endpoint names is looked through once for the whole batch: lists of communities are long, and read from where they are stored
# for each event they made a batch take minutes.
PLACES = """
    cardinality(endpoint.community_ids) = 0 AS everywhere,
    ARRAY(SELECT place FROM unnest(endpoint.community_ids) AS place WHERE place IN (SELECT community_id FROM news)) AS places
"""
"""What a listener is asked of its communities by `WANTS`."""
WANTS = """
    endpoint.id IS DISTINCT FROM news.about
    AND (news.client_id IS NULL OR endpoint.client_id = news.client_id)
    AND (cardinality(endpoint.event_types) = 0 OR endpoint.event_types && news.filters)
    AND (endpoint.everywhere OR news.community_id = ANY(endpoint.places))
"""
"""Whether a listener is told of news, as `policy.wants` has it."""

# A tenant without endpoints is one look into an index. Filters come as text, for PostgreSQL unnests arrays of arrays to their elements;
# no type holds a comma.
_AUDIENCE = text(f"""
WITH news AS MATERIALIZED (
    SELECT number, string_to_array(filters, ',') AS filters, community_id, client_id, about FROM unnest(
        CAST(:filters AS text[]), CAST(:communities AS uuid[]), CAST(:clients AS uuid[]), CAST(:abouts AS uuid[])
    ) WITH ORDINALITY AS news(filters, community_id, client_id, about, number)
), listeners AS MATERIALIZED (
    SELECT endpoint.id, endpoint.client_id, endpoint.event_types, endpoint.ordering, {PLACES}
    FROM endpoint WHERE endpoint.organization_id = :organization_id AND endpoint.deleted_at IS NULL
)
SELECT news.number, count(*) AS endpoints, bool_or(endpoint.ordering = 'fifo') AS fifo
FROM news CROSS JOIN listeners AS endpoint WHERE {WANTS} GROUP BY news.number
""")
_SPREADING = text("SELECT EXISTS (SELECT 1 FROM spread WHERE organization_id = :organization_id)")
_ORDERLY = text("SELECT pg_advisory_xact_lock(hashtextextended('deliveries:' || :organization_id, 0))")


@dataclass(frozen=True, slots=True)
class Audience:
    """How many endpoints asked for some news, and whether one of them wants everything in order."""

    endpoints: int
    fifo: bool


def filters_of(event_type: str) -> str:
    """Return the filters that a type passes, as the statements here take them."""
    return ",".join(filters_for(event_type))


async def audiences(session: Session, organization_id: UUID, news: Sequence[News]) -> dict[News, Audience]:
    """Return who of the session's tenant is told of each of these; what nobody asked for is not in it."""
    found = await session.execute(
        _AUDIENCE,
        {
            "organization_id": organization_id,
            "filters": [filters_of(one.type) for one in news],
            "communities": [one.community_id for one in news],
            "clients": [one.client_id for one in news],
            "abouts": [one.about for one in news],
        },
    )
    return {news[row.number - 1]: Audience(row.endpoints, row.fifo) for row in found.all()}


async def in_order(session: Session, organization_id: UUID) -> None:
    """Wait until nobody else writes deliveries of this tenant that are to go out in order; nobody else does until the commit."""
    await session.execute(_ORDERLY, {"organization_id": str(organization_id)})


async def spreading(session: Session, organization_id: UUID) -> bool:
    """Tell whether something waits to be written for many endpoints."""
    return bool((await session.execute(_SPREADING, {"organization_id": organization_id})).scalar_one())
