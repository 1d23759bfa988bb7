"""Reading rules of assignment, what they ask of members, and why somebody came into a group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState, GroupDimension
from members.groups.assignments.models import GroupRules, GroupRulesRun
from members.groups.assignments.policy import Facts, Rule, Seat
from members.groups.assignments.schemas import (
    AssignmentOut,
    GroupRulesOut,
    GroupRulesWrite,
    RulesRunOut,
)
from members.groups.models import Group
from members.groups.queries import FIELD
from members.memberships.schemas import MemberCard
from members.reasons import Reason, register, render
from members.segments.currency import queries as currency
from members.segments.filters.policy import OneOf, dependents, walk

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
        "group-rule-ended": {
            "en": "Rule {rule}, version {version}, matches no longer.",
            "zh": "不再符合规则 {rule}(第 {version} 版)。",
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
    circular = await circular_segments(session, community_id)
    faults += [
        Fault(
            f"/rules/{place}/when/segments/{at}",
            "segment-names-groups",
            "Who leaves by this rule would match this segment differently, and come back: it names groups.",
        )
        for place, rule in enumerate(content.rules)
        for at, segment in enumerate(rule.when.segments)
        if rule.leave_when_no_longer and segment in circular
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
            leaves=rule.leave_when_no_longer,
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


async def circular_segments(session: Session, community_id: UUID) -> set[UUID]:
    """Return the segments whose filters name groups, by way of other segments too: leaving a group changes who is in them."""
    known = await currency.filters(session, community_id)
    direct = {
        one
        for one, node in known.items()
        if any(isinstance(part, OneOf) and part.field.name == FIELD.name for part in walk(node))
    }
    return direct.union(*(dependents(one, known) for one in direct))


async def seats_of(session: Session, community_id: UUID, accounts: Collection[UUID]) -> dict[UUID, list[Seat]]:
    """Return account → the groups that it is in."""
    rows = await session.execute(
        text("""
            SELECT account_id, group_id, held.series_id, dimension, rule_key
            FROM group_member AS held JOIN community_group ON community_group.id = held.group_id
            WHERE held.community_id = :community_id AND account_id = ANY(CAST(:accounts AS uuid[])) ORDER BY account_id, group_id
        """),
        {"community_id": community_id, "accounts": list(accounts)},
    )
    held: dict[UUID, list[Seat]] = {}
    for row in rows:
        seat = Seat(row.group_id, row.series_id, GroupDimension(row.dimension), row.rule_key)
        held.setdefault(row.account_id, []).append(seat)
    return held


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
        next_cursor=cursors.following(scope, found, limit, lambda row: row["id"]),
    )
