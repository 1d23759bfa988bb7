"""Sources over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from gateway.inbound.sources import commands, queries
from gateway.inbound.sources.models import Source
from gateway.inbound.sources.schemas import SourceCreate, SourceKeyCreate, SourceOut, SourceSecretOut, SourceUpdate
from gateway.vault import Secrets

routes = router("inbound")

_VERSIONED = problems(409, 412, 428)


async def _out(session: TenantSession, source: Source, response: Response) -> SourceOut:
    await session.flush()
    tag(response, source.version)
    return (await queries.outs(session, [source]))[0]


@routes.post("/v1/sources", status_code=201)
async def create_source(
    session: TenantSession, manager: PartnerManager, vault: Secrets, body: SourceCreate, response: Response
) -> SourceSecretOut:
    """Make a place from which a partner's webhooks are taken. Its secret is in this answer and in no other."""
    response.headers["Cache-Control"] = "no-store"
    made = await commands.create(session, vault, manager, body)
    tag(response, made.version)
    return made


@routes.get("/v1/sources")
async def list_sources(
    session: TenantSession,
    manager: PartnerManager,
    request: Request,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[SourceOut]:
    """List sources, oldest first: staff see the organization's, a program its own."""
    cursors, scope = runtime_of(request).cursors, f"sources:{manager.organization_id}:{manager.client_id}"
    after = cursors.decode(scope, cursor)
    found = await queries.list_sources(session, manager, limit=limit + 1, after=UUID(after[0]) if after else None)
    more = len(found) > limit
    return Page(
        data=await queries.outs(session, found[:limit]),
        next_cursor=cursors.encode(scope, str(found[limit - 1].id)) if more else None,
    )


@routes.get("/v1/sources/{source_id}")
async def get_source(session: TenantSession, manager: PartnerManager, source_id: UUID, response: Response) -> SourceOut:
    """Read a source, without its keys."""
    return await _out(session, await queries.get_source(session, manager, source_id), response)


@routes.patch("/v1/sources/{source_id}", responses=_VERSIONED)
async def update_source(
    session: TenantSession,
    manager: PartnerManager,
    source_id: UUID,
    expected: IfMatch,
    body: SourceUpdate,
    response: Response,
) -> SourceOut:
    """Change a source's name, or how its messages are verified."""
    return await _out(session, await commands.change(session, manager, source_id, expected, body), response)


@routes.delete("/v1/sources/{source_id}", status_code=204, responses=_VERSIONED)
async def delete_source(session: TenantSession, manager: PartnerManager, source_id: UUID, expected: IfMatch) -> None:
    """Delete a source. What it brought stays, and its receipts until they are forgotten."""
    await commands.delete(session, manager, source_id, expected)


@routes.post("/v1/sources/{source_id}/secrets", status_code=201, responses=problems(409))
async def rotate_source_secret(
    session: TenantSession,
    manager: PartnerManager,
    vault: Secrets,
    source_id: UUID,
    body: SourceKeyCreate,
    response: Response,
) -> SourceSecretOut:
    """Give a source another key; those before verify for 24 hours more. A secret of ours is in this answer and in no other."""
    response.headers["Cache-Control"] = "no-store"
    made = await commands.rotate(session, vault, manager, source_id, body.secret)
    tag(response, made.version)
    return made


@routes.post("/v1/sources/{source_id}/close", responses=_VERSIONED)
async def close_source(
    session: TenantSession, manager: PartnerManager, source_id: UUID, expected: IfMatch, response: Response
) -> SourceOut:
    """Take no more messages: the partner is answered 404. What was taken before is still applied."""
    source = await commands.turn(session, manager, source_id, expected, opened=False)
    return await _out(session, source, response)


@routes.post("/v1/sources/{source_id}/open", responses=_VERSIONED)
async def open_source(
    session: TenantSession, manager: PartnerManager, source_id: UUID, expected: IfMatch, response: Response
) -> SourceOut:
    """Take messages again."""
    source = await commands.turn(session, manager, source_id, expected, opened=True)
    return await _out(session, source, response)
