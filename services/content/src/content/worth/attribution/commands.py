"""Every write of attributions: what the owners of orders and referrals told last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session


@dataclass(frozen=True, slots=True)
class Attribution:
    """An order or a referral: by whom, to which piece, and whether it stands."""

    source_id: UUID
    post_id: UUID | None
    account_id: UUID | None
    counts: bool


# The piece that it was put down to before is counted anew too.
_PUT = text("""
WITH told AS (
    SELECT * FROM unnest(CAST(:source_ids AS uuid[]), CAST(:post_ids AS uuid[]), CAST(:account_ids AS uuid[]), CAST(:counts AS boolean[]))
        AS told(source_id, post_id, account_id, counts)
), before AS (
    SELECT post_id FROM worth_attribution WHERE kind = :kind AND source_id IN (SELECT source_id FROM told)
), put AS (
    INSERT INTO worth_attribution (kind, source_id, organization_id, post_id, account_id, counts)
    SELECT :kind, source_id, :organization_id, post_id, account_id, counts FROM told ORDER BY source_id
    ON CONFLICT (kind, source_id) DO UPDATE SET post_id = EXCLUDED.post_id, account_id = EXCLUDED.account_id, counts = EXCLUDED.counts
)
INSERT INTO worth_touch (organization_id, what, post_id)
SELECT :organization_id, 'post', post_id FROM (SELECT post_id FROM before UNION SELECT post_id FROM told) AS pieces WHERE post_id IS NOT NULL
""")


async def note(session: Session, organization_id: UUID, kind: str, told: Sequence[Attribution]) -> None:
    """Keep what these orders or referrals are put down to, each once, and have the pieces counted."""
    await session.execute(
        _PUT,
        {
            "kind": kind,
            "organization_id": organization_id,
            "source_ids": [one.source_id for one in told],
            "post_ids": [one.post_id for one in told],
            "account_ids": [one.account_id for one in told],
            "counts": [one.counts for one in told],
        },
    )


async def forget(session: Session) -> None:
    """Forget the tenant's attributions, before a backfill, and have their pieces counted."""
    await session.execute(
        text("""
            WITH gone AS (DELETE FROM worth_attribution RETURNING organization_id, post_id)
            INSERT INTO worth_touch (organization_id, what, post_id)
            SELECT DISTINCT organization_id, 'post', post_id FROM gone WHERE post_id IS NOT NULL""")
    )
