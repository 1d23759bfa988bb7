"""Identity: the bearer token of a request, verified at the edge. Services verify the same token again; nothing else says who calls."""

from __future__ import annotations

from chassis.tokens import TOKEN_MISSING, Jwks, TokenVerifier, fetch_over_http, unauthorized
from gateway.routing import Access
from gateway.settings import GatewaySettings

JWKS_PATH = "/.well-known/jwks.json"
_BEARER = b"bearer "


def verifier(settings: GatewaySettings) -> TokenVerifier:
    """Return a verifier that asks members for its keys directly: the gateway does not depend on itself."""
    return TokenVerifier(Jwks(fetch_over_http(settings.members_url + JWKS_PATH)))


def token_of(access: Access, authorization: bytes | None) -> str | None:
    """Return the token to verify, None when the route lets a caller in without. Raises Problem 401 when it does not.

    A route that is open on its own does not look: a login must work with whatever stale token a frontend still attaches.
    """
    if access is Access.OPEN:
        return None
    if authorization is None:
        if access is Access.OPTIONAL:
            return None
        raise unauthorized("A bearer token is needed.", TOKEN_MISSING)
    if authorization[:7].lower() != _BEARER:
        raise unauthorized("The only authorization scheme here is Bearer.")
    try:
        return authorization[7:].strip().decode("ascii")
    except UnicodeDecodeError:
        raise unauthorized("The token is malformed.") from None
