"""Endpoints' keys over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.requests import TenantSession
from chassis.schemas import problems
from gateway.endpoints.schemas import SecretOut
from gateway.endpoints.secrets import commands
from gateway.endpoints.secrets.schemas import SecretCreate, SecretsOut
from gateway.vault import Secrets

SECRETS = "/v1/endpoints/{endpoint_id}/secrets"

routes = router("endpoints")


@routes.get(SECRETS)
async def list_endpoint_secrets(
    session: TenantSession, vault: Secrets, manager: PartnerManager, endpoint_id: UUID, response: Response
) -> SecretsOut:
    """Read the keys that sign what an endpoint gets now, newest first. That they were read is told, and by whom."""
    response.headers["Cache-Control"] = "no-store"
    return SecretsOut(data=await commands.show(session, vault, manager, endpoint_id))


@routes.post(SECRETS, status_code=201, responses=problems(409, 413))
async def rotate_endpoint_secret(
    session: TenantSession,
    vault: Secrets,
    manager: PartnerManager,
    endpoint_id: UUID,
    body: SecretCreate,
    response: Response,
) -> SecretOut:
    """Give an endpoint another key, in use at once. The keys of its scheme before sign beside it for 24 hours; up to five sign at once."""
    response.headers["Cache-Control"] = "no-store"
    return await commands.rotate(session, vault, manager, endpoint_id, body)
