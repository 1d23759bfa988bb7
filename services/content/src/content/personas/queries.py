"""Every SELECT of personas."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select

from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.personas.models import BrandPersona
from content.personas.schemas import BrandPersonaOut


async def find_persona(session: Session, persona_id: UUID) -> BrandPersona | None:
    """Return a persona of the tenant."""
    found = await session.scalars(select(BrandPersona).where(BrandPersona.id == persona_id))
    return found.one_or_none()


async def lock_persona(session: Session, persona_id: UUID) -> BrandPersona:
    """Return a persona, locked. Raises Problem 404."""
    found = await session.scalars(select(BrandPersona).where(BrandPersona.id == persona_id).with_for_update())
    persona = found.one_or_none()
    if persona is None:
        raise not_found("persona")
    return persona


async def list_personas(
    session: Session, organization_id: UUID, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[BrandPersonaOut]:
    """Return the organization's personas, the first made first. Raises Problem 422 for a foreign cursor."""
    scope = f"brand-personas:{organization_id}"
    after = cursors.decode(scope, cursor)
    wanted = select(BrandPersona).order_by(col(BrandPersona.id)).limit(limit + 1)
    if after is not None:
        wanted = wanted.where(BrandPersona.id > UUID(after[0]))
    rows = list(await session.scalars(wanted))
    return Page[BrandPersonaOut](
        data=[BrandPersonaOut.model_validate(row) for row in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
