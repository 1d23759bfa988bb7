"""Merging two accounts of one person."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.tokens import Principal
from contracts.members import AccountMerged
from members.accounts import queries as accounts
from members.accounts.merging import queries
from members.accounts.merging.schemas import MergeCreate
from members.accounts.models import Account
from members.accounts.sessions import commands as sessions
from members.accounts.sessions.policy import Reason


async def merge(session: Session, principal: Principal, account_id: UUID, body: MergeCreate) -> Account:
    """Let one account live on with the other's identities, and leave a tombstone. Raises Problem 404, 409, 412.

    What other nouns hold of the account that goes they move when AccountMerged reaches them.
    """
    for identifier in sorted((account_id, body.merge_account_id)):
        await accounts.find_locked(session, identifier)
    seen = await queries.preview(session, account_id, body.merge_account_id)
    if seen.conflicts:
        faults = [Fault("/merge_account_id", conflict.code, conflict.detail) for conflict in seen.conflicts]
        raise Problem(409, "merge-conflict", "The accounts cannot be merged as they are.", errors=faults)
    if seen.preview != body.preview:
        raise Problem(412, "preview-stale", "The accounts changed since the preview: look again.")
    stays, goes = (
        await accounts.lock_account(session, account_id),
        await accounts.lock_account(session, body.merge_account_id),
    )
    await sessions.revoke_all(session, goes.id, Reason.ACCOUNT_MERGED, actor=principal.account_id)
    parties = {"stays": stays.id, "goes": goes.id}
    await session.execute(text("UPDATE identity SET account_id = :stays WHERE account_id = :goes"), parties)
    if seen.credential == "moved":
        await session.execute(text("UPDATE credential SET account_id = :stays WHERE account_id = :goes"), parties)
    else:
        await session.execute(text("DELETE FROM credential WHERE account_id = :goes"), {"goes": goes.id})
    await session.execute(
        text(
            "UPDATE invitation SET withdrawn_at = :now "
            "WHERE account_id = :goes AND claimed_at IS NULL AND withdrawn_at IS NULL"
        ),
        {"goes": goes.id, "now": clock.now()},
    )
    # Whoever was merged into the one that goes now is one with the one that stays: a tombstone points at somebody alive.
    await session.execute(text("UPDATE account SET merged_into = :stays WHERE merged_into = :goes"), parties)
    goes.merged_into = stays.id
    goes.version += 1
    stays.version += 1
    outbox.emit(
        session,
        AccountMerged(account_id=stays.id, merged_account_id=goes.id),
        organization_id=stays.organization_id,
        aggregate_id=stays.id,
        version=stays.version,
        actor=principal.account_id,
    )
    return stays
