"""One's own account, and the accounts of the organization."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import OrganizationStaff, Person
from chassis.errors import not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.accounts import commands, policy, queries
from members.accounts.schemas import AccountCardOut, AccountOut, MeUpdate

routes = router("accounts")


@routes.get("/v1/me")
async def get_me(session: TenantSession, principal: Person, response: Response) -> AccountOut:
    """Read one's own account."""
    view = await queries.get_view(session, principal.account_id)
    tag(response, view.account.version)
    return queries.out(view, principal)


@routes.patch("/v1/me", responses=problems(412, 428))
async def update_me(
    session: TenantSession, principal: Person, expected: IfMatch, body: MeUpdate, response: Response
) -> AccountOut:
    """Change one's own account; fields that are left out stay as they are."""
    account = await commands.update_me(session, principal, body, expected)
    tag(response, account.version)
    return queries.out(await queries.get_view(session, account.id), principal)


@routes.get("/v1/accounts")
async def list_accounts(
    session: TenantSession,
    principal: OrganizationStaff,
    request: Request,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[AccountOut]:
    """List the organization's accounts, oldest first; those merged away are left out."""
    cursors, scope = runtime_of(request).cursors, f"accounts:{principal.organization_id}"
    after = cursors.decode(scope, cursor)
    views = await queries.list_views(session, limit=limit + 1, after=UUID(after[0]) if after else None)
    return Page(
        data=[queries.out(view, principal) for view in views[:limit]],
        next_cursor=cursors.following(scope, views, limit, lambda view: view.account.id),
    )


@routes.get("/v1/accounts/{account_id}")
async def get_account(
    session: TenantSession, principal: Person, account_id: UUID, response: Response
) -> AccountOut | AccountCardOut:
    """Read an account: whole for staff and for the person, the member card for everybody else in the organization."""
    if policy.sees_whole(principal, account_id):
        view = await queries.get_view(session, account_id)
        tag(response, view.account.version)
        return queries.out(view, principal)
    cards = await queries.find_account_cards(session, [account_id])
    if account_id not in cards:
        raise not_found("account")
    return cards[account_id]
