"""Looking at what a merge would do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from uuid import UUID

from chassis.db import Session
from chassis.errors import not_found
from members.accounts import queries as accounts
from members.accounts.merging import policy
from members.accounts.merging.policy import Party
from members.accounts.merging.schemas import MergeConflict, MergePreviewOut, MovedIdentity
from members.accounts.sessions import queries as sessions

Also = Callable[[Session, UUID, UUID], Awaitable[Iterable[str]]]

_also: list[Also] = []


def also_moves(look: Also) -> Also:
    """Register what another noun moves on AccountMerged: (session, stays, goes) → a line for each thing. The composition root does this."""
    _also.append(look)
    return look


async def _party(session: Session, account_id: UUID) -> Party:
    account = await accounts.find_account(session, account_id)
    if account is None:
        raise not_found("account")
    identities = await accounts.list_identities(session, account_id)
    return Party(
        id=account.id,
        version=account.version,
        bot=account.bot,
        organization_role=account.organization_role,
        credentialed=await accounts.find_credential(session, account_id) is not None,
        merged=account.merged_into is not None,
        identities=tuple((identity.provider, identity.subject) for identity in identities),
    )


async def preview(session: Session, stays_id: UUID, goes_id: UUID) -> MergePreviewOut:
    """Return what a merge would do. Raises Problem 404."""
    stays, goes = await _party(session, stays_id), await _party(session, goes_id)
    also = sorted([line for look in _also for line in await look(session, stays_id, goes_id)])
    return MergePreviewOut(
        account_id=stays_id,
        merge_account_id=goes_id,
        identities=[MovedIdentity(provider=provider, subject=subject) for provider, subject in goes.identities],
        credential=policy.credential_fate(stays, goes),
        sessions=await sessions.count_sessions_of(session, goes_id),
        also=also,
        conflicts=[MergeConflict(**asdict(conflict)) for conflict in policy.conflicts(stays, goes)],
        preview=policy.preview_of(stays, goes, also),
    )
