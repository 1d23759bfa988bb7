"""Judging everybody by rules at once, in SQL, without changing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.db import Session
from contracts.members import GroupDimension, GroupState
from members.groups import policy as seating
from members.groups import queries as groups
from members.groups.assignments.policy import Rule
from members.groups.assignments.queries import circular_segments
from members.groups.assignments.schemas import RulePreview, RulesPreview
from members.groups.models import Group
from members.groups.policy import Room

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
        taking (position, key, series_id) AS (
            SELECT * FROM unnest(CAST(:taking AS integer[]), CAST(:keys AS text[]), CAST(:series AS uuid[]))
        ),
        lost AS (
            SELECT position, held.group_id, held.account_id FROM taking
            JOIN group_member AS held ON held.rule_key = taking.key AND held.series_id = taking.series_id
            JOIN membership ON membership.community_id = held.community_id AND membership.account_id = held.account_id
            WHERE held.community_id = :community_id AND membership.state = 'approved' AND NOT membership.bot
                AND NOT EXISTS (SELECT FROM matched WHERE matched.position = taking.position AND matched.account_id = held.account_id)
        ),
        held AS (
            SELECT held.account_id, held.series_id, community_group.dimension FROM group_member AS held
            JOIN community_group ON community_group.id = held.group_id WHERE held.community_id = :community_id
                AND NOT EXISTS (SELECT FROM lost WHERE lost.group_id = held.group_id AND lost.account_id = held.account_id)
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
        SELECT position, coalesce(matches, 0) AS matches, coalesce(joins, 0) AS joins, coalesce(sample, '{{}}') AS sample,
            array(SELECT group_id FROM lost WHERE lost.position = rule.position) AS lost
        FROM generate_series(0, {len(rules) - 1}) AS rule(position) LEFT JOIN all_matches USING (position) LEFT JOIN joins USING (position)
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
    circular = await circular_segments(session, community_id)
    taking = [(n, rule) for n, rule in enumerate(rules) if rule.leaves and circular.isdisjoint(rule.segments)]
    values |= {
        "community_id": community_id,
        "taking": [position for position, _ in taking],
        "keys": [rule.key for _, rule in taking],
        "series": [rule.series_id for _, rule in taking],
    }
    found = {row.position: row for row in await session.execute(text(sql), values)}
    cards = await groups.cards_of(session, {account for row in found.values() for account in row.sample})
    freed = Counter(group for row in found.values() for group in row.lost)
    rooms = await _rooms(session, {rule.series_id for rule in rules}, freed)
    before: dict[UUID, int] = {}
    told = []
    for position, rule in enumerate(rules):
        row = found[position]
        joins = row.joins
        seats, already = rooms[rule.series_id], before.get(rule.series_id, 0)
        before[rule.series_id] = already + joins
        told.append(
            RulePreview(
                key=rule.key,
                group_id=rule.group_id,
                matches=row.matches,
                joins=joins if any(room.open for room in seats) else 0,
                opens=seating.opens(seats, already + joins) - seating.opens(seats, already),
                leaves=len(row.lost),
                sample=[cards[account] for account in row.sample if account in cards],
            )
        )
    return RulesPreview(members=members, rules=told)


async def _rooms(session: Session, series: Collection[UUID], freed: Mapping[UUID, int]) -> dict[UUID, list[Room]]:
    found = await session.execute(
        select(Group).where(col(Group.series_id).in_(series)).order_by(col(Group.series_id), col(Group.ordinal))
    )
    rooms: dict[UUID, list[Room]] = {}
    for group in found.scalars():
        members = group.members - freed.get(group.id, 0)
        room = Room(group.ordinal, group.capacity, members, group.state == GroupState.OPEN)
        rooms.setdefault(group.series_id, []).append(room)
    return rooms
