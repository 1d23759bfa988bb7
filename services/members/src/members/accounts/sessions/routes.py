"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from chassis.app import router
from chassis.auth import Anyone, Person
from chassis.errors import Problem, render
from chassis.requests import OpenSession, TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import problems
from members.accounts.credentials.hashing import Hashing
from members.accounts.credentials.policy import client_address
from members.accounts.sessions import commands
from members.accounts.sessions.commands import Doors
from members.accounts.sessions.schemas import PasswordChange, SessionCreate, SessionOut, SessionRefresh
from members.vault import Secrets

routes = router("sessions")


async def _doors(request: Request, vault: Secrets, hasher: Hashing) -> Doors:
    peer = request.client.host if request.client else ""
    address = client_address(peer, request.headers.getlist("x-forwarded-for"))
    return Doors(runtime_of(request).engine, vault, hasher, address)


AtTheDoor = Annotated[Doors, Depends(_doors)]


def private(response: Response) -> None:
    """Keep an answer with secrets out of every cache."""
    response.headers["Cache-Control"] = "no-store"


@routes.post("/v1/sessions", status_code=201)
async def create_session(
    _open: Anyone, session: OpenSession, doors: AtTheDoor, body: SessionCreate, response: Response
) -> SessionOut:
    """Sign in with e-mail and password."""
    private(response)
    return await commands.sign_in(session, doors, body)


@routes.post("/v1/sessions/refresh", response_model=SessionOut)
async def refresh_session(
    _open: Anyone, session: OpenSession, vault: Secrets, body: SessionRefresh, response: Response
) -> SessionOut | Response:
    """Trade a refresh token for the next one and a new access token.

    A token that was traded before gets the same answer for ten seconds; after that its use ends the session, for somebody has a copy.
    """
    private(response)
    answer = await commands.refresh(session, vault, body)
    return render(answer) if isinstance(answer, Problem) else answer


@routes.delete("/v1/sessions/current", status_code=204)
async def end_current_session(session: TenantSession, principal: Person) -> None:
    """Sign out: the session's tokens are good for nothing any more."""
    await commands.sign_out(session, principal)


@routes.put("/v1/me/password", status_code=204, responses=problems(409))
async def change_password(principal: Person, session: OpenSession, doors: AtTheDoor, body: PasswordChange) -> None:
    """Change one's password; one's other sessions end."""
    await commands.change_password(session, doors, principal, body)
