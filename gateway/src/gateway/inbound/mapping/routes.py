"""Mappings over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Path, Request, Response

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.errors import Problem
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from gateway.inbound.mapping import commands, policy, queries, strict
from gateway.inbound.mapping.schemas import DryRunCreate, DryRunOut, MappedItem, MappingCreate, MappingFault, MappingOut
from gateway.inbound.sources import queries as sources

routes = router("inbound")

Number = Annotated[int, Path(ge=1, le=2**31 - 2, examples=[1])]


@routes.post("/v1/sources/{source_id}/mappings", status_code=201, responses=problems(409))
async def create_mapping(
    session: TenantSession, manager: PartnerManager, source_id: UUID, body: MappingCreate
) -> MappingOut:
    """Keep another version of a source's mapping. It is in force when it is adopted."""
    return await commands.add(session, manager, source_id, body.mapping)


@routes.get("/v1/sources/{source_id}/mappings")
async def list_mappings(
    session: TenantSession,
    manager: PartnerManager,
    source_id: UUID,
    request: Request,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[MappingOut]:
    """List the versions of a source's mapping, the newest first."""
    source = await sources.get_source(session, manager, source_id)
    cursors, scope = runtime_of(request).cursors, f"mappings:{manager.organization_id}:{source_id}"
    before = cursors.decode(scope, cursor)
    found = await queries.list_mappings(
        session, source.id, source.mapping, limit=limit + 1, before=before[0] if before else None
    )
    return Page(
        data=found[:limit],
        next_cursor=cursors.encode(scope, found[limit - 1].number) if len(found) > limit else None,
    )


@routes.get("/v1/sources/{source_id}/mappings/{number}")
async def get_mapping(session: TenantSession, manager: PartnerManager, source_id: UUID, number: Number) -> MappingOut:
    """Read a version of a source's mapping."""
    source = await sources.get_source(session, manager, source_id)
    return await queries.get_mapping(session, source.id, source.mapping, number)


@routes.post("/v1/sources/{source_id}/mappings/{number}/adopt", responses=problems(412, 428))
async def adopt_mapping(
    session: TenantSession,
    manager: PartnerManager,
    source_id: UUID,
    number: Number,
    expected: IfMatch,
    response: Response,
) -> MappingOut:
    """Put a version of the mapping in force, for what comes from now on and what is tried again. If-Match names the source's version."""
    source = await commands.adopt(session, manager, source_id, number, expected)
    tag(response, source.version)
    return await queries.get_mapping(session, source.id, source.mapping, number)


@routes.post("/v1/sources/{source_id}/mappings/dry-runs")
async def try_mapping(
    session: TenantSession, manager: PartnerManager, source_id: UUID, body: DryRunCreate
) -> DryRunOut:
    """See what a mapping would make of a message. Nothing is kept, and nothing is changed."""
    await sources.get_source(session, manager, source_id)
    mapping = commands.check(body.mapping)
    written = (
        body.sample.encode("utf-8", "surrogatepass") if isinstance(body.sample, str) else orjson.dumps(body.sample)
    )
    try:
        sample = strict.read(written)
    except strict.NotStrictError as error:
        fault = error.fault
        raise Problem(
            422,
            "invalid",
            "The sample is no strict JSON.",
            errors=[type(fault)("/sample" + fault.pointer, fault.code, fault.detail)],
        ) from None
    reading = policy.apply_mapping(mapping, sample)
    return DryRunOut(
        items=[
            MappedItem(
                kind=item.kind,
                external_id=item.external_id,
                version=item.version,
                fields={name: queries.plain(value) for name, value in item.fields.items()},
            )
            for item in reading.items
        ],
        faults=[MappingFault(**asdict(fault)) for fault in commands.in_field(reading.faults)],
    )
