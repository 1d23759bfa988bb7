"""Reading personas."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from contracts.members import CommunityState
from members.screening.personas.models import Persona, PersonaVersion
from members.screening.personas.policy import Candidate, Rule
from members.screening.personas.schemas import PersonaOut


async def list_standing(session: Session, community_id: UUID) -> list[Persona]:
    """Return the personas that stand, in the order in which they are tried."""
    found = await session.execute(
        select(Persona)
        .where(col(Persona.community_id) == community_id, col(Persona.retired_at).is_(None))
        .order_by(col(Persona.position), col(Persona.id))
    )
    return list(found.scalars())


async def get_for_update(session: Session, community_id: UUID, persona_id: UUID) -> Persona:
    """Return a persona that stands, with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(Persona)
        .where(
            col(Persona.id) == persona_id, col(Persona.community_id) == community_id, col(Persona.retired_at).is_(None)
        )
        .with_for_update()
    )
    persona = found.scalar_one_or_none()
    if persona is None:
        raise not_found("persona")
    return persona


async def lock(session: Session, persona_ids: Iterable[UUID | None]) -> dict[UUID, Persona]:
    """Return these personas with their rows locked, in one order for everybody; those retired too, for their places are still held."""
    found = await session.execute(
        select(Persona)
        .where(col(Persona.id).in_({one for one in persona_ids if one is not None}))
        .order_by(col(Persona.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {persona.id: persona for persona in found.scalars()}


def candidate(persona: Persona | PersonaVersion) -> Candidate:
    """Return what matching needs of a persona."""
    identifier = persona.id if isinstance(persona, Persona) else persona.persona_id
    return Candidate(identifier, persona.version, persona.position, Rule.model_validate(persona.rule))


async def candidates_at(session: Session, versions: Iterable[tuple[UUID, int]]) -> list[Candidate]:
    """Return personas as they were in these versions."""
    wanted = list(versions)
    if not wanted:
        return []
    found = await session.execute(
        select(PersonaVersion).where(tuple_(col(PersonaVersion.persona_id), col(PersonaVersion.version)).in_(wanted))
    )
    return [candidate(one) for one in found.scalars()]


async def outs(session: Session, standing: Standing, personas: Iterable[Persona]) -> list[PersonaOut]:
    """Return personas as this caller sees them."""
    rows = await session.execute(
        text(
            "SELECT persona_id, count(*) AS waiting FROM application WHERE community_id = :community_id AND state = 'waiting' "
            "GROUP BY persona_id"
        ),
        {"community_id": standing.community_id},
    )
    waiting = {row.persona_id: row.waiting for row in rows}
    can = ["edit", "retire"] if standing.has() and standing.community_state is not CommunityState.ARCHIVED else []
    return [
        PersonaOut.model_validate({**persona.model_dump(), "waiting": waiting.get(persona.id, 0), "can": can})
        for persona in personas
    ]
