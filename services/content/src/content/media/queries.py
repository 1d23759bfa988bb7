"""Every SELECT of media, and what they look like from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select

from chassis import clock
from chassis.db import Session
from chassis.errors import invalid, not_found
from chassis.pagination import Cursors
from chassis.runtime import Runtime
from chassis.tokens import Principal
from content.media.models import Media, MediaPart, MediaUse
from content.media.policy import DAY_SECONDS, Kind, Piece, State, Variant, largest_piece
from content.media.schemas import AvatarOut, MediaOut, MediaShown, VariantOut
from content.media.signing import rounded_expiry
from content.media.stores.opened import Depot, of_session
from content.suspension import SUSPENDED

Readable = Callable[[Session, Principal, Sequence[UUID]], Awaitable[set[UUID]]]
SUBJECTS: dict[str, Readable] = {}
"""Of each kind of thing that media stand in, which of some the caller may read. The composition root fills it."""
UNFINISHED_FOR = timedelta(seconds=DAY_SECONDS)
UPLOADED = "upload"
"""The variant of what arrives, until the upload is complete."""


_BELONGS_SOMEWHERE = text(f"""
SELECT EXISTS (SELECT FROM standing_member AS member WHERE account_id = :account AND state = 'approved'
    AND NOT {SUSPENDED.format(community="member.community_id", account=":account")})
""")


async def may_upload(session: Session, principal: Principal) -> bool:
    """Return whether somebody belongs to a community that they are not suspended from, or to the staff of the organization."""
    if principal.staff:
        return True
    found = await session.execute(_BELONGS_SOMEWHERE, {"account": principal.account_id})
    return bool(found.scalar_one())


class Usage(NamedTuple):
    """What an account keeps."""

    size: int
    unfinished: int


async def usage_of(session: Session, account_id: UUID) -> Usage:
    """Return how many bytes an account keeps or has announced, and how many uploads of it are not finished."""
    row = (
        await session.execute(
            text("""
                SELECT coalesce(sum(size), 0) AS size, count(*) FILTER (WHERE state = 'uploading') AS unfinished
                FROM media WHERE owner_id = :account AND state <> 'erased'
            """),
            {"account": account_id},
        )
    ).one()
    return Usage(int(row.size), int(row.unfinished))


async def find_media(session: Session, media_id: UUID, *, lock: bool = False) -> Media | None:
    """Return an upload that is not erased, locked against every change when asked for."""
    wanted = select(Media).where(Media.id == media_id, Media.state != State.ERASED.value)
    found = await session.scalars(wanted.with_for_update() if lock else wanted)
    return found.one_or_none()


async def lock_own(session: Session, principal: Principal, media_id: UUID) -> Media:
    """Return an upload of the caller, locked. Raises Problem 404."""
    media = await find_media(session, media_id, lock=True)
    if media is None or media.owner_id != principal.account_id:
        raise not_found("upload")
    return media


async def readable(session: Session, principal: Principal, ids: Iterable[UUID]) -> list[Media]:
    """Return those of the uploads that the caller may see: their own, avatars, and what stands in something that they may read."""
    wanted = list(dict.fromkeys(ids))
    rows = (
        await session.scalars(select(Media).where(col(Media.id).in_(wanted), Media.state != State.ERASED.value))
    ).all()
    seen = {one.id for one in rows if one.owner_id == principal.account_id}
    ready = [one for one in rows if one.id not in seen and one.state == State.READY]
    seen |= {one.id for one in ready if one.kind == Kind.AVATAR}
    hidden = [one.id for one in ready if one.id not in seen]
    if hidden:
        seen |= await _used_readably(session, principal, hidden)
    known = {one.id: one for one in rows if one.id in seen}
    return [known[one] for one in wanted if one in known]


async def _used_readably(session: Session, principal: Principal, ids: Sequence[UUID]) -> set[UUID]:
    uses = (await session.scalars(select(MediaUse).where(col(MediaUse.media_id).in_(ids)))).all()
    seen: set[UUID] = set()
    for kind, of_these in SUBJECTS.items():
        mine = [use for use in uses if use.subject_kind == kind]
        if mine:
            allowed = await of_these(session, principal, list({use.subject_id for use in mine}))
            seen |= {use.media_id for use in mine if use.subject_id in allowed}
    return seen


async def get_media(session: Session, principal: Principal, media_id: UUID) -> Media:
    """Return an upload that the caller may see. Raises Problem 404."""
    found = await readable(session, principal, [media_id])
    if not found:
        raise not_found("upload")
    return found[0]


async def attachable(
    session: Session, account_id: UUID, ids: Sequence[UUID], *, kept: Iterable[UUID] = (), at: str = "/body"
) -> list[Media]:
    """Return the uploads, locked, that somebody wants to put into what they write: finished and their own, no avatars.

    Those of `kept` stand there already and may stay, whoever's they are. Raises Problem 422 that points at `at` for the first that is not.
    """
    rows = await session.scalars(
        select(Media).where(col(Media.id).in_(list(ids))).order_by(col(Media.id)).with_for_update()
    )
    known = {one.id: one for one in rows}
    standing = set(kept)
    for one in ids:
        media = known.get(one)
        if media is not None and one in standing:
            continue
        if media is None or media.owner_id != account_id or media.state == State.ERASED or media.kind == Kind.AVATAR:
            raise invalid(at, "media-unknown", f"You have no upload {one} that could stand here.")
        if media.state != State.READY:
            raise invalid(at, "media-unfinished", f"The upload {one} is not finished.")
    return [known[one] for one in ids]


async def uses_of(session: Session, subject_kind: str, subject_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return which uploads stand in each of the subjects, in their order."""
    rows = await session.scalars(
        select(MediaUse)
        .where(MediaUse.subject_kind == subject_kind, col(MediaUse.subject_id).in_(list(subject_ids)))
        .order_by(col(MediaUse.position))
    )
    found: dict[UUID, list[UUID]] = {}
    for use in rows:
        found.setdefault(use.subject_id, []).append(use.media_id)
    return found


async def shown_in(session: Session, subject_kind: str, subject_ids: Sequence[UUID]) -> dict[UUID, list[MediaShown]]:
    """Return what of uploads is to be seen in each of the subjects, in its order, whoever asks: the caller says who may."""
    uses = await uses_of(session, subject_kind, subject_ids)
    if not uses:
        return {}
    wanted = {media_id for ids in uses.values() for media_id in ids}
    rows = await session.scalars(select(Media).where(col(Media.id).in_(wanted), Media.state == State.READY.value))
    known = {one.id: one for one in rows}
    depot = of_session(session)
    expires_at = rounded_expiry(clock.now(), depot.address_seconds)
    return {
        subject_id: [
            MediaShown(
                media_id=one.id,
                kind=Kind(one.kind),
                media_type=one.media_type or "",
                variants=_variants(depot, one, expires_at),
                urls_expire_at=expires_at,
            )
            for one in map(known.get, ids)
            if one is not None
        ]
        for subject_id, ids in uses.items()
    }


async def is_used(session: Session, media: Media) -> bool:
    """Return whether anything needs an upload: something that it stands in, or an account whose avatar it is."""
    if media.kind == Kind.AVATAR:
        newest = await avatars_of(session, [media.owner_id] if media.owner_id else [])
        return bool(newest) and newest[0].id == media.id
    found = await session.scalars(select(MediaUse.media_id).where(MediaUse.media_id == media.id).limit(1))
    return found.one_or_none() is not None


async def avatars_of(session: Session, account_ids: Sequence[UUID]) -> list[Media]:
    """Return the avatar of each of the accounts: the newest that was finished."""
    rows = await session.scalars(
        select(Media)
        .where(
            col(Media.owner_id).in_(list(account_ids)),
            Media.kind == Kind.AVATAR.value,
            Media.state == State.READY.value,
        )
        .ext(distinct_on(col(Media.owner_id)))
        .order_by(col(Media.owner_id), col(Media.ready_at).desc(), col(Media.id).desc())
    )
    return list(rows)


async def lock_avatars(session: Session, account_id: UUID) -> list[Media]:
    """Return every finished avatar of an account, locked: one, but where two were finished at once or two accounts became one."""
    rows = await session.scalars(
        select(Media)
        .where(Media.owner_id == account_id, Media.kind == Kind.AVATAR.value, Media.state == State.READY.value)
        .order_by(col(Media.id))
        .with_for_update()
    )
    return list(rows)


async def pieces_of(session: Session, media_id: UUID, variant: str) -> list[Piece]:
    """Return where the parts of a variant lie, from its beginning to its end."""
    rows = await session.execute(
        select(MediaPart.start, MediaPart.size, MediaPart.key)
        .where(MediaPart.media_id == media_id, MediaPart.variant == variant)
        .order_by(col(MediaPart.start))
    )
    return [Piece(row.start, row.size, row.key) for row in rows]


async def keys_of(session: Session, media_id: UUID) -> set[str]:
    """Return every key that an upload's rows name."""
    rows = await session.scalars(select(MediaPart.key).where(MediaPart.media_id == media_id))
    return set(rows)


_SERVED = """
SELECT json_build_object('name', media.name, 'kind', media.kind, 'variant', media.variants -> $3::text, 'pieces', (
    SELECT json_agg(json_build_array(start, size, key) ORDER BY start) FROM media_part
    WHERE media_id = $2 AND variant = $3::text))
FROM media WHERE id = $2 AND state = 'ready' AND variants ? $3::text
"""


class Served(NamedTuple):
    """What is sent to whoever holds an address."""

    name: str
    kind: Kind
    media_type: str
    size: int
    pieces: list[Piece]


async def find_served(runtime: Runtime, organization_id: UUID, media_id: UUID, variant: str) -> Served | None:
    """Return what lies at an address, None when it is gone."""
    found = await runtime.reader.json(organization_id, _SERVED, media_id, variant)
    if found is None:
        return None
    row = orjson.loads(found)
    described = row["variant"]
    pieces = [Piece(*one) for one in row["pieces"]]
    return Served(row["name"], Kind(row["kind"]), described["media_type"], described["size"], pieces)


async def list_own(
    session: Session, cursors: Cursors, principal: Principal, *, limit: int, cursor: str | None
) -> tuple[list[Media], str | None]:
    """Return a page of the caller's uploads, newest first, and the cursor of the next. Raises Problem 422 for a foreign cursor."""
    scope = f"media:{principal.organization_id}:{principal.account_id}"
    wanted = select(Media).where(Media.owner_id == principal.account_id, Media.state != State.ERASED.value)
    after = cursors.decode(scope, cursor)
    if after is not None:
        wanted = wanted.where(col(Media.id) < UUID(after[0]))
    rows = list(await session.scalars(wanted.order_by(col(Media.id).desc()).limit(limit + 1)))
    more = cursors.following(scope, rows, limit, lambda row: row.id)
    return rows[:limit], more


def _variants(depot: Depot, media: Media, expires_at: datetime) -> dict[Variant, VariantOut]:
    out = {}
    for name, described in media.variants.items():
        token = depot.signer.token(media.organization_id, media.id, Variant(name), expires_at)
        out[Variant(name)] = VariantOut(
            url=f"/v1/media/{media.id}/content/{name}?token={token}",
            media_type=described["media_type"],
            size=described["size"],
            width=described.get("width"),
            height=described.get("height"),
        )
    return out


def out(depot: Depot, principal: Principal, media: Media) -> MediaOut:
    """Return an upload as the caller sees it, with addresses that are good for a while."""
    ready, own = media.state == State.READY, media.owner_id == principal.account_id
    expires_at = rounded_expiry(clock.now(), depot.address_seconds) if ready else None
    can: list[str] = []
    if own or principal.staff:
        can = ["delete"]
    if own and not ready:
        can = ["upload" if media.received < media.size else "complete", "delete"]
    return MediaOut(
        id=media.id,
        kind=Kind(media.kind),
        state=State(media.state),
        name=media.name or "",
        media_type=media.media_type,
        size=media.size,
        offset=media.size if ready else media.received,
        largest_part=largest_piece(media.size),
        created_at=media.created_at,
        expires_at=None if ready else media.created_at + UNFINISHED_FOR,
        variants=_variants(depot, media, expires_at) if expires_at else {},
        urls_expire_at=expires_at,
        version=media.version,
        can=can,
    )


def avatar_out(depot: Depot, media: Media) -> AvatarOut:
    """Return an avatar with its addresses."""
    assert media.owner_id is not None  # noqa: S101  what is ready has an owner
    expires_at = rounded_expiry(clock.now(), depot.address_seconds)
    return AvatarOut(
        account_id=media.owner_id,
        media_id=media.id,
        variants=_variants(depot, media, expires_at),
        urls_expire_at=expires_at,
    )
