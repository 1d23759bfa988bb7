"""The published keys."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from chassis import clock
from chassis.app import router
from chassis.auth import Anyone
from chassis.requests import OpenSession
from members.accounts.keys import policy, queries, signing
from members.accounts.keys.schemas import JwksOut

MAX_AGE_SECONDS = 60

routes = router("keys")


@routes.get("/.well-known/jwks.json", response_model=JwksOut)
async def get_jwks(_open: Anyone, session: OpenSession, response: Response) -> dict[str, Any]:
    """Read the public keys of this installation's access tokens."""
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    return signing.jwks(policy.published(await queries.list_keys(session), clock.now()))
