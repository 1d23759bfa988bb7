"""Every SELECT of personas."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import select

from chassis.db import Session
from chassis.errors import not_found
from content.personas.models import BrandPersona


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
