"""Every write of what uploads stand in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from content.media import queries
from content.media.commands import COLLECT, UNUSED_FOR

_TAKE = text("""
INSERT INTO media_use (subject_kind, subject_id, media_id, organization_id, position)
SELECT :kind, :subject, media_id, CAST(:organization AS uuid), position
FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS taken(media_id, position)
ON CONFLICT (subject_kind, subject_id, media_id) DO UPDATE SET position = EXCLUDED.position
""")
_DROP = text("""
DELETE FROM media_use WHERE subject_kind = :kind AND subject_id = ANY(:subjects) AND media_id <> ALL(:kept) RETURNING media_id
""")


async def use(
    session: Session,
    organization_id: UUID,
    account_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    ids: Sequence[UUID],
    *,
    at: str = "/media",
) -> None:
    """Have exactly these uploads stand in something, in this order; whoever reads it, reads them.

    What stands there already stays, whoever's it is; what comes new has to be finished and `account_id`'s own. What no longer stands
    anywhere is collected after a day. Raises Problem 422 with a pointer below `at`.
    """
    wanted = list(dict.fromkeys(ids))
    before = (await queries.uses_of(session, subject_kind, [subject_id])).get(subject_id, [])
    await queries.attachable(session, account_id, wanted, kept=before, at=at)
    await _drop(session, organization_id, subject_kind, [subject_id], wanted)
    if wanted:
        values = {"kind": subject_kind, "subject": subject_id, "organization": organization_id, "ids": wanted}
        await session.execute(_TAKE, values)


async def release(session: Session, organization_id: UUID, subject_kind: str, subject_ids: Sequence[UUID]) -> None:
    """Have nothing stand in these any more: they are deleted."""
    await _drop(session, organization_id, subject_kind, subject_ids, ())


async def _drop(
    session: Session, organization_id: UUID, subject_kind: str, subject_ids: Sequence[UUID], kept: Sequence[UUID]
) -> None:
    dropped = await session.execute(_DROP, {"kind": subject_kind, "subjects": list(subject_ids), "kept": list(kept)})
    at = clock.now() + UNUSED_FOR
    for media_id in sorted(set(dropped.scalars())):
        await due.schedule(session, organization_id, COLLECT, str(media_id), at)
