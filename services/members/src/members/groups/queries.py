"""Reading groups and their members."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState, GroupDimension
from members.groups import policy
from members.groups.models import Group
from members.groups.schemas import GroupMemberOut, GroupOut
from members.memberships.schemas import MemberCard
from members.segments.filters.fields import Field, Kind

FIELD = Field(
    "group",
    Kind.SET,
    "EXISTS (SELECT FROM group_member AS held WHERE held.community_id = membership.community_id "
    "AND held.account_id = membership.account_id AND held.group_id = ANY({values}))",
    ids=True,
)
"""What segments ask of groups."""


async def lock_community(session: Session, community_id: UUID, *, alone: bool) -> CommunityState:
    """Lock a community, before anything else of it: alone to change what is set, together with others to seat members. Raises Problem 404.

    Everybody locks in this order: community, memberships by id, groups by series and ordinal. So nobody waits in a circle.
    """
    mode = "FOR UPDATE" if alone else "FOR KEY SHARE"
    found = await session.execute(text(f"SELECT state FROM community WHERE id = :id {mode}"), {"id": community_id})
    state = found.scalar_one_or_none()
    if state is None:
        raise not_found("community")
    return CommunityState(state)


async def lock_members(
    session: Session, community_id: UUID, accounts: Collection[UUID]
) -> dict[UUID, tuple[UUID, bool]]:
    """Return account → (membership, whether it belongs) with the memberships locked, so that nobody leaves meanwhile."""
    rows = await session.execute(
        text("""
            SELECT id, account_id, state = 'approved' AS belongs FROM membership
            WHERE community_id = :community_id AND account_id = ANY(CAST(:accounts AS uuid[])) ORDER BY id FOR UPDATE
        """),
        {"community_id": community_id, "accounts": sorted(accounts)},
    )
    return {row.account_id: (row.id, row.belongs) for row in rows}


async def lock_series(session: Session, community_id: UUID, groups: Collection[UUID]) -> dict[UUID, list[Group]]:
    """Return series → its groups, of every series that one of these groups is in, locked: the first group of each locks the series."""
    heads = await session.execute(
        text("""
            SELECT id FROM community_group WHERE id IN (
                SELECT series_id FROM community_group WHERE community_id = :community_id AND id = ANY(CAST(:groups AS uuid[])))
            ORDER BY id FOR UPDATE
        """),
        {"community_id": community_id, "groups": list(groups)},
    )
    series = list(heads.scalars())
    # Read only now: whoever held the series before may have opened groups.
    found = await session.execute(
        select(Group)
        .where(col(Group.series_id).in_(series))
        .order_by(col(Group.series_id), col(Group.ordinal))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_series: dict[UUID, list[Group]] = {one: [] for one in series}
    for group in found.scalars():
        by_series[group.series_id].append(group)
    return by_series


async def get(session: Session, community_id: UUID, group_id: UUID) -> Group:
    """Return a group. Raises Problem 404."""
    group = await session.get(Group, group_id)
    if group is None or group.community_id != community_id:
        raise not_found("group")
    return group


async def get_for_update(session: Session, community_id: UUID, group_id: UUID) -> Group:
    """Return a group with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(Group)
        .where(col(Group.id) == group_id, col(Group.community_id) == community_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    group = found.scalar_one_or_none()
    if group is None:
        raise not_found("group")
    return group


async def count(session: Session, community_id: UUID) -> int:
    """Return how many groups a community has."""
    found = await session.execute(
        text("SELECT count(*) FROM community_group WHERE community_id = :id"), {"id": community_id}
    )
    return int(found.scalar_one())


async def of_members(session: Session, community_id: UUID, accounts: Collection[UUID]) -> dict[UUID, dict[UUID, UUID]]:
    """Return account → series → group, of those who are in any."""
    rows = await session.execute(
        text("""
            SELECT account_id, series_id, group_id FROM group_member
            WHERE community_id = :community_id AND account_id = ANY(CAST(:accounts AS uuid[])) ORDER BY group_id
        """),
        {"community_id": community_id, "accounts": list(accounts)},
    )
    held: dict[UUID, dict[UUID, UUID]] = {}
    for row in rows:
        held.setdefault(row.account_id, {})[row.series_id] = row.group_id
    return held


async def held_by_rule(
    session: Session, community_id: UUID, accounts: Collection[UUID]
) -> dict[tuple[UUID, UUID], str]:
    """Return (account, group) → key of the rule by which the seat is held, of seats that a rule gave."""
    rows = await session.execute(
        text("""
            SELECT account_id, group_id, rule_key FROM group_member
            WHERE community_id = :community_id AND account_id = ANY(CAST(:accounts AS uuid[])) AND rule_key IS NOT NULL
        """),
        {"community_id": community_id, "accounts": list(accounts)},
    )
    return {(row.account_id, row.group_id): row.rule_key for row in rows}


async def hosted_by(session: Session, community_id: UUID, accounts: Collection[UUID]) -> list[UUID]:
    """Return the groups that one of the accounts hosts."""
    rows = await session.execute(
        text("SELECT id FROM community_group WHERE community_id = :id AND hosts && CAST(:accounts AS uuid[])"),
        {"id": community_id, "accounts": list(accounts)},
    )
    return list(rows.scalars())


async def heirs(session: Session, accounts: Collection[UUID]) -> dict[UUID, UUID]:
    """Return merged account → the account that it became part of."""
    rows = await session.execute(
        text("SELECT id, merged_into FROM account WHERE id = ANY(CAST(:ids AS uuid[])) AND merged_into IS NOT NULL"),
        {"ids": list(accounts)},
    )
    return {row.id: row.merged_into for row in rows}


async def cards_of(session: Session, accounts: Collection[UUID]) -> dict[UUID, MemberCard]:
    """Return account → member card."""
    rows = await session.execute(
        text("SELECT id, display_name, avatar_url FROM account WHERE id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": list(accounts)},
    )
    return {row.id: MemberCard.model_validate(row) for row in rows}


async def find_template(session: Session, group_id: UUID) -> Any:  # noqa: ANN401  a row
    """Return the template that a group was made from, in the version that it was given last: template_id, version, content."""
    found = await session.execute(
        text("""
            SELECT given.template_id, said.version, said.content
            FROM group_template_application AS given JOIN community_template_revision AS said
                ON said.template_id = given.template_id AND said.version = given.template_version
            WHERE given.group_id = :group_id
        """),
        {"group_id": group_id},
    )
    return found.one_or_none()


def leads(standing: Standing, group: Group) -> bool:
    """Whether the caller may bring members into the group, take them out and write its card."""
    return policy.leads(
        manages=standing.has(),
        member=standing.member,
        account_id=standing.principal.account_id,
        hosts=group.hosts,
    )


async def outs(session: Session, standing: Standing, groups: Sequence[Group]) -> list[GroupOut]:
    """Return groups as this caller sees them."""
    cards = await cards_of(session, {host for group in groups for host in group.hosts})
    own = await of_members(session, standing.community_id, [standing.principal.account_id])
    joined = own.get(standing.principal.account_id, {})
    living = standing.community_state is not CommunityState.ARCHIVED
    return [
        GroupOut.model_validate(
            {
                **group.model_dump(),
                "hosts": [cards[host] for host in group.hosts if host in cards],
                "joined": joined.get(group.series_id) == group.id,
                "can": policy.allowed(
                    manages=standing.has(),
                    leads=leads(standing, group),
                    member=standing.member,
                    joined=joined.get(group.series_id) == group.id,
                    seated=group.series_id in joined,
                    state=group.state,
                    self_join=group.self_join,
                )
                if living
                else [],
            }
        )
        for group in groups
    ]


async def out(session: Session, standing: Standing, group: Group) -> GroupOut:
    """Return a group as this caller sees it."""
    return (await outs(session, standing, [group]))[0]


async def list_page(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    *,
    dimension: GroupDimension | None,
    mine: bool,
    limit: int,
    cursor: str | None,
) -> Page[GroupOut]:
    """Return the community's groups, oldest first."""
    principal = standing.principal
    scope = (
        f"groups:{principal.organization_id}:{standing.community_id}:{dimension}:{principal.account_id if mine else ''}"
    )
    after = cursors.decode(scope, cursor)
    query = (
        select(Group).where(col(Group.community_id) == standing.community_id).order_by(col(Group.id)).limit(limit + 1)
    )
    if dimension is not None:
        query = query.where(col(Group.dimension) == dimension)
    if mine:
        held = await of_members(session, standing.community_id, [principal.account_id])
        query = query.where(col(Group.id).in_(held.get(principal.account_id, {}).values()))
    if after is not None:
        query = query.where(col(Group.id) > UUID(after[0]))
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    return Page[GroupOut](
        data=await outs(session, standing, page),
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )


async def list_members(
    session: Session, standing: Standing, cursors: Cursors, group: Group, *, limit: int, cursor: str | None
) -> Page[GroupMemberOut]:
    """Return a group's members, those who came first first."""
    scope = f"group-members:{standing.principal.organization_id}:{group.id}"
    after: list[Any] | None = cursors.decode(scope, cursor)
    rows = await session.execute(
        text("""
            SELECT account.id, account.display_name, account.avatar_url, held.joined_at
            FROM group_member AS held JOIN account ON account.id = held.account_id
            WHERE held.group_id = :group_id AND (CAST(:at AS timestamptz) IS NULL OR (held.joined_at, account.id) > (:at, :id))
            ORDER BY held.joined_at, account.id LIMIT :limit
        """),
        {
            "group_id": group.id,
            "at": datetime.fromisoformat(after[0]) if after else None,
            "id": UUID(after[1]) if after else None,
            "limit": limit + 1,
        },
    )
    found = rows.all()
    page = found[:limit]
    hosts = set(group.hosts)
    return Page[GroupMemberOut](
        data=[
            GroupMemberOut(member=MemberCard.model_validate(row), host=row.id in hosts, joined_at=row.joined_at)
            for row in page
        ],
        next_cursor=cursors.following(scope, found, limit, lambda row: (row.joined_at, row.id)),
    )
