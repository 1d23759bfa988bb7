"""Reading sources."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from chassis import clock
from chassis.db import Session
from chassis.errors import not_found
from chassis.tokens import Principal
from gateway.inbound.sources import policy
from gateway.inbound.sources.models import Source, SourceKey
from gateway.inbound.sources.schemas import SourceKeyOut, SourceOut

_PARTNER = text("SELECT active FROM partner WHERE client_id = :client_id")


async def get_source(session: Session, principal: Principal, source_id: UUID, *, lock: bool = False) -> Source:
    """Return a source that the caller may see. Raises Problem 404."""
    query = select(Source).where(Source.id == source_id, Source.deleted_at.is_(None))  # type: ignore[union-attr, arg-type]
    if principal.client_id is not None:
        query = query.where(Source.client_id == principal.client_id)  # type: ignore[arg-type]
    found = (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if found is None:
        raise not_found("source")
    return found


async def list_sources(session: Session, principal: Principal, *, limit: int, after: UUID | None) -> list[Source]:
    """Return sources that the caller may see, oldest first."""
    query = select(Source).where(Source.deleted_at.is_(None)).order_by(Source.id).limit(limit)  # type: ignore[union-attr, arg-type]
    if principal.client_id is not None:
        query = query.where(Source.client_id == principal.client_id)  # type: ignore[arg-type]
    if after is not None:
        query = query.where(Source.id > after)  # type: ignore[arg-type]
    return list((await session.execute(query)).scalars())


async def keys_of(session: Session, source_ids: list[UUID]) -> dict[UUID, list[SourceKey]]:
    """Return the keys of sources that are good now, newest first."""
    query = select(SourceKey).where(SourceKey.source_id.in_(source_ids)).order_by(SourceKey.id.desc())  # type: ignore[attr-defined]
    found: dict[UUID, list[SourceKey]] = {}
    for key in (await session.execute(query)).scalars():
        if key.expires_at is None or key.expires_at > clock.now():
            found.setdefault(key.source_id, []).append(key)
    return found


async def partner_active(session: Session, client_id: UUID) -> bool | None:
    """Say whether a partner's client is good, None when nothing is known of it."""
    active: bool | None = (await session.execute(_PARTNER, {"client_id": client_id})).scalar_one_or_none()
    return active


async def outs(session: Session, sources: list[Source]) -> list[SourceOut]:
    """Return sources as HTTP shows them."""
    keys = await keys_of(session, [source.id for source in sources])
    return [
        SourceOut(
            id=source.id,
            client_id=source.client_id,
            name=source.name,
            path=f"/v1/inbound/{source.id}",
            verification=source.verification,
            open=source.open,
            mapping=source.mapping,
            keys=[SourceKeyOut.model_validate(key) for key in keys.get(source.id, [])],
            created_at=source.created_at,
            created_by=source.created_by,
            updated_at=source.updated_at,
            version=source.version,
            can=policy.allowed(source.open, source.deleted_at is not None),
        )
        for source in sources
    ]
