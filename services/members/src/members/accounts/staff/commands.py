"""Giving and taking roles in the organization."""

from __future__ import annotations

from uuid import UUID

from chassis import outbox
from chassis.db import Session
from chassis.errors import Problem
from chassis.requests import check_version
from chassis.tokens import Principal
from contracts.members import OrganizationRoleChanged
from members.accounts import queries
from members.accounts.models import Account
from members.accounts.organizations.queries import lock_organization
from members.accounts.policy import OrganizationRole
from members.accounts.sessions import commands as sessions
from members.accounts.sessions.policy import Reason
from members.accounts.staff import policy


async def set_organization_role(
    session: Session, principal: Principal, account_id: UUID, role: OrganizationRole | None, expected: int
) -> Account:
    """Give an account a role, or take it. Raises Problem 404, 409, 412.

    Whose role is taken or lowered is signed out, so that no token goes on to say otherwise.
    """
    # Two owners who step down at once must not both find the other still there.
    await lock_organization(session, principal.organization_id)
    account = await queries.lock_account(session, account_id)
    check_version(expected, account.version)
    before = account.organization_role
    if before == role:
        return account
    fault = policy.role_fault(
        before=before,
        after=role,
        bot=account.bot,
        credentialed=await queries.find_credential(session, account_id) is not None,
        owners=await queries.count_owners(session),
    )
    if fault:
        raise Problem(409, *fault)
    account.organization_role = role
    account.version += 1
    outbox.emit(
        session,
        OrganizationRoleChanged(account_id=account.id, role=role),
        organization_id=account.organization_id,
        aggregate_id=account.id,
        version=account.version,
        actor=principal.account_id,
    )
    if before is not None and role != OrganizationRole.OWNER:
        await sessions.revoke_all(session, account.id, Reason.ROLE_CHANGED, actor=principal.account_id)
    return account
