"""Personas over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import OrganizationStaff, Person
from chassis.errors import not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.personas import commands, queries
from content.personas.schemas import BrandPersonaCreate, BrandPersonaOut, BrandPersonaUpdate

routes = router("personas")


@routes.post("/v1/brand-personas", status_code=201, responses=problems(413))
async def create_brand_persona(
    session: TenantSession, staff: OrganizationStaff, body: BrandPersonaCreate, response: Response
) -> BrandPersonaOut:
    """Make a persona of the brand: a name as which editors speak, while revisions keep the person."""
    persona = await commands.create_persona(session, staff, body)
    tag(response, persona.version)
    return BrandPersonaOut.model_validate(persona)


@routes.get("/v1/brand-personas")
async def list_brand_personas(
    request: Request, session: TenantSession, person: Person, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[BrandPersonaOut]:
    """Read the personas of the brand, retired ones too, the first made first."""
    cursors = runtime_of(request).cursors
    return await queries.list_personas(session, person.organization_id, cursors, limit=limit, cursor=cursor)


@routes.get("/v1/brand-personas/{brand_persona_id}")
async def get_brand_persona(
    session: TenantSession, _person: Person, brand_persona_id: UUID, response: Response
) -> BrandPersonaOut:
    """Read a persona of the brand."""
    persona = await queries.find_persona(session, brand_persona_id)
    if persona is None:
        raise not_found("persona")
    tag(response, persona.version)
    return BrandPersonaOut.model_validate(persona)


@routes.patch("/v1/brand-personas/{brand_persona_id}", responses=problems(412, 413, 428))
async def change_brand_persona(
    session: TenantSession,
    staff: OrganizationStaff,
    brand_persona_id: UUID,
    version: IfMatch,
    body: BrandPersonaUpdate,
    response: Response,
) -> BrandPersonaOut:
    """Change or retire a persona of the brand."""
    persona = await commands.change_persona(session, staff, brand_persona_id, version, body)
    tag(response, persona.version)
    return BrandPersonaOut.model_validate(persona)
