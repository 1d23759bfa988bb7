"""API clients, and the token endpoint for them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response

from chassis import delegation
from chassis.app import router
from chassis.auth import Anyone, OrganizationStaff
from chassis.errors import not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, OpenSession, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from chassis.tokens import Principal
from members.accounts.clients import commands, oauth, policy, queries
from members.accounts.clients.schemas import (
    CLIENT_ID,
    ClientCreate,
    ClientOut,
    ClientSecretOut,
    ClientTokenOut,
    ClientUpdate,
    OAuthErrorOut,
)
from members.accounts.sessions.routes import private
from members.settings import settings_of
from members.vault import Secrets

routes = router("clients")

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            oauth.FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials", delegation.GRANT_TYPE]},
                        "client_id": {"type": "string", "description": "here, or as the user of HTTP Basic"},
                        "client_secret": {
                            "type": "string",
                            "format": "password",
                            "description": "here, or as the password of HTTP Basic",
                        },
                        "assertion": {
                            "type": "string",
                            "description": "of the gateway's own, with the other grant: partners have none",
                            "maxLength": delegation.LONGEST_ASSERTION,
                        },
                        "scope": {
                            "type": "string",
                            "description": "scopes, parted by spaces; all that the client may have when left out",
                            "examples": ["contacts:write"],
                        },
                    },
                }
            }
        },
    }
}
_WORDS = {
    "invalid_client": "The client or its secret is wrong.",
    "invalid_grant": "The assertion is not good, or its client is no more.",
    "invalid_scope": "The client may not have that scope.",
}


ClientInPath = Annotated[
    str,
    Path(
        description="its id or its client_id",
        examples=[CLIENT_ID],
        json_schema_extra={"pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{32}\\.[0-9a-f]{32}$"},
    ),
]


def _identifier(principal: Principal, client_id: str) -> UUID:
    """Read the id or the client_id of a client. Raises Problem 404."""
    place = policy.read_client_id(client_id)
    if place is not None and place[0] == principal.organization_id:
        return place[1]
    try:
        return UUID(client_id)
    except ValueError as error:
        raise not_found("client") from error


@routes.post("/v1/clients", status_code=201)
async def create_client(
    session: TenantSession, principal: OrganizationStaff, body: ClientCreate, response: Response
) -> ClientSecretOut:
    """Make an API client for a partner's program. Its secret is in this answer and in no other."""
    private(response)
    client = await commands.create(session, principal, body)
    tag(response, client.version)
    return client


@routes.get("/v1/clients")
async def list_clients(
    session: TenantSession,
    principal: OrganizationStaff,
    request: Request,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ClientOut]:
    """List the organization's API clients, oldest first, without their secrets."""
    cursors, scope = runtime_of(request).cursors, f"clients:{principal.organization_id}"
    after = cursors.decode(scope, cursor)
    clients = await queries.list_clients(session, limit=limit + 1, after=UUID(after[0]) if after else None)
    return Page(
        data=[queries.out(client) for client in clients[:limit]],
        next_cursor=cursors.following(scope, clients, limit, lambda client: client.id),
    )


@routes.get("/v1/clients/{client_id}")
async def get_client(
    session: TenantSession, principal: OrganizationStaff, client_id: ClientInPath, response: Response
) -> ClientOut:
    """Read an API client, without its secret."""
    client = await queries.get_client(session, _identifier(principal, client_id))
    tag(response, client.version)
    return queries.out(client)


@routes.patch("/v1/clients/{client_id}", responses=problems(412, 428))
async def update_client(
    session: TenantSession,
    principal: OrganizationStaff,
    client_id: ClientInPath,
    expected: IfMatch,
    body: ClientUpdate,
    response: Response,
) -> ClientOut:
    """Change an API client: its name, its scopes, on what basis it gets personal data; what is left out stays."""
    client = await commands.update(session, principal, _identifier(principal, client_id), body, expected)
    tag(response, client.version)
    return queries.out(client)


@routes.post("/v1/clients/{client_id}/secrets", status_code=201)
async def rotate_client_secret(
    session: TenantSession, principal: OrganizationStaff, client_id: ClientInPath, response: Response
) -> ClientSecretOut:
    """Give an API client another secret; the one before is good for 24 hours more."""
    private(response)
    client = await commands.rotate_secret(session, principal, _identifier(principal, client_id))
    tag(response, client.version)
    return client


@routes.delete("/v1/clients/{client_id}", status_code=204)
async def delete_client(session: TenantSession, principal: OrganizationStaff, client_id: ClientInPath) -> None:
    """Withdraw an API client: it gets no more tokens."""
    await commands.delete(session, principal, _identifier(principal, client_id))


@routes.post(
    "/v1/oauth/token",
    response_model=ClientTokenOut,
    openapi_extra=_FORM,
    responses={
        400: {"model": OAuthErrorOut, "description": "RFC 6749 §5.2"},
        401: {"model": OAuthErrorOut, "description": "invalid_client"},
    },
)
async def issue_client_token(
    _open: Anyone, session: OpenSession, vault: Secrets, request: Request, response: Response
) -> ClientTokenOut | Response:
    """Get an access token for an API client (OAuth 2.0, client credentials). Errors have the form of OAuth.

    The other grant (RFC 7523) is the gateway's, which acts for a client when the partner sends webhooks.
    """
    private(response)
    headers = request.headers
    authorization = headers.get("authorization", "")
    try:
        asked = oauth.read(headers.get("content-type", ""), authorization, await request.body())
    except oauth.OAuthError as error:
        return _refusal(error)
    if isinstance(asked, oauth.DelegationRequest):
        secret = settings_of(runtime_of(request)).delegation_secret.get_secret_value()
        answer = await commands.delegate_token(session, vault, secret, asked.assertion, asked.scope)
    else:
        answer = await commands.issue_token(session, vault, asked.client_id, asked.client_secret, asked.scope)
    return _refusal(oauth.OAuthError(answer, _WORDS[answer])) if isinstance(answer, str) else answer


def _refusal(error: oauth.OAuthError) -> Response:
    wrong_client = error.code == "invalid_client"
    return Response(
        OAuthErrorOut(error=error.code, error_description=str(error)).model_dump_json(),
        401 if wrong_client else 400,
        headers={"Cache-Control": "no-store"} | ({"WWW-Authenticate": 'Basic realm="hearth"'} if wrong_client else {}),
        media_type="application/json",
    )
