"""Every write of media, and the events that tell of them.

Bytes are written before the row that names them and deleted after the row that named them is gone; what a crash leaves between the two lies
under the upload's own prefix, where `sweep` finds it. No transaction waits for a client or for the drawing of an image.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.db import Session, transaction
from chassis.errors import Fault, Problem, not_found
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.runtime import Runtime
from chassis.tokens import Principal
from content.media import drawing, policy, queries, sniffing, stripping
from content.media.drawing import Drawn
from content.media.models import Media, MediaPart
from content.media.policy import Kind, Piece, State, Variant
from content.media.schemas import MediaCreate
from content.media.stores import opened
from content.media.stores.opened import Depot
from content.media.stores.port import new_key
from content.refusal import Refusal, check
from contracts.content import MediaErased, MediaUploaded

COLLECT = "media.collect"
"""Due work: an upload that nobody finished, or that stands in nothing."""
SWEEP = "media.sweep"
"""Due work: objects of an upload that no row names."""
UNUSED_FOR = timedelta(days=1)
SWEEP_AFTER = timedelta(hours=1)
BODY_SECONDS = 120.0
MOST_BODIES = 12
"""Parts that one process holds in its memory at a time."""
MOST_OF_ONE = 3
"""Of them one account's: who sends slowly keeps nobody else from uploading."""

_bodies: list[UUID] = []
"""Whose parts are arriving."""
_OFFSET = "Upload-Offset"
_WHOLE = ""
"""The pointer at all that was sent."""


async def begin(session: Session, principal: Principal, new: MediaCreate) -> Media:
    """Begin an upload. Raises Problem 403 for who belongs to no community, 409 beyond the quota, 413 for what is too large."""
    if not await queries.may_upload(session, principal):
        raise Problem(403, "forbidden", "Only members of a community upload.")
    # One at a time of one account, so that two together cannot pass the quota.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"media:{principal.account_id}"}
    )
    usage = await queries.usage_of(session, principal.account_id)
    quota = opened.of_session(session).quota
    refusal = policy.size_refusal(new.kind, new.size, used=usage.size, quota=quota, unfinished=usage.unfinished)
    if refusal is not None:
        about_size = refusal.code != "too-many-unfinished"
        check(refusal, 413 if refusal.code == "media-too-large" else 409, "/size" if about_size else None)
    media = Media(
        id=new_id(),
        organization_id=principal.organization_id,
        owner_id=principal.account_id,
        kind=new.kind.value,
        name=policy.clean_name(new.name),
        size=new.size,
        created_at=clock.now(),
    )
    session.add(media)
    await session.flush()
    at = media.created_at + queries.UNFINISHED_FOR
    await due.schedule(session, media.organization_id, COLLECT, str(media.id), at)
    return media


def _stale(received: int) -> Problem:
    return Problem(
        409,
        "offset-stale",
        f"{received} bytes have arrived: go on from there.",
        headers={_OFFSET: str(received)},
        more={"offset": received},
    )


def _check_goes_on(media: Media, offset: int) -> None:
    if media.state != State.UPLOADING:
        raise Problem(409, "upload-finished", "This upload is finished.", headers={_OFFSET: str(media.size)})
    if offset != media.received:
        raise _stale(media.received)


async def receive(
    runtime: Runtime, principal: Principal, media_id: UUID, offset: int, body: AsyncIterator[bytes]
) -> Media:
    """Keep the next part of an upload. Raises Problem 404, 408, 409 for another offset than it stands at, 413, 422, 503.

    When it is cut off nothing of the part stays, and the offset says so.
    """
    depot = opened.of_runtime(runtime)
    async with transaction(runtime.engine, principal.organization_id) as session:
        media = await queries.lock_own(session, principal, media_id)
        _check_goes_on(media, offset)
    data = await read_part(principal.account_id, body, min(policy.largest_piece(media.size), media.size - offset))
    key = new_key(media.organization_id, media.id)
    await depot.store.put(key, data)
    async with transaction(runtime.engine, principal.organization_id) as session:
        media = await queries.lock_own(session, principal, media_id)
        _check_goes_on(media, offset)
        part = Piece(offset, len(data), key)
        session.add(_part(media, queries.UPLOADED, part))
        media.received += len(data)
        await session.flush()
    return media


async def read_part(account_id: UUID, body: AsyncIterator[bytes], most: int) -> bytes:
    """Return what an account sends. Raises Problem 408, 413, 422, 503 while too much is arriving, of all or of this account."""
    if len(_bodies) >= MOST_BODIES or _bodies.count(account_id) >= MOST_OF_ONE:
        raise Problem(503, "uploads-busy", "Other uploads are arriving: try again.", headers={"Retry-After": "2"})
    _bodies.append(account_id)
    try:
        parts, size = [], 0
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in body:
                size += len(chunk)
                if size > most:
                    raise Problem(413, "body-too-large", f"At this place up to {most} bytes are taken.")
                parts.append(chunk)
    except TimeoutError:
        raise Problem(408, "request-timeout", "The part did not arrive in time: send smaller ones.") from None
    finally:
        _bodies.remove(account_id)
    if not size:
        fault = Fault(_WHOLE, "part-empty", "A part holds at least one byte.")
        raise Problem(422, "part-empty", fault.detail, errors=[fault])
    return b"".join(parts)


def _part(media: Media, variant: str, piece: Piece) -> MediaPart:
    return MediaPart(
        media_id=media.id,
        variant=variant,
        start=piece.start,
        organization_id=media.organization_id,
        size=piece.size,
        key=piece.key,
    )


async def complete(runtime: Runtime, principal: Principal, media_id: UUID) -> Media:
    """Judge a whole upload by its content and keep it; a second time it is answered as it is.

    Raises Problem 404, 409 while bytes are missing, 422 for what it may not be, which is erased at once.
    """
    depot = opened.of_runtime(runtime)
    async with transaction(runtime.engine, principal.organization_id) as session:
        media = await queries.lock_own(session, principal, media_id)
        if media.state == State.READY:
            return media
        if media.received < media.size:
            raise _stale(media.received)
        pieces = await queries.pieces_of(session, media.id, queries.UPLOADED)
    kind = Kind(media.kind)
    head = await _bytes_of(depot, pieces, 0, min(sniffing.HEAD_BYTES, media.size))
    media_type = sniffing.detect(kind, head, media.name or "")
    if media_type is None:
        await _refuse(
            runtime,
            principal,
            media_id,
            Refusal("media-type-refused", f"That is nothing that may be uploaded as {kind}."),
        )
        raise not_found("upload")
    if not kind.drawn:
        described = {Variant.ORIGINAL.value: {"media_type": media_type, "size": media.size}}
        # A file is handed on to the byte; of a recording only what is heard and seen.
        stripped = None if kind is Kind.FILE else await _stripped(depot, media, media_type, pieces)
        return await _keep(runtime, principal, media_id, media_type, described, stripped)
    drawn = await drawing.draw(kind, await _bytes_of(depot, pieces, 0, media.size))
    if isinstance(drawn, Refusal):
        await _refuse(runtime, principal, media_id, drawn)
        raise not_found("upload")
    parts = [(one.variant, piece) for one in drawn for piece in await _store(depot, media, one.data)]
    described = {one.variant: _described(one) for one in drawn}
    return await _keep(runtime, principal, media_id, drawn[0].media_type, described, parts)


async def _stripped(
    depot: Depot, media: Media, media_type: str, pieces: Sequence[Piece]
) -> list[tuple[str, Piece]] | None:
    """Keep those parts of a recording anew that say things about its maker; None when none does."""

    async def peek(start: int, end: int) -> bytes:
        return await _bytes_of(depot, pieces, start, end)

    blanks = await stripping.find_blanks(media_type, peek, media.size)
    kept = []
    for piece in pieces:
        touched = [one for one in blanks if one.start < piece.start + piece.size and piece.start < one.end]
        if touched:
            data = bytearray(await peek(piece.start, piece.start + piece.size))
            for one in touched:
                one.apply(data, piece.start)
            key = new_key(media.organization_id, media.id)
            await depot.store.put(key, bytes(data))
            kept.append(piece._replace(key=key))
        else:
            kept.append(piece)
    return [(Variant.ORIGINAL.value, piece) for piece in kept] if blanks else None


async def _bytes_of(depot: Depot, pieces: Sequence[Piece], start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in stream(depot, pieces, start, end)])


async def stream(depot: Depot, pieces: Sequence[Piece], start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes `[start, end)` of what lies in these parts, as they are read."""
    for one in policy.slices(pieces, start, end):
        async for chunk in depot.store.read(one.key, one.start, one.end):
            yield chunk


async def _store(depot: Depot, media: Media, data: bytes) -> list[Piece]:
    pieces = []
    for start in range(0, len(data), policy.LARGEST_PART):
        part = data[start : start + policy.LARGEST_PART]
        key = new_key(media.organization_id, media.id)
        await depot.store.put(key, part)
        pieces.append(Piece(start, len(part), key))
    return pieces


def _described(drawn: Drawn) -> dict[str, Any]:
    described = {"media_type": drawn.media_type, "size": len(drawn.data), "width": drawn.width, "height": drawn.height}
    return described | ({"frames": drawn.frames} if drawn.frames > 1 else {})


_TAKE_OVER = text("UPDATE media_part SET variant = 'original' WHERE media_id = :id AND variant = :uploaded")
_DROP_UPLOADED = text("DELETE FROM media_part WHERE media_id = :id AND variant = :uploaded")


async def _keep(
    runtime: Runtime,
    principal: Principal,
    media_id: UUID,
    media_type: str,
    described: dict[str, dict[str, Any]],
    parts: Sequence[tuple[str, Piece]] | None,
) -> Media:
    """Make an upload what it was found to be; without `parts` what arrived is kept as it is. Who comes second finds it done."""
    async with transaction(runtime.engine, principal.organization_id) as session:
        media = await queries.lock_own(session, principal, media_id)
        # Whatever of this is not named by a row when it is done, another's completion or what arrived, is swept.
        await _sweep_later(session, media)
        if media.state != State.UPLOADING:
            return media
        statement = _TAKE_OVER if parts is None else _DROP_UPLOADED
        await session.execute(statement, {"id": media.id, "uploaded": queries.UPLOADED})
        session.add_all(_part(media, variant, piece) for variant, piece in parts or ())
        media.state, media.media_type, media.ready_at = State.READY.value, media_type, clock.now()
        media.variants, media.size = described, sum(int(one["size"]) for one in described.values())
        media.received = media.size
        media.version += 1
        if media.kind == Kind.AVATAR:
            await _replace_avatars(session, media)
        await session.flush()
        await due.schedule(session, media.organization_id, COLLECT, str(media.id), clock.now() + UNUSED_FOR)
        event = MediaUploaded(
            media_id=media.id, owner_id=media.owner_id, kind=media.kind, media_type=media_type, size=media.size
        )
        outbox.emit(
            session,
            event,
            organization_id=media.organization_id,
            aggregate_id=media.id,
            version=media.version,
            actor=principal.account_id,
        )
    return media


async def _replace_avatars(session: Session, media: Media) -> None:
    """Erase an account's avatars before this one: there is one, and no second completion that could not see it."""
    assert media.owner_id is not None  # noqa: S101  it is being uploaded
    for one in await queries.lock_avatars(session, media.owner_id):
        if one.id != media.id:
            await erase(session, one, "replaced", actor=media.owner_id)


async def _refuse(runtime: Runtime, principal: Principal, media_id: UUID, refusal: Refusal) -> None:
    """Erase an upload that may not be kept, and raise Problem 422 that says why."""
    async with transaction(runtime.engine, principal.organization_id) as session:
        media = await queries.lock_own(session, principal, media_id)
        if media.state != State.UPLOADING:
            return
        await forget(session, media)
    check(refusal, 422, _WHOLE)


async def _sweep_later(session: Session, media: Media, *, after: timedelta = SWEEP_AFTER) -> None:
    await due.schedule(session, media.organization_id, SWEEP, str(media.id), clock.now() + after)


_FORGET_PARTS = text("DELETE FROM media_part WHERE media_id = :id")
_FORGET_USES = text("DELETE FROM media_use WHERE media_id = :id")


async def forget(session: Session, media: Media) -> None:
    """Leave a tombstone of a locked upload, and have its objects deleted as soon as this is committed.

    The work of collecting it is left to find nothing: its worker holds that work's row and waits for the upload.
    """
    media.state, media.erased_at = State.ERASED.value, clock.now()
    media.name = media.media_type = media.owner_id = None
    media.variants, media.size, media.received = {}, 0, 0
    media.version += 1
    await session.flush()
    await session.execute(_FORGET_PARTS, {"id": media.id})
    await session.execute(_FORGET_USES, {"id": media.id})
    await _sweep_later(session, media, after=timedelta())


async def erase(session: Session, media: Media, cause: str, *, actor: UUID | None) -> None:
    """Erase a locked upload with its objects; what was finished is told of."""
    owner, finished = media.owner_id, media.state == State.READY
    await forget(session, media)
    if finished:
        outbox.emit(
            session,
            MediaErased(media_id=media.id, owner_id=owner, kind=media.kind, cause=cause),
            organization_id=media.organization_id,
            aggregate_id=media.id,
            version=media.version,
            actor=actor,
        )


async def delete(session: Session, principal: Principal, media_id: UUID, expected: int) -> None:
    """Erase an upload for its owner, or for staff of the organization. Raises Problem 404, 412."""
    media = await queries.find_media(session, media_id, lock=True)
    own = media is not None and media.owner_id == principal.account_id
    if media is None or not (own or principal.staff):
        raise not_found("upload")
    check_version(expected, media.version)
    await erase(session, media, "owner" if own else "staff", actor=principal.account_id)
