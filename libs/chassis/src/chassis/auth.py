"""Permissions as types: a route's signature states who may call it, and a route that states nothing stops the app at start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from chassis import positions
from chassis.errors import Problem, not_found
from chassis.runtime import Runtime, runtime_of
from chassis.tokens import TOKEN_MISSING, Principal, unauthorized
from contracts.members import CommunityRole, CommunityState, MembershipState

JUDGE_SCOPE = "content:judge"
WEBHOOKS_SCOPE = "webhooks:manage"
CONTACTS_SCOPE = "contacts:write"
MEMBERS_SCOPE = "members:read"
ORDERS_SCOPE = "orders:write"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller is in one community."""

    principal: Principal
    community_id: UUID
    zone: str
    community_state: CommunityState
    membership_id: UUID | None
    state: MembershipState | None
    roles: frozenset[CommunityRole]
    staff: bool

    @property
    def member(self) -> bool:
        """Whether the caller belongs to the community."""
        return self.state is MembershipState.APPROVED

    def has(self, *roles: CommunityRole) -> bool:
        """Whether the caller has one of the roles; managers, and owners and admins of the organization, have them all."""
        if self.principal.staff:
            return True
        return self.member and not self.roles.isdisjoint((CommunityRole.MANAGER, *roles))


def _states(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mark(dependency: Callable[..., Any]) -> Callable[..., Any]:
        dependency.permission = permission  # type: ignore[attr-defined]
        return dependency

    return mark


@_states("public")
async def _anyone() -> None:
    """Let anybody in."""


class _Bearer(HTTPBearer):
    """The scheme as the document describes it, and its check in one: each dependency more costs every request."""

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]
        """Verify the bearer token, and wait for the position that the caller named. Raises Problem 401, 503."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("A bearer token is needed.", TOKEN_MISSING)
        runtime = runtime_of(request)
        principal = await runtime.verifier.verify(token.strip())
        after = request.headers.get("hearth-after")
        if after is not None:
            await positions.wait(runtime, principal.organization_id, after)
        return principal


authenticate = _Bearer(
    auto_error=False, scheme_name="bearer", bearerFormat="JWT", description="An access token of POST /v1/sessions"
)


Authenticated = Annotated[Principal, Depends(authenticate)]


@_states("signed_in")
async def _signed_in(principal: Authenticated) -> Principal:
    return principal


@_states("person")
async def _person(principal: Authenticated) -> Principal:
    _refuse_clients(principal)
    return principal


def _refuse_clients(principal: Principal) -> None:
    if principal.client_id is not None:
        raise _forbidden("This route is for people, not for API clients.")


@_states("organization_staff")
async def _organization_staff(principal: Authenticated) -> Principal:
    if not principal.staff:
        raise _forbidden("Only owners and admins of the organization may do this.")
    return principal


@_states("organization_owner")
async def _organization_owner(principal: Authenticated) -> Principal:
    if not principal.owner:
        raise _forbidden("Only the owner of the organization may do this.")
    return principal


def _client(permission: str, *scopes: str) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that lets in partners' programs with one of these scopes, and nobody else."""

    @_states(permission)
    async def dependency(principal: Authenticated) -> Principal:
        if principal.client_id is None or principal.scopes.isdisjoint(scopes):
            raise _forbidden(f"This route is for API clients with the scope {' or '.join(scopes)}.")
        return principal

    return dependency


@_states("partner_manager")
async def _partner_manager(principal: Authenticated) -> Principal:
    if not principal.staff and (principal.client_id is None or WEBHOOKS_SCOPE not in principal.scopes):
        raise _forbidden(
            f"Only owners and admins of the organization, and API clients with the scope {WEBHOOKS_SCOPE}, may do this."
        )
    return principal


def _forbidden(detail: str) -> Problem:
    return Problem(403, "forbidden", detail)


async def find_standing(runtime: Runtime, principal: Principal, community_id: UUID) -> Standing | None:
    """Return what the principal is in the community, None when the organization has no such community."""
    found = await runtime.reader.json(
        principal.organization_id, runtime.standing_query, community_id, principal.account_id
    )
    return None if found is None else _standing(principal, community_id, found)


@lru_cache(maxsize=4096)
def _standing(principal: Principal, community_id: UUID, found: bytes) -> Standing:
    """Read what the database has just answered; the same bytes mean the same standing."""
    row = orjson.loads(found)
    return Standing(
        principal=principal,
        community_id=community_id,
        zone=row["zone"],
        community_state=CommunityState(row["community_state"]),
        membership_id=UUID(row["membership_id"]) if row["membership_id"] else None,
        state=MembershipState(row["state"]) if row["state"] else None,
        roles=frozenset(CommunityRole(role) for role in row["roles"] or ()),
        staff=principal.staff or bool(row["staff"]),
    )


def _in_community(
    permission: str, allows: Callable[[Standing], bool], refusal: str
) -> Callable[..., Awaitable[Standing]]:
    @_states(permission)
    async def dependency(request: Request, principal: Authenticated, community_id: UUID) -> Standing:
        _refuse_clients(principal)
        standing = await find_standing(runtime_of(request), principal, community_id)
        if standing is None:
            raise not_found("community")
        if not allows(standing):
            raise _forbidden(refusal)
        return standing

    return dependency


@lru_cache(maxsize=256)
def _with_standing(standing_query: str, query: str) -> str:
    return (
        f"SELECT standing::text || E'\\n' || coalesce(({query})::text, '') FROM ({standing_query}) AS caller(standing)"
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A hot read in a community: one statement looks up what the caller is there, and what they ask for.

    Who may not read gets none of it; the permission is checked here and nowhere else, so a route reads by this or not at all.
    """

    runtime: Runtime
    principal: Principal
    community_id: UUID
    allows: Callable[[Standing], bool]
    refusal: str

    async def fetch(self, query: str, *arguments: Any) -> tuple[Standing, bytes | None]:  # noqa: ANN401  any bound value
        """Run a query that returns one text: $2 is the community, $3 the caller, its arguments start at $4.

        Returns the caller's standing and the text in UTF-8, None for nothing. Raises Problem 403, 404.
        """
        found = await self.runtime.reader.json(
            self.principal.organization_id,
            _with_standing(self.runtime.standing_query, query),
            self.community_id,
            self.principal.account_id,
            *arguments,
        )
        if found is None:
            raise not_found("community")
        known, _, value = found.partition(b"\n")
        standing = _standing(self.principal, self.community_id, known)
        if not self.allows(standing):
            raise _forbidden(self.refusal)
        return standing, value or None


def _reads_in_community(
    permission: str, allows: Callable[[Standing], bool], refusal: str
) -> Callable[..., Awaitable[Reading]]:
    @_states(permission)
    async def dependency(request: Request, principal: Authenticated, community_id: UUID) -> Reading:
        _refuse_clients(principal)
        return Reading(runtime_of(request), principal, community_id, allows, refusal)

    return dependency


def _visible(standing: Standing) -> bool:
    return standing.has() or standing.member or standing.community_state is not CommunityState.DRAFT


def _belongs(standing: Standing) -> bool:
    return standing.member or standing.principal.staff


Anyone = Annotated[None, Depends(_anyone)]
"""Nobody is asked for a token."""
SignedIn = Annotated[Principal, Depends(_signed_in)]
"""Any signed-in account, and any partner's program."""
Person = Annotated[Principal, Depends(_person)]
"""Any signed-in account."""
OrganizationStaff = Annotated[Principal, Depends(_organization_staff)]
"""Owner or admin of the organization."""
OrganizationOwner = Annotated[Principal, Depends(_organization_owner)]
"""Owner of the organization."""
Judge = Annotated[Principal, Depends(_client("client_judge", JUDGE_SCOPE))]
"""A partner's program that judges texts before others see them."""
PartnerManager = Annotated[Principal, Depends(_partner_manager)]
"""Owner or admin of the organization, for every partner; or a partner's program, for what is its own."""
ContactWriter = Annotated[Principal, Depends(_client("client_contacts_write", CONTACTS_SCOPE))]
"""A partner's program that tells of its contacts, what they are tagged with and what they agreed to."""
ContactReader = Annotated[Principal, Depends(_client("client_contacts_read", MEMBERS_SCOPE))]
"""A partner's program that reads who its contacts are here."""
ContactFinder = Annotated[Principal, Depends(_client("client_contacts_find", CONTACTS_SCOPE, MEMBERS_SCOPE))]
"""A partner's program that asks for the ids of its contacts' accounts, and nothing personal."""
OrderWriter = Annotated[Principal, Depends(_client("client_orders_write", ORDERS_SCOPE))]
"""A partner's program that tells of orders."""
Visitor = Annotated[Standing, Depends(_in_community("community_visitor", _visible, "The community is not open yet."))]
"""Any account of the organization, towards a community that is not a draft."""
Member = Annotated[
    Standing, Depends(_in_community("community_member", _belongs, "Only members of the community may do this."))
]
"""An approved member."""
MemberReading = Annotated[
    Reading, Depends(_reads_in_community("community_member", _belongs, "Only members of the community may do this."))
]
"""An approved member, on a route that is read often and does nothing else."""
Manager = Annotated[
    Standing, Depends(_in_community("community_manager", lambda s: s.has(), "Only managers may do this."))
]
"""A manager of the community, or staff of the organization."""
Moderator = Annotated[
    Standing,
    Depends(
        _in_community(
            "community_moderator", lambda s: s.has(CommunityRole.MODERATOR), "Only moderators and managers may do this."
        )
    ),
]
"""A moderator or a manager."""
Editor = Annotated[
    Standing,
    Depends(
        _in_community(
            "community_editor", lambda s: s.has(CommunityRole.EDITOR), "Only editors and managers may do this."
        )
    ),
]
"""An editor or a manager."""
EditorReading = Annotated[
    Reading,
    Depends(
        _reads_in_community(
            "community_editor", lambda s: s.has(CommunityRole.EDITOR), "Only editors and managers may do this."
        )
    ),
]
"""An editor or a manager, on a route that is read often and does nothing else."""
Analyst = Annotated[
    Standing,
    Depends(
        _in_community(
            "community_analyst", lambda s: s.has(CommunityRole.ANALYST), "Only analysts and managers may do this."
        )
    ),
]
"""An analyst or a manager."""
_EDITOR_OR_ANALYST = (
    "community_editor_or_analyst",
    lambda s: s.has(CommunityRole.EDITOR, CommunityRole.ANALYST),
    "Only editors, analysts and managers may do this.",
)
EditorOrAnalyst = Annotated[Standing, Depends(_in_community(*_EDITOR_OR_ANALYST))]
"""Who plans what is said, or who reads what it did; or a manager."""
EditorOrAnalystReading = Annotated[Reading, Depends(_reads_in_community(*_EDITOR_OR_ANALYST))]
"""An editor, an analyst or a manager, on a route that is read often and does nothing else."""


def permission_of(route: APIRoute) -> str | None:
    """Return the permission that a route states, None when it states none."""
    stack = list(route.dependant.dependencies)
    found: list[str] = []
    for dependant in stack:
        permission = getattr(dependant.call, "permission", None)
        if permission:
            found.append(permission)
    return found[0] if found else None


def check_permissions(routes: Iterable[Any]) -> None:
    """Raise RuntimeError when a route states no permission, or more than one."""
    for route in routes:
        if isinstance(route, APIRoute) and permission_of(route) is None:
            raise RuntimeError(f"{sorted(route.methods or ())} {route.path} states no permission")
