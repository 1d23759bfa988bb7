"""Every write of what uploads stand in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CursorResult, TextClause, text

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
# What stands in an item was somebody's own when an editor put it there.
_TAKE_PLANNED = text("""
INSERT INTO media_use (subject_kind, subject_id, media_id, organization_id, position)
SELECT 'post', :subject, media.id, media.organization_id, position
FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS taken(media_id, position) JOIN media ON media.id = taken.media_id
WHERE media.state = 'ready' AND media.kind <> 'avatar' AND (media.owner_id = :account OR EXISTS (
    SELECT FROM media_use AS planned WHERE planned.media_id = media.id AND planned.subject_kind = 'item'))
ON CONFLICT (subject_kind, subject_id, media_id) DO NOTHING
""")
_DROP = text("""
DELETE FROM media_use WHERE subject_kind = :kind AND subject_id = ANY(:subjects) AND media_id <> ALL(:kept)
RETURNING media_id, organization_id
""")
_DROP_THREADS = text("""
DELETE FROM media_use USING comment
WHERE comment.post_id = ANY(:posts) AND media_use.subject_kind = 'comment' AND media_use.subject_id = comment.id
RETURNING media_use.media_id, media_use.organization_id
""")


async def use(
    session: Session,
    organization_id: UUID,
    account_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    ids: Sequence[UUID],
    *,
    beside: bool = False,
    at: str = "/body",
) -> None:
    """Have exactly these uploads stand in something, in this order; whoever reads it, reads them.

    What stands there already stays, whoever's it is; what comes new has to be finished and `account_id`'s own. What no longer stands
    anywhere is collected after a day; `beside` takes nothing out. Raises Problem 422 that points at `at`.
    """
    wanted = list(dict.fromkeys(ids))
    if wanted:
        before = (await queries.uses_of(session, subject_kind, [subject_id])).get(subject_id, [])
        await queries.attachable(session, account_id, wanted, kept=before, at=at)
    if not beside:
        await _drop(session, _DROP, {"kind": subject_kind, "subjects": [subject_id], "kept": wanted})
    if wanted:
        values = {"kind": subject_kind, "subject": subject_id, "organization": organization_id, "ids": wanted}
        await session.execute(_TAKE, values)


async def use_planned(session: Session, account_id: UUID, post_id: UUID, ids: Sequence[UUID]) -> None:
    """Have the uploads of a planned piece stand in its post: its author's own, and what stands in an item.

    Others are left out: a delivery at its hour has nobody to refuse it to.
    """
    if ids:
        await session.execute(
            _TAKE_PLANNED, {"subject": post_id, "account": account_id, "ids": list(dict.fromkeys(ids))}
        )


async def release(session: Session, subject_kind: str, subject_ids: Sequence[UUID]) -> None:
    """Have nothing stand in these any more: they are deleted, or done with."""
    await _drop(session, _DROP, {"kind": subject_kind, "subjects": list(subject_ids), "kept": []})


async def release_threads(session: Session, post_ids: Sequence[UUID]) -> None:
    """Have nothing stand in the comments of posts any more: they are deleted, and nobody reads them."""
    await _drop(session, _DROP_THREADS, {"posts": list(post_ids)})


async def _drop(session: Session, statement: TextClause, values: dict[str, object]) -> None:
    dropped: CursorResult[tuple[UUID, UUID]] = await session.execute(statement, values)  # type: ignore[assignment]
    at = clock.now() + UNUSED_FOR
    for media_id, organization_id in sorted({(row.media_id, row.organization_id) for row in dropped}):
        await due.schedule(session, organization_id, COLLECT, str(media_id), at)
