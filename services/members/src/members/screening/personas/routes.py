"""Personas over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Manager, Moderator
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from members.screening.personas import commands, queries
from members.screening.personas.schemas import PersonaCreate, PersonaList, PersonaOut, PersonaUpdate

routes = router("screening")


@routes.post("/v1/communities/{community_id}/personas", status_code=201, responses=problems(409))
async def create_persona(
    session: TenantSession, manager: Manager, body: PersonaCreate, response: Response
) -> PersonaOut:
    """Name a kind of member that the community wants, who is one, and how many."""
    persona = await commands.create(session, manager, body)
    tag(response, persona.version)
    return (await queries.outs(session, manager, [persona]))[0]


@routes.get("/v1/communities/{community_id}/personas")
async def list_personas(session: TenantSession, moderator: Moderator) -> PersonaList:
    """List the personas in the order in which they are tried, with who belongs and who waits. A community has at most 50."""
    personas = await queries.list_standing(session, moderator.community_id)
    return PersonaList(data=await queries.outs(session, moderator, personas))


@routes.patch("/v1/communities/{community_id}/personas/{persona_id}", responses=problems(409, 412, 428))
async def update_persona(
    session: TenantSession,
    manager: Manager,
    persona_id: UUID,
    version: IfMatch,
    body: PersonaUpdate,
    response: Response,
) -> PersonaOut:
    """Change a persona; when its quota grows, those who wait move up by themselves."""
    persona = await commands.update(session, manager, persona_id, version, body)
    tag(response, persona.version)
    return (await queries.outs(session, manager, [persona]))[0]


@routes.delete(
    "/v1/communities/{community_id}/personas/{persona_id}", status_code=204, responses=problems(409, 412, 428)
)
async def retire_persona(session: TenantSession, manager: Manager, persona_id: UUID, version: IfMatch) -> None:
    """Let a persona match nobody any more. Its members stay; those who waited for it come before reviewers."""
    await commands.retire(session, manager, persona_id, version)
