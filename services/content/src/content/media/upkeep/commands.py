"""Every write of media that nobody asked for at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.db import Session
from content.media import queries
from content.media.commands import COLLECT, SWEEP, SWEEP_AFTER, erase, forget
from content.media.policy import State
from content.media.stores import opened
from content.media.stores.port import prefix_of
from contracts.content import MediaErased


async def collect(session: Session, media_id: UUID, now: datetime) -> None:
    """Erase an upload that was not finished within a day, or that stands in nothing a day later."""
    media = await queries.find_media(session, media_id, lock=True)
    if media is None:
        return
    if media.state == State.UPLOADING:
        ends = media.created_at + queries.UNFINISHED_FOR
        if ends <= now:
            await forget(session, media)
        else:
            await due.schedule(session, media.organization_id, COLLECT, str(media.id), ends)
    elif not await queries.is_used(session, media):
        await erase(session, media, "unused", actor=None)


async def sweep(session: Session, organization_id: UUID, media_id: UUID) -> bool:
    """Delete the objects of an upload that no row names; return whether a part that was on its way may still come."""
    store = opened.of_session(session).store
    media = await queries.find_media(session, media_id)
    named = await queries.keys_of(session, media_id)
    await store.delete(await store.keys(prefix_of(organization_id, media_id)) - named)
    return media is None


async def sweep_again(session: Session, organization_id: UUID, media_id: UUID) -> None:
    """Look once more, when nothing can be on its way any more."""
    await due.schedule(session, organization_id, SWEEP, str(media_id), clock.now() + SWEEP_AFTER, {"again": True})


_ERASE = text("""
WITH gone AS (
    SELECT id, state, owner_id FROM media WHERE owner_id = ANY(:accounts) AND state <> 'erased' ORDER BY id FOR UPDATE
)
UPDATE media SET state = 'erased', erased_at = :now, owner_id = NULL, name = NULL, media_type = NULL, variants = '{}', size = 0,
    received = 0, version = media.version + 1
FROM gone WHERE media.id = gone.id
RETURNING media.id, media.organization_id, media.kind, media.version, gone.state, gone.owner_id
""")
_FORGET_PARTS = text("DELETE FROM media_part WHERE media_id = ANY(:ids)")
_FORGET_USES = text("DELETE FROM media_use WHERE media_id = ANY(:ids)")
_FORGET_WORK = text("DELETE FROM due_work WHERE organization_id = :organization AND kind = :kind AND key = ANY(:keys)")


async def erase_people(session: Session, organization_id: UUID, account_ids: Sequence[UUID]) -> None:
    """Erase everything that some people uploaded, wherever it stands; their objects follow as due work."""
    now = clock.now()
    rows = (await session.execute(_ERASE, {"accounts": list(account_ids), "now": now})).all()
    ids = [row.id for row in rows]
    keys = [str(one) for one in ids]
    await session.execute(_FORGET_PARTS, {"ids": ids})
    await session.execute(_FORGET_USES, {"ids": ids})
    # What is to be swept later is swept now. The work of collecting finds nothing: its worker holds that work's row and waits for uploads.
    await session.execute(_FORGET_WORK, {"organization": organization_id, "kind": SWEEP, "keys": keys})
    await due.schedule_many(session, organization_id, SWEEP, [(key, now) for key in keys])
    for row in rows:
        if row.state == State.READY:
            outbox.emit(
                session,
                MediaErased(media_id=row.id, owner_id=row.owner_id, kind=row.kind, cause="person"),
                organization_id=organization_id,
                aggregate_id=row.id,
                version=row.version,
            )


_ADOPT = text("UPDATE media SET owner_id = :account WHERE owner_id = :merged RETURNING id")


async def adopt(session: Session, organization_id: UUID, account_id: UUID, merged_account_id: UUID) -> None:
    """Make one account's uploads another's: both were one person's. Of two avatars the older is collected."""
    rows = await session.execute(_ADOPT, {"account": account_id, "merged": merged_account_id})
    if rows.first() is None:
        return
    current = {one.id for one in await queries.avatars_of(session, [account_id])}
    for one in await queries.lock_avatars(session, account_id):
        if one.id not in current:
            await due.schedule(session, organization_id, COLLECT, str(one.id), clock.now() + timedelta(days=1))
