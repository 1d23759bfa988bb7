"""Reading memberships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityRole, MembershipState
from members.memberships import policy
from members.memberships.models import Membership
from members.memberships.schemas import MemberCard, MembershipOut

_OUT = """
SELECT membership.*, account.display_name, account.avatar_url
FROM membership JOIN account ON account.id = membership.account_id
WHERE membership.community_id = :community_id
"""


async def account_of(session: Session, community_id: UUID, membership_id: UUID) -> UUID:
    """Return whose membership it is. Raises Problem 404."""
    found = await session.execute(
        select(col(Membership.account_id)).where(
            col(Membership.id) == membership_id, col(Membership.community_id) == community_id
        )
    )
    account = found.scalar_one_or_none()
    if account is None:
        raise not_found("membership")
    return account


async def get_for_update(session: Session, community_id: UUID, membership_id: UUID) -> Membership:
    """Return a membership with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(Membership)
        .where(col(Membership.id) == membership_id, col(Membership.community_id) == community_id)
        .with_for_update()
    )
    membership = found.scalar_one_or_none()
    if membership is None:
        raise not_found("membership")
    return membership


async def find_own_for_update(session: Session, community_id: UUID, account_id: UUID) -> Membership | None:
    """Return an account's membership in a community with its row locked."""
    found = await session.execute(
        select(Membership)
        .where(col(Membership.community_id) == community_id, col(Membership.account_id) == account_id)
        .with_for_update()
    )
    return found.scalar_one_or_none()


async def of_accounts_for_update(session: Session, community_id: UUID, account_ids: Sequence[UUID]) -> list[Membership]:
    """Return these accounts' memberships in a community with their rows locked, in one order for everybody."""
    found = await session.execute(
        select(Membership)
        .where(col(Membership.community_id) == community_id, col(Membership.account_id).in_(account_ids))
        .order_by(col(Membership.id))
        .with_for_update()
    )
    return list(found.scalars())


async def of_account_for_update(session: Session, account_id: UUID) -> list[Membership]:
    """Return all memberships of an account with their rows locked, in one order for everybody."""
    found = await session.execute(
        select(Membership)
        .where(col(Membership.account_id) == account_id)
        .order_by(col(Membership.id))
        .with_for_update()
    )
    return list(found.scalars())


async def is_staff_account(session: Session, account_id: UUID) -> bool:
    """Whether the account has a role in the organization."""
    found = await session.execute(
        text("SELECT organization_role IS NOT NULL FROM account WHERE id = :id"), {"id": account_id}
    )
    return bool(found.scalar_one_or_none())


async def out(session: Session, standing: Standing, membership_id: UUID) -> MembershipOut:
    """Return a membership as this caller sees it. Raises Problem 404."""
    rows = await session.execute(
        text(f"{_OUT} AND membership.id = :id"), {"community_id": standing.community_id, "id": membership_id}
    )
    row = rows.mappings().one_or_none()
    if row is None or not _visible(row, standing):
        raise not_found("membership")
    return _as_seen(row, standing)


async def out_own(session: Session, standing: Standing) -> MembershipOut:
    """Return the caller's own membership. Raises Problem 404 when there is none."""
    if standing.membership_id is None:
        raise not_found("membership")
    return await out(session, standing, standing.membership_id)


async def list_page(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    *,
    state: MembershipState,
    owner: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[MembershipOut]:
    """Return the memberships in a state, oldest first; of one owner when it is named."""
    scope = f"memberships:{standing.principal.organization_id}:{standing.community_id}:{state}:{owner or ''}"
    after = cursors.decode(scope, cursor)
    rows = await session.execute(
        text(
            f"{_OUT} AND membership.state = :state {'AND membership.owner_id = :owner' if owner else ''} AND (CAST(:after AS uuid) IS NULL OR membership.id > :after) "
            "ORDER BY membership.id LIMIT :limit"
        ),
        {
            "community_id": standing.community_id,
            "state": state,
            **({"owner": owner} if owner else {}),
            "after": UUID(after[0]) if after else None,
            "limit": limit + 1,
        },
    )
    found = rows.mappings().all()
    page = found[:limit]
    return Page[MembershipOut](
        data=[_as_seen(row, standing) for row in page],
        next_cursor=cursors.following(scope, found, limit, lambda row: row["id"]),
    )


def _visible(row: Any, standing: Standing) -> bool:  # noqa: ANN401  a row
    if row["account_id"] == standing.principal.account_id or standing.has(
        CommunityRole.MODERATOR, CommunityRole.ANALYST
    ):
        return True
    return standing.member and row["state"] == MembershipState.APPROVED


def _as_seen(row: Any, standing: Standing) -> MembershipOut:  # noqa: ANN401  a row
    own = row["account_id"] == standing.principal.account_id
    manages = standing.has()
    roles = frozenset(CommunityRole(role) for role in row["roles"])
    can = policy.allowed(
        MembershipState(row["state"]),
        own=own,
        manages=manages,
        moderates=standing.has(CommunityRole.MODERATOR),
        roles=roles,
    )
    private = {} if own or manages else {"message": None, "reason": None}
    card = MemberCard(id=row["account_id"], display_name=row["display_name"], avatar_url=row["avatar_url"])
    return MembershipOut.model_validate({**row, **private, "member": card, "can": can})
