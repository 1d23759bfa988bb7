"""Identity: the bearer token of a request, verified at the edge. Services verify the same token again; nothing else says who calls."""

from __future__ import annotations

from chassis.tokens import Jwks, Principal, TokenVerifier, fetch_over_http, unauthorized
from gateway.routing import Access
from gateway.settings import GatewaySettings

JWKS_PATH = "/.well-known/jwks.json"
_BEARER = b"bearer "


def verifier(settings: GatewaySettings) -> TokenVerifier:
    """Return a verifier that asks members for its keys directly: the gateway does not depend on itself."""
    return TokenVerifier(Jwks(fetch_over_http(settings.members_url + JWKS_PATH)))


async def identify(tokens: TokenVerifier, access: Access, authorization: bytes | None) -> Principal | None:
    """Return who calls, None when nobody has to be. Raises Problem 401 without a valid token where one is needed or shown, 503 without keys.

    A route that is open on its own does not look: a login must work with whatever stale token a frontend still attaches.
    """
    if access is Access.OPEN:
        return None
    if authorization is None:
        if access is Access.OPTIONAL:
            return None
        raise unauthorized("A bearer token is needed.", "token-missing")
    if authorization[:7].lower() != _BEARER:
        raise unauthorized("The only authorization scheme here is Bearer.")
    try:
        token = authorization[7:].strip().decode("ascii")
    except UnicodeDecodeError:
        raise unauthorized("The token is malformed.") from None
    return await tokens.verify(token)
