"""Every write of personas."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, outbox
from chassis.db import Session
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from content.personas import queries
from content.personas.models import BrandPersona
from content.personas.schemas import BrandPersonaCreate, BrandPersonaUpdate
from contracts.content import BrandPersonaChanged


async def create_persona(session: Session, staff: Principal, new: BrandPersonaCreate) -> BrandPersona:
    """Make a persona of the organization."""
    persona = BrandPersona(
        id=new_id(),
        organization_id=staff.organization_id,
        name=new.name,
        introduction=new.introduction,
        community_ids=new.community_ids,
    )
    session.add(persona)
    await session.flush()
    _tell(session, persona, staff)
    return persona


async def change_persona(
    session: Session, staff: Principal, persona_id: UUID, expected: int, change: BrandPersonaUpdate
) -> BrandPersona:
    """Change or retire a persona; a change that changes nothing is none. Raises Problem 404, 412."""
    persona = await queries.lock_persona(session, persona_id)
    check_version(expected, persona.version)
    retired_at = persona.retired_at
    if change.retired is not None:
        retired_at = (persona.retired_at or clock.now()) if change.retired else None
    wanted = {
        "name": change.name or persona.name,
        "introduction": persona.introduction if change.introduction is None else change.introduction,
        "community_ids": persona.community_ids if change.community_ids is None else change.community_ids,
        "retired_at": retired_at,
    }
    if any(getattr(persona, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(persona, name, value)
        persona.version += 1
        await session.flush()
        _tell(session, persona, staff)
    return persona


def _tell(session: Session, persona: BrandPersona, staff: Principal) -> None:
    outbox.emit(
        session,
        BrandPersonaChanged(persona_id=persona.id, retired=persona.retired_at is not None),
        organization_id=persona.organization_id,
        aggregate_id=persona.id,
        version=persona.version,
        actor=staff.account_id,
    )
