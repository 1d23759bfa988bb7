"""Every write of activity facts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from contracts.base import Envelope
from engagement.pulse.policy import Kind

_INSERT = text("""
INSERT INTO activity (organization_id, community_id, account_id, occurred_at, kind, source_id)
SELECT organization_id, community_id, account_id, occurred_at, :kind, source_id
FROM unnest(CAST(:organizations AS uuid[]), CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]),
    CAST(:times AS timestamptz[]), CAST(:sources AS uuid[]))
    AS fact(organization_id, community_id, account_id, occurred_at, source_id)
ON CONFLICT (source_id) DO NOTHING
""")


async def note(session: Session, kind: Kind, facts: Sequence[tuple[Envelope, UUID, UUID]]) -> None:
    """Keep facts (event, community, account), each event once."""
    if not facts:
        return
    # Sorted, so that two batches that share events cannot wait for each other in a circle.
    facts = sorted(facts, key=lambda fact: fact[0].id)
    await session.execute(
        _INSERT,
        {
            "kind": kind.value,
            "organizations": [envelope.organization for envelope, _, _ in facts],
            "communities": [community_id for _, community_id, _ in facts],
            "accounts": [account_id for _, _, account_id in facts],
            "times": [envelope.time for envelope, _, _ in facts],
            "sources": [envelope.id for envelope, _, _ in facts],
        },
    )


async def forget(session: Session) -> None:
    """Delete the tenant's facts."""
    await session.execute(text("DELETE FROM activity"))
