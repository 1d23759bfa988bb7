"""Merging accounts."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import OrganizationStaff
from chassis.requests import TenantSession, tag
from chassis.schemas import problems
from members.accounts import queries as accounts
from members.accounts.merging import commands, queries
from members.accounts.merging.schemas import MergeCreate, MergePreviewCreate, MergePreviewOut
from members.accounts.schemas import AccountOut

routes = router("accounts")


@routes.post("/v1/accounts/{account_id}/merge-previews")
async def preview_account_merge(
    session: TenantSession, _principal: OrganizationStaff, account_id: UUID, body: MergePreviewCreate
) -> MergePreviewOut:
    """Look at what merging another account into this one would do."""
    return await queries.preview(session, account_id, body.merge_account_id)


@routes.post("/v1/accounts/{account_id}/merges", responses=problems(409, 412))
async def merge_accounts(
    session: TenantSession, principal: OrganizationStaff, account_id: UUID, body: MergeCreate, response: Response
) -> AccountOut:
    """Merge another account of the same person into this one, as previewed. There is no way back."""
    account = await commands.merge(session, principal, account_id, body)
    tag(response, account.version)
    return accounts.out(await accounts.get_view(session, account_id), principal)
