"""Reading rules of assignment, what they ask of members, and why somebody came into a group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState, GroupDimension, GroupState
from members.groups import policy as seating
from members.groups import queries as groups
from members.groups.assignments.models import GroupRules, GroupRulesRun
from members.groups.assignments.policy import Facts, Rule
from members.groups.assignments.schemas import (
    AssignmentOut,
    GroupRulesOut,
    GroupRulesWrite,
    RulePreview,
    RulesPreview,
    RulesRunOut,
)
from members.groups.models import Group
from members.groups.policy import Room
from members.memberships.schemas import MemberCard
from members.reasons import Reason, register, render

register(
    {
        "group-manager": {"en": "Placed by a manager.", "zh": "由管理员安排。"},
        "group-host": {"en": "Brought in by a host of the group.", "zh": "由群主邀请入群。"},
        "group-link": {"en": "The entry link leads to this group.", "zh": "入群链接指向该小组。"},
        "group-self": {"en": "Joined of their own accord.", "zh": "自行加入。"},
        "group-moved": {"en": "Moved from another group by a {by}.", "zh": "从其他小组调入(操作者:{by})。"},
        "group-merged": {
            "en": "Took over the seat of an account that was merged.",
            "zh": "账号合并后承接原有席位。",
        },
        "group-rule": {
            "en": "Rule {rule}, version {version}: {matched}",
            "zh": "规则 {rule}(第 {version} 版):{matched}",
        },
    }
)


async def find_current(session: Session, community_id: UUID) -> GroupRules | None:
    """Return the rules in force, None before any were written."""
    found = await session.execute(
        select(GroupRules)
        .where(col(GroupRules.community_id) == community_id)
        .order_by(col(GroupRules.version).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


def out(standing: Standing, rules: GroupRules | None) -> GroupRulesOut:
    """Return the rules as this caller sees them."""
    content = rules.content if rules else {"rules": [], "exclusive": [GroupDimension.DEPARTMENT]}
    editable = standing.has() and standing.community_state is not CommunityState.ARCHIVED
    return GroupRulesOut.model_validate(
        {
            "community_id": standing.community_id,
            **content,
            "version": rules.version if rules else 0,
            "changed_by": rules.changed_by if rules else None,
            "changed_at": rules.changed_at if rules else None,
            "can": ["edit", "apply"] if editable and rules else ["edit"] if editable else [],
        }
    )


async def read(session: Session, community_id: UUID, content: GroupRulesWrite) -> list[Rule]:
    """Return rules ready to be judged. Raises Problem 422 for a group or a segment that the community has not."""
    known = await _groups(session, community_id, content)
    segments = await _segments(session, community_id, {one for rule in content.rules for one in rule.when.segments})
    faults = [
        Fault(f"/rules/{place}/group_id", "unknown", "The community has no such group.")
        for place, rule in enumerate(content.rules)
        if rule.group_id not in known
    ] + [
        Fault(f"/rules/{place}/when/segments/{at}", "unknown", "The community has no such segment.")
        for place, rule in enumerate(content.rules)
        for at, segment in enumerate(rule.when.segments)
        if segment not in segments
    ]
    if faults:
        raise Problem(422, "invalid", "The rules name what the community does not have.", errors=faults[:50])
    return _rules(content, known)


async def read_known(session: Session, community_id: UUID, content: GroupRulesWrite) -> list[Rule]:
    """Return rules in force ready to be judged; a segment that was deleted since matches nobody."""
    return _rules(content, await _groups(session, community_id, content))


async def _groups(session: Session, community_id: UUID, content: GroupRulesWrite) -> dict[UUID, Group]:
    return await known_groups(session, community_id, {rule.group_id for rule in content.rules})


async def known_groups(session: Session, community_id: UUID, named: Collection[UUID]) -> dict[UUID, Group]:
    """Return those of the named groups that the community has."""
    found = await session.execute(
        select(Group).where(col(Group.community_id) == community_id, col(Group.id).in_(named))
    )
    return {group.id: group for group in found.scalars()}


def _rules(content: GroupRulesWrite, known: Mapping[UUID, Group]) -> list[Rule]:
    return [
        Rule(
            key=rule.key,
            group_id=rule.group_id,
            series_id=known[rule.group_id].series_id,
            dimension=known[rule.group_id].dimension,
            tags=frozenset(rule.when.tags),
            segments=frozenset(rule.when.segments),
            locales=frozenset(rule.when.locales),
            zones=frozenset(rule.when.zones),
        )
        for rule in content.rules
    ]


async def _segments(session: Session, community_id: UUID, named: Collection[UUID]) -> set[UUID]:
    if not named:
        return set()
    rows = await session.execute(
        text(
            "SELECT id FROM segment WHERE community_id = :community_id AND deleted_at IS NULL AND id = ANY(CAST(:ids AS uuid[]))"
        ),
        {"community_id": community_id, "ids": list(named)},
    )
    return set(rows.scalars())


_FACTS = text("""
SELECT membership.account_id, account.locale, account.zone,
    array(SELECT tag FROM membership_tag AS held WHERE held.community_id = membership.community_id
        AND held.account_id = membership.account_id AND tag = ANY(CAST(:tags AS text[]))) AS tags,
    array(SELECT segment_id FROM segment_member AS held WHERE held.account_id = membership.account_id
        AND segment_id = ANY(CAST(:segments AS uuid[]))) AS segments,
    array(SELECT series_id FROM group_member AS held WHERE held.community_id = membership.community_id
        AND held.account_id = membership.account_id) AS series,
    array(SELECT DISTINCT community_group.dimension FROM group_member AS held
        JOIN community_group ON community_group.id = held.group_id
        WHERE held.community_id = membership.community_id AND held.account_id = membership.account_id) AS dimensions
FROM membership JOIN account ON account.id = membership.account_id
WHERE membership.community_id = :community_id AND membership.account_id = ANY(CAST(:accounts AS uuid[]))
    AND membership.state = 'approved' AND NOT membership.bot
ORDER BY membership.id
""")


async def facts_of(
    session: Session, community_id: UUID, accounts: Collection[UUID], rules: Sequence[Rule]
) -> dict[UUID, Facts]:
    """Return what the rules ask of those of the accounts who belong and are no bots."""
    rows = await session.execute(
        _FACTS,
        {
            "community_id": community_id,
            "accounts": list(accounts),
            "tags": sorted({tag for rule in rules for tag in rule.tags}),
            "segments": sorted({segment for rule in rules for segment in rule.segments}),
        },
    )
    return {
        row.account_id: Facts(
            tags=frozenset(row.tags),
            segments=frozenset(row.segments),
            locale=row.locale,
            zone=row.zone,
            series=frozenset(row.series),
            dimensions=frozenset(GroupDimension(one) for one in row.dimensions),
        )
        for row in rows
    }


_CRITERIA = {
    "tags": "membership.account_id IN (SELECT account_id FROM membership_tag WHERE community_id = :community_id AND tag = ANY(CAST(:{name} AS text[])))",
    "segments": "membership.account_id IN (SELECT account_id FROM segment_member WHERE segment_id = ANY(CAST(:{name} AS uuid[])))",
    "locales": "(account.locale = ANY(CAST(:{name} AS text[])) OR split_part(account.locale, '-', 1) = ANY(CAST(:{name} AS text[])))",
    "zones": "account.zone = ANY(CAST(:{name} AS text[]))",
}


def _matching(position: int, rule: Rule, *, exclusive: bool) -> tuple[str, dict[str, Any]]:
    """Return the SQL of those whom one rule matches, and its values."""
    values: dict[str, Any] = {
        f"series_{position}": rule.series_id,
        f"dimension_{position}": rule.dimension.value,
    }
    wanted = []
    for criterion, condition in _CRITERIA.items():
        asked = getattr(rule, criterion)
        if asked:
            values[f"{criterion}_{position}"] = sorted(asked)
            wanted.append(condition.format(name=f"{criterion}_{position}"))
    return (
        f"""SELECT {position} AS position, {str(exclusive).lower()} AS exclusive, CAST(:series_{position} AS uuid) AS series_id,
            CAST(:dimension_{position} AS text) AS dimension, membership.account_id
        FROM membership JOIN account ON account.id = membership.account_id
        WHERE membership.community_id = :community_id AND membership.state = 'approved' AND NOT membership.bot
            AND {" AND ".join(wanted)}""",
        values,
    )


def _preview_sql(rules: Sequence[Rule], exclusive: Collection[GroupDimension]) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    values: dict[str, Any] = {}
    for position, rule in enumerate(rules):
        part, bound = _matching(position, rule, exclusive=rule.dimension in exclusive)
        parts.append(part)
        values |= bound
    return (
        f"""
        WITH matched AS ({" UNION ALL ".join(parts)}),
        held AS (
            SELECT held.account_id, held.series_id, community_group.dimension FROM group_member AS held
            JOIN community_group ON community_group.id = held.group_id WHERE held.community_id = :community_id
        ),
        -- Of each series, and of each exclusive dimension, the first rule decides; who has a seat there gets no other.
        first AS (
            SELECT DISTINCT ON (account_id, slot) position, account_id
            FROM (SELECT *, CASE WHEN exclusive THEN dimension ELSE series_id::text END AS slot FROM matched) AS by_slot
            WHERE NOT EXISTS (SELECT FROM held WHERE held.account_id = by_slot.account_id AND held.series_id = by_slot.series_id)
                AND NOT (exclusive AND EXISTS (
                    SELECT FROM held WHERE held.account_id = by_slot.account_id AND held.dimension = by_slot.dimension))
            ORDER BY account_id, slot, position
        ),
        all_matches AS (SELECT position, count(*) AS matches FROM matched GROUP BY position),
        joins AS (
            SELECT position, count(*) AS joins, (array_agg(account_id ORDER BY account_id))[1:5] AS sample FROM first GROUP BY position
        )
        SELECT position, matches, coalesce(joins, 0) AS joins, coalesce(sample, '{{}}') AS sample
        FROM all_matches LEFT JOIN joins USING (position)
        """,
        values,
    )


async def preview(
    session: Session, community_id: UUID, rules: Sequence[Rule], exclusive: Collection[GroupDimension]
) -> RulesPreview:
    """Return what rules would do among those who belong now."""
    counted = await session.execute(
        text("SELECT count(*) FROM membership WHERE community_id = :community_id AND state = 'approved' AND NOT bot"),
        {"community_id": community_id},
    )
    members = int(counted.scalar_one())
    if not rules:
        return RulesPreview(members=members, rules=[])
    sql, values = _preview_sql(rules, exclusive)
    found = {row.position: row for row in await session.execute(text(sql), {**values, "community_id": community_id})}
    cards = await groups.cards_of(session, {account for row in found.values() for account in row.sample})
    rooms = await _rooms(session, {rule.series_id for rule in rules})
    before: dict[UUID, int] = {}
    told = []
    for position, rule in enumerate(rules):
        row = found.get(position)
        joins = row.joins if row else 0
        seats, already = rooms[rule.series_id], before.get(rule.series_id, 0)
        before[rule.series_id] = already + joins
        told.append(
            RulePreview(
                key=rule.key,
                group_id=rule.group_id,
                matches=row.matches if row else 0,
                joins=joins if any(room.open for room in seats) else 0,
                opens=seating.opens(seats, already + joins) - seating.opens(seats, already),
                sample=[cards[account] for account in row.sample if account in cards] if row else [],
            )
        )
    return RulesPreview(members=members, rules=told)


async def _rooms(session: Session, series: Collection[UUID]) -> dict[UUID, list[Room]]:
    found = await session.execute(
        select(Group).where(col(Group.series_id).in_(series)).order_by(col(Group.series_id), col(Group.ordinal))
    )
    rooms: dict[UUID, list[Room]] = {}
    for group in found.scalars():
        room = Room(group.ordinal, group.capacity, group.members, group.state == GroupState.OPEN)
        rooms.setdefault(group.series_id, []).append(room)
    return rooms


async def find_run(session: Session, community_id: UUID, *, lock: bool = False) -> GroupRulesRun | None:
    """Return the last application of the rules to everybody."""
    query = select(GroupRulesRun).where(col(GroupRulesRun.community_id) == community_id)
    found = await session.execute(query.with_for_update() if lock else query)
    return found.scalar_one_or_none()


def run_out(run: GroupRulesRun) -> RulesRunOut:
    """Return how far the application of the rules is."""
    return RulesRunOut.model_validate(run)


async def next_members(session: Session, community_id: UUID, after: UUID | None, limit: int) -> list[tuple[UUID, UUID]]:
    """Return (membership, account) of those who belong, behind `after`."""
    rows = await session.execute(
        text("""
            SELECT id, account_id FROM membership
            WHERE community_id = :community_id AND state = 'approved' AND (CAST(:after AS uuid) IS NULL OR id > :after)
            ORDER BY id LIMIT :limit
        """),
        {"community_id": community_id, "after": after, "limit": limit},
    )
    return [(row.id, row.account_id) for row in rows]


async def communities_of(session: Session, accounts: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Return (community, account) wherever the accounts belong."""
    rows = await session.execute(
        text(
            "SELECT community_id, account_id FROM membership WHERE account_id = ANY(CAST(:ids AS uuid[])) AND state = 'approved'"
        ),
        {"ids": list(accounts)},
    )
    return [(row.community_id, row.account_id) for row in rows]


async def list_assignments(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    *,
    account_id: UUID | None,
    language: str,
    limit: int,
    cursor: str | None,
) -> Page[AssignmentOut]:
    """Return why members came into groups, newest first."""
    scope = f"group-assignments:{standing.principal.organization_id}:{standing.community_id}:{account_id}"
    after = cursors.decode(scope, cursor)
    rows = await session.execute(
        text(f"""
            SELECT kept.*, account.display_name, account.avatar_url
            FROM group_assignment AS kept JOIN account ON account.id = kept.account_id
            WHERE kept.community_id = :community_id AND (CAST(:after AS uuid) IS NULL OR kept.id < :after)
                {"AND kept.account_id = :account_id" if account_id else ""}
            ORDER BY kept.id DESC LIMIT :limit
        """),
        {
            "community_id": standing.community_id,
            "after": UUID(after[0]) if after else None,
            "limit": limit + 1,
            **({"account_id": account_id} if account_id else {}),
        },
    )
    found = rows.mappings().all()
    page = found[:limit]
    return Page[AssignmentOut](
        data=[
            AssignmentOut.model_validate(
                {
                    **row,
                    "member": MemberCard(
                        id=row["account_id"], display_name=row["display_name"], avatar_url=row["avatar_url"]
                    ),
                    "code": row["reason_code"],
                    "reason": render(Reason(row["reason_code"], row["reason_params"]), language),
                }
            )
            for row in page
        ],
        next_cursor=cursors.encode(scope, str(page[-1]["id"])) if len(found) > limit else None,
    )
