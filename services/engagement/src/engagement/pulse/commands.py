"""Every write of activity facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from contracts.base import Envelope
from engagement.pulse.policy import Kind


class Fact(NamedTuple):
    """Somebody was active; `told` is the event that says so."""

    told: Envelope
    community_id: UUID
    account_id: UUID
    kind: Kind


_INSERT = text("""
INSERT INTO activity (organization_id, community_id, account_id, occurred_at, kind, source_id)
SELECT organization_id, community_id, account_id, occurred_at, kind, source_id
FROM unnest(CAST(:organizations AS uuid[]), CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]),
    CAST(:times AS timestamptz[]), CAST(:kinds AS text[]), CAST(:sources AS uuid[]))
    AS fact(organization_id, community_id, account_id, occurred_at, kind, source_id)
ON CONFLICT (source_id) DO NOTHING
""")


async def note(session: Session, facts: Iterable[Fact]) -> None:
    """Keep facts, each event once."""
    # Sorted, so that two batches that share events cannot wait for each other in a circle.
    rows = sorted(facts, key=lambda fact: fact.told.id)
    if not rows:
        return
    await session.execute(
        _INSERT,
        {
            "organizations": [fact.told.organization for fact in rows],
            "communities": [fact.community_id for fact in rows],
            "accounts": [fact.account_id for fact in rows],
            "times": [fact.told.time for fact in rows],
            "kinds": [fact.kind.value for fact in rows],
            "sources": [fact.told.id for fact in rows],
        },
    )


async def forget(session: Session) -> None:
    """Delete the tenant's facts."""
    await session.execute(text("DELETE FROM activity"))
