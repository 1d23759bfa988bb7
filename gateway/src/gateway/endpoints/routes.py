"""Endpoints over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from gateway.endpoints import commands, queries
from gateway.endpoints.schemas import CLIENT, EndpointCreate, EndpointCreatedOut, EndpointOut, EndpointUpdate
from gateway.partner_settings import settings_of
from gateway.vault import Secrets

ENDPOINTS = "/v1/endpoints"
ONE = ENDPOINTS + "/{endpoint_id}"

routes = router("endpoints")


@routes.post(ENDPOINTS, status_code=201, responses=problems(409, 413))
async def create_endpoint(
    session: TenantSession,
    vault: Secrets,
    manager: PartnerManager,
    request: Request,
    body: EndpointCreate,
    response: Response,
) -> EndpointCreatedOut:
    """Put up an endpoint: from now on a partner is told there what happens, signed by the keys in this answer.

    Staff names the partner's API client; a program with the scope webhooks:manage means itself. An organization has up to 20,000.
    """
    response.headers["Cache-Control"] = "no-store"
    networks = settings_of(runtime_of(request)).networks
    made = await commands.create(session, manager, body, vault=vault, networks=networks)
    tag(response, made.version)
    return made


@routes.get(ENDPOINTS)
async def list_endpoints(
    request: Request,
    session: TenantSession,
    manager: PartnerManager,
    *,
    client_id: Annotated[UUID | None, Query(description="of this API client only", examples=[CLIENT])] = None,
    enabled: Annotated[bool | None, Query(description="only those that are, or are not")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[EndpointOut]:
    """List endpoints, oldest first: staff every one of the organization, a program its own."""
    return await queries.list_page(
        session,
        manager,
        runtime_of(request).cursors,
        client_id=client_id,
        enabled=enabled,
        limit=limit,
        cursor=cursor,
    )


@routes.get(ONE)
async def get_endpoint(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, response: Response
) -> EndpointOut:
    """Read an endpoint: what it is told, whether it is, and since when it has done nothing but fail."""
    endpoint = await queries.get_endpoint(session, manager, endpoint_id)
    tag(response, endpoint.version)
    return await queries.out(session, endpoint)


@routes.patch(ONE, responses=problems(412, 413, 428))
async def update_endpoint(
    session: TenantSession,
    vault: Secrets,
    manager: PartnerManager,
    *,
    request: Request,
    endpoint_id: UUID,
    version: IfMatch,
    body: EndpointUpdate,
    response: Response,
) -> EndpointOut:
    """Change an endpoint. Filters are about what happens from now on; url, headers and order are about what waits too."""
    networks = settings_of(runtime_of(request)).networks
    endpoint = await commands.update(session, manager, endpoint_id, version, body, vault=vault, networks=networks)
    tag(response, endpoint.version)
    return await queries.out(session, endpoint)


@routes.delete(ONE, status_code=204)
async def delete_endpoint(session: TenantSession, manager: PartnerManager, endpoint_id: UUID) -> None:
    """Take an endpoint down for good. What it was told can still be read; what waits is shown as undelivered."""
    await commands.delete(session, manager, endpoint_id)


@routes.post(ONE + "/enabling", responses=problems(409))
async def enable_endpoint(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, response: Response
) -> EndpointOut:
    """Let an endpoint get again what happens, and what has waited for less than 14 days. Doing it twice changes nothing."""
    endpoint = await commands.enable(session, manager, endpoint_id)
    tag(response, endpoint.version)
    return await queries.out(session, endpoint)


@routes.post(ONE + "/disabling")
async def disable_endpoint(
    session: TenantSession, manager: PartnerManager, endpoint_id: UUID, response: Response
) -> EndpointOut:
    """Let an endpoint get nothing until it is enabled; what it would get waits. Doing it twice changes nothing."""
    endpoint = await commands.disable_by_hand(session, manager, endpoint_id)
    tag(response, endpoint.version)
    return await queries.out(session, endpoint)
