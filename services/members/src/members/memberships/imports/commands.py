"""Importing members of another platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlmodel import col

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from contracts.base import Origin
from contracts.members import CommunityState, MembershipApproved, MembershipLeft, MembershipState
from members.accounts.commands import import_accounts
from members.accounts.policy import ImportedAccount
from members.memberships.commands import emit
from members.memberships.imports.policy import Arrival, read_items
from members.memberships.imports.schemas import MembershipImported, MembershipImportOut
from members.memberships.models import Membership


async def import_members(session: Session, standing: Standing, items: Sequence[dict[str, Any]]) -> MembershipImportOut:
    """Make the items' people members where they are none yet; importing again changes nothing. Raises Problem 409 when archived."""
    if standing.community_state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community takes no imports.")
    read = read_items(items, clock.now())
    principal = standing.principal
    accounts = await import_accounts(
        session,
        organization_id=principal.organization_id,
        actor=principal.account_id,
        items=[ImportedAccount(item.external_id, item.display_name, item.bot) for item in read.items.values()],
    )
    created = await insert_members(
        session,
        organization_id=principal.organization_id,
        community_id=standing.community_id,
        actor=principal.account_id,
        arrivals={
            accounts[external][0]: Arrival(item.joined_at, bot=item.bot, deleted=item.deleted)
            for external, item in read.items.items()
        },
    )
    # The caller waits for memberships; the accounts' own positions are of no use to anybody and would swell the header.
    reached = outbox.positions(session)
    reached.clear()
    memberships = await _find(session, standing.community_id, [account for account, _ in accounts.values()])
    for membership in memberships.values():
        reached[f"membership/{membership.id}"] = membership.version
    results = [
        MembershipImported(
            external_id=external,
            account_id=accounts[external][0],
            membership_id=memberships[accounts[external][0]].id,
            outcome="created" if accounts[external][0] in created else "existing",
        )
        for external in read.items
    ]
    new = sum(result.outcome == "created" for result in results)
    duplicates = len(items) - len(read.rejected) - len(results)
    return MembershipImportOut(
        created=new, existing=len(results) - new + duplicates, rejected=read.rejected, items=results
    )


_INSERT = text("""
INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, ended_at, version)
SELECT id, :organization_id, :community_id, account_id, state, '{}', false, bot, joined_at, joined_at, ended_at, 1
FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:states AS text[]), CAST(:bots AS boolean[]),
    CAST(:joined AS timestamptz[]), CAST(:ended AS timestamptz[])) AS wanted(id, account_id, state, bot, joined_at, ended_at)
ON CONFLICT DO NOTHING RETURNING account_id
""")


async def insert_members(
    session: Session, *, organization_id: UUID, community_id: UUID, actor: UUID, arrivals: Mapping[UUID, Arrival]
) -> set[UUID]:
    """Make accounts members where they have no membership yet; return those who became one."""
    now = clock.now()
    rows = [
        Membership(
            id=new_id(),
            organization_id=organization_id,
            community_id=community_id,
            account_id=account,
            state=MembershipState.LEFT if one.deleted else MembershipState.APPROVED,
            roles=[],
            staff=False,
            bot=one.bot,
            applied_at=one.joined_at or now,
            joined_at=one.joined_at or now,
            ended_at=now if one.deleted else None,
            version=1,
        )
        # One order for everybody, so that two imports at once cannot wait for each other in a circle.
        for account, one in sorted(arrivals.items())
    ]
    if not rows:
        return set()
    inserted = await session.execute(
        _INSERT,
        {
            "organization_id": organization_id,
            "community_id": community_id,
            "ids": [row.id for row in rows],
            "accounts": [row.account_id for row in rows],
            "states": [row.state.value for row in rows],
            "bots": [row.bot for row in rows],
            "joined": [row.joined_at for row in rows],
            "ended": [row.ended_at for row in rows],
        },
    )
    created = set(inserted.scalars().all())
    for row in rows:
        if row.account_id in created:
            event = MembershipLeft if row.state is MembershipState.LEFT else MembershipApproved
            emit(session, row, event, actor, origin=Origin.IMPORT, occurred_at=row.joined_at)
    return created


async def _find(session: Session, community_id: UUID, accounts: Sequence[UUID]) -> dict[UUID, Membership]:
    wanted = [(community_id, account) for account in accounts]
    rows = await session.execute(
        select(Membership).where(tuple_(col(Membership.community_id), col(Membership.account_id)).in_(wanted))
    )
    return {row.account_id: row for row in rows.scalars()}
