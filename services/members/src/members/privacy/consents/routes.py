"""Consents over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from chassis.app import router
from chassis.auth import OrganizationStaff, Person
from chassis.errors import not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page
from contracts.members import ConsentPurpose
from members.accounts import queries as accounts
from members.privacy.consents import commands, queries
from members.privacy.consents.schemas import ConsentDecide, ConsentRecordOut, ConsentsOut

routes = router("consents")


@routes.get("/v1/me/consents")
async def list_own_consents(session: TenantSession, person: Person) -> ConsentsOut:
    """Read what one agreed to: every purpose, and every partner that needs one's consent with what it would get."""
    return await queries.of_account(session, person.account_id, own=True)


@routes.put("/v1/me/consents/{purpose}")
async def decide_own_consent(
    session: TenantSession, person: Person, purpose: ConsentPurpose, body: ConsentDecide
) -> ConsentsOut:
    """Agree to a purpose, or withdraw. No claim of a partner's brings back what one has withdrawn here."""
    account = await commands.decide(session, person, purpose, body)
    await session.flush()
    return await queries.of_account(session, account.id, own=True)


@routes.get("/v1/accounts/{account_id}/consents")
async def list_account_consents(session: TenantSession, _staff: OrganizationStaff, account_id: UUID) -> ConsentsOut:
    """Read what a person agreed to."""
    await _check_account(session, account_id)
    return await queries.of_account(session, account_id, own=False)


@routes.get("/v1/accounts/{account_id}/consents/records")
async def list_account_consent_records(
    request: Request,
    session: TenantSession,
    staff: OrganizationStaff,
    account_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ConsentRecordOut]:
    """List how it came to what a person agreed to, newest first: each decision as it was told, and what became of it."""
    await _check_account(session, account_id)
    scope = f"consent-records:{staff.organization_id}:{account_id}"
    cursors = runtime_of(request).cursors
    return await queries.list_records(session, account_id, cursors, scope, limit=limit, cursor=cursor)


async def _check_account(session: TenantSession, account_id: UUID) -> None:
    if await accounts.find_account(session, account_id) is None:
        raise not_found("account")
