"""Bringing members into groups and out of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.ids import new_id
from contracts.base import Origin
from contracts.members import CommunityState, GroupMemberJoined, GroupMemberLeft, GroupState, GroupUpdated
from members.groups import policy, queries
from members.groups.commands import archived, emit, open_next
from members.groups.models import Group
from members.groups.policy import Room
from members.groups.schemas import GroupPlacedOut
from members.reasons import Reason

Outcome = Literal["joined", "existing", "not_a_member", "closed", "too_many"]


@dataclass(frozen=True)
class Want:
    """One account that is to come into a group, and why; `inputs` are what a rule decided on."""

    account_id: UUID
    group_id: UUID
    reason: Reason
    rules_version: int | None = None
    rule_key: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    held_by: str | None = None
    """The rule by which a seat is held that somebody takes over; whoever comes by a rule holds it by that."""


# One statement for all that a seat means: the series is locked meanwhile, and others wait.
_TAKE_SEATS = text("""
WITH seat AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS seat(id uuid, membership_id uuid, account_id uuid, group_id uuid,
        series_id uuid, held_by text, reason_code text, reason_params jsonb, rules_version integer, rule_key text, inputs jsonb)
), taken AS (
    INSERT INTO group_member (organization_id, community_id, group_id, series_id, account_id, joined_at, rule_key)
    SELECT :organization_id, :community_id, group_id, series_id, account_id, :now, coalesce(rule_key, held_by) FROM seat
), kept AS (
    INSERT INTO group_assignment (id, organization_id, community_id, account_id, group_id, reason_code, reason_params,
        rules_version, rule_key, inputs, decided_by, decided_at)
    SELECT id, :organization_id, :community_id, account_id, group_id, reason_code, reason_params, rules_version, rule_key,
        inputs, :actor, :now
    FROM seat
), moved AS (
    SELECT membership_id, count(*) AS steps FROM seat GROUP BY membership_id
)
UPDATE membership SET groups_version = groups_version + steps FROM moved WHERE membership.id = moved.membership_id
RETURNING membership.id, groups_version - steps AS before
""")


async def place(
    session: Session, community_id: UUID, wants: Sequence[Want], *, actor: UUID | None, origin: Origin = Origin.LIVE
) -> list[GroupPlacedOut]:
    """Bring members into groups, set-based; who finds a group full lands in the next of its series, which opens if need be.

    Returns what became of each want, in their order. Raises Problem 404 for a group that the community has not, 409 when archived.
    """
    if not wants:
        return []
    if await queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        raise archived()
    people = await queries.lock_members(session, community_id, {want.account_id for want in wants})
    held = await queries.of_members(session, community_id, people)
    by_series = await queries.lock_series(session, community_id, {want.group_id for want in wants})
    groups = {group.id: group for series in by_series.values() for group in series}
    if any(want.group_id not in groups for want in wants):
        raise not_found("group")
    outcomes: dict[int, tuple[Outcome, UUID | None]] = {}
    waiting: dict[UUID, list[int]] = {}
    claimed: dict[UUID, set[UUID]] = {account: set(series) for account, series in held.items()}
    for place_, want in enumerate(wants):
        series = groups[want.group_id].series_id
        mine = claimed.setdefault(want.account_id, set())
        if not people.get(want.account_id, (want.account_id, False))[1]:
            outcomes[place_] = ("not_a_member", None)
        elif series in mine:
            outcomes[place_] = ("existing", held.get(want.account_id, {}).get(series))
        elif len(mine) >= policy.MOST_OF_MEMBER:
            outcomes[place_] = ("too_many", None)
        else:
            mine.add(series)
            waiting.setdefault(series, []).append(place_)
    seats: dict[int, Group] = {}
    for series, places in waiting.items():
        seats |= await _seat(session, by_series[series], [(p, wants[p]) for p in places], actor)
        outcomes |= {p: ("joined", seats[p].id) if p in seats else ("closed", None) for p in places}
    await _write_seats(session, community_id, wants, seats, people, held, actor=actor, origin=origin)
    by_hand = [(wants[p].account_id, outcomes[p][1]) for p in outcomes if _stays(wants[p], outcomes[p][0])]
    await _hold_by_hand(session, [(account, group) for account, group in by_hand if group is not None])
    return [
        GroupPlacedOut(account_id=want.account_id, outcome=outcomes[p][0], group_id=outcomes[p][1])
        for p, want in enumerate(wants)
    ]


def _stays(want: Want, outcome: Outcome) -> bool:
    """Whether somebody is wanted by other than a rule where a rule has brought them: no rule takes them out any more."""
    return outcome == "existing" and want.rule_key is None and want.held_by is None


async def _hold_by_hand(session: Session, seats: Sequence[tuple[UUID, UUID]]) -> None:
    if not seats:
        return
    await session.execute(
        text("""
            UPDATE group_member SET rule_key = NULL FROM unnest(CAST(:accounts AS uuid[]), CAST(:groups AS uuid[])) AS held(account, place)
            WHERE account_id = held.account AND group_id = held.place AND rule_key IS NOT NULL
        """),
        {"accounts": [account for account, _ in seats], "groups": [group for _, group in seats]},
    )


async def _seat(
    session: Session, series: list[Group], wants: Sequence[tuple[int, Want]], actor: UUID | None
) -> dict[int, Group]:
    """Find each a group of a locked series, opening what must open, and count them in; return place → group."""
    ordinals = {group.id: group.ordinal for group in series}
    rooms = [Room(one.ordinal, one.capacity, one.members, one.state == GroupState.OPEN) for one in series]
    landing = policy.fill(rooms, [ordinals[want.group_id] for _, want in wants])
    for _ in landing.opened:
        series.append(await open_next(session, series, actor))
    by_ordinal = {group.ordinal: group for group in series}
    seats = {wants[place_][0]: by_ordinal[ordinal] for place_, ordinal in landing.ordinals.items()}
    for group in seats.values():
        group.members += 1
    await session.flush()
    return seats


async def _write_seats(
    session: Session,
    community_id: UUID,
    wants: Sequence[Want],
    seats: Mapping[int, Group],
    people: Mapping[UUID, tuple[UUID, bool]],
    held: Mapping[UUID, Mapping[UUID, UUID]],
    *,
    actor: UUID | None,
    origin: Origin,
) -> None:
    if not seats:
        return
    taken = sorted(seats.items())
    rows = [
        {
            "id": str(new_id()),
            "membership_id": str(people[wants[place_].account_id][0]),
            "account_id": str(wants[place_].account_id),
            "group_id": str(group.id),
            "series_id": str(group.series_id),
            "held_by": wants[place_].held_by,
            "reason_code": wants[place_].reason.code,
            "reason_params": wants[place_].reason.params,
            "rules_version": wants[place_].rules_version,
            "rule_key": wants[place_].rule_key,
            "inputs": {**wants[place_].inputs, "asked": str(wants[place_].group_id)},
        }
        for place_, group in taken
    ]
    written = await session.execute(
        _TAKE_SEATS,
        {
            "organization_id": taken[0][1].organization_id,
            "community_id": community_id,
            "now": clock.now(),
            "actor": actor,
            "rows": orjson.dumps(rows).decode(),
        },
    )
    versions = {row.id: row.before for row in written}
    moves = [(wants[place_].account_id, group) for place_, group in taken]
    _tell(session, moves, GroupMemberJoined, people, held, versions, actor=actor, origin=origin)


def _tell(
    session: Session,
    moves: Sequence[tuple[UUID, Group]],
    event: type[GroupMemberJoined | GroupMemberLeft],
    people: Mapping[UUID, tuple[UUID, bool]],
    held: Mapping[UUID, Mapping[UUID, UUID]],
    before: Mapping[UUID, int],
    *,
    actor: UUID | None,
    origin: Origin = Origin.LIVE,
) -> None:
    """Tell of members who came or went, each with all of the member's groups thereafter; `before` has the versions that they had."""
    versions = dict(before)
    now_in = {account: set(held.get(account, {}).values()) for account, _ in moves}
    for account, group in moves:
        membership = people[account][0]
        versions[membership] += 1
        now_in[account] = now_in[account] | {group.id} if event is GroupMemberJoined else now_in[account] - {group.id}
        outbox.emit(
            session,
            event(
                membership_id=membership,
                community_id=group.community_id,
                account_id=account,
                group_id=group.id,
                group_ids=sorted(now_in[account]),
            ),
            organization_id=group.organization_id,
            aggregate_id=membership,
            version=versions[membership],
            community_id=group.community_id,
            actor=actor,
            origin=origin,
        )


_GIVE_UP_SEATS = text("""
WITH gone AS (
    SELECT * FROM unnest(CAST(:groups AS uuid[]), CAST(:accounts AS uuid[]), CAST(:memberships AS uuid[]))
        AS gone(group_id, account_id, membership_id)
), given_up AS (
    DELETE FROM group_member USING gone
    WHERE group_member.group_id = gone.group_id AND group_member.account_id = gone.account_id
), moved AS (
    SELECT membership_id, count(*) AS steps FROM gone GROUP BY membership_id
)
UPDATE membership SET groups_version = groups_version + steps FROM moved WHERE membership.id = moved.membership_id
RETURNING membership.id, groups_version - steps AS before
""")


async def _unseat(
    session: Session,
    community_id: UUID,
    people: Mapping[UUID, tuple[UUID, bool]],
    gone: Sequence[tuple[UUID, UUID]],
    actor: UUID | None,
) -> None:
    """Take (account, group) pairs that stand out of their groups; the memberships are locked."""
    held = await queries.of_members(session, community_id, people)
    by_series = await queries.lock_series(session, community_id, {group for _, group in gone})
    groups = {group.id: group for series in by_series.values() for group in series}
    for _, group in gone:
        groups[group].members -= 1
    await session.flush()
    written = await session.execute(
        _GIVE_UP_SEATS,
        {
            "groups": [group for _, group in gone],
            "accounts": [account for account, _ in gone],
            "memberships": [people[account][0] for account, _ in gone],
        },
    )
    versions = {row.id: row.before for row in written}
    _tell(session, [(a, groups[g]) for a, g in gone], GroupMemberLeft, people, held, versions, actor=actor)


_KEEP_WHY_GONE = text("""
INSERT INTO group_assignment (id, organization_id, community_id, account_id, group_id, reason_code, reason_params, rules_version,
    rule_key, inputs, decided_at, gone)
SELECT seat.id, community.organization_id, community.id, seat.account_id, seat.group_id, seat.reason_code, seat.reason_params,
    seat.rules_version, seat.rule_key, seat.inputs, :now, true
FROM community, jsonb_to_recordset(CAST(:rows AS jsonb)) AS seat(id uuid, account_id uuid, group_id uuid, reason_code text,
    reason_params jsonb, rules_version integer, rule_key text, inputs jsonb)
WHERE community.id = :community_id
""")


async def give_up(session: Session, community_id: UUID, seats: Sequence[Want]) -> None:
    """Take members, whose memberships are locked, out of groups that they are in, and keep why."""
    if not seats:
        return
    people = await queries.lock_members(session, community_id, {seat.account_id for seat in seats})
    await _unseat(session, community_id, people, [(seat.account_id, seat.group_id) for seat in seats], None)
    rows = [
        {
            "id": str(new_id()),
            "account_id": str(seat.account_id),
            "group_id": str(seat.group_id),
            "reason_code": seat.reason.code,
            "reason_params": seat.reason.params,
            "rules_version": seat.rules_version,
            "rule_key": seat.rule_key,
            "inputs": seat.inputs,
        }
        for seat in seats
    ]
    values = {"community_id": community_id, "now": clock.now(), "rows": orjson.dumps(rows).decode()}
    await session.execute(_KEEP_WHY_GONE, values)


async def take_out(session: Session, community_id: UUID, group_id: UUID, account_id: UUID, actor: UUID | None) -> None:
    """Take a member out of a group. Raises Problem 404 when the account is not in it, 409 when archived."""
    if await queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        raise archived()
    people = await queries.lock_members(session, community_id, [account_id])
    held = await queries.of_members(session, community_id, [account_id])
    if group_id not in held.get(account_id, {}).values():
        raise not_found("member of the group")
    await _unseat(session, community_id, people, [(account_id, group_id)], actor)


async def move(session: Session, standing: Standing, source: UUID, target: Group, account_id: UUID) -> GroupPlacedOut:
    """Move a member from one group to another, in one step. Raises Problem 404, 409 when the other takes nobody or is the same."""
    actor = standing.principal.account_id
    if source == target.id:
        raise Problem(409, "same-group", "The member is in this group.")
    await queries.lock_community(session, standing.community_id, alone=False)
    await queries.lock_members(session, standing.community_id, [account_id])
    # Both series at once, in one order: two moves the other way round do not wait for each other in a circle.
    await queries.lock_series(session, standing.community_id, {source, target.id})
    await take_out(session, standing.community_id, source, account_id, actor)
    reason = Reason("group-moved", {"by": "manager" if standing.has() else "host"})
    want = Want(account_id, target.id, reason, inputs={"from": str(source)})
    landed = (await place(session, standing.community_id, [want], actor=actor))[0]
    if landed.outcome != "joined":
        raise Problem(409, "group-closed", f"The member was not moved: {landed.outcome.replace('_', ' ')}.")
    if landed.group_id == source:
        raise Problem(409, "group-full", "The group is full, and the next that has room is the one the member is in.")
    return landed


async def end(session: Session, community_id: UUID, accounts: Collection[UUID]) -> None:
    """Take those who belong no longer out of all groups, as members and hosts; who was merged leaves the seat to the living account."""
    state = await queries.lock_community(session, community_id, alone=False)
    living = await queries.heirs(session, accounts)
    people = await queries.lock_members(session, community_id, {*accounts, *living.values()})
    gone = {account for account in accounts if account in people and not people[account][1]}
    held = await queries.of_members(session, community_id, gone)
    pairs = [(account, group) for account in sorted(held) for group in held[account].values()]
    by_rule = await queries.held_by_rule(session, community_id, living)
    hosted = await queries.hosted_by(session, community_id, gone)
    by_series = await queries.lock_series(session, community_id, {*hosted, *(group for _, group in pairs)})
    if pairs:
        await _unseat(session, community_id, people, pairs, None)
    for group in (group for series in by_series.values() for group in series if not gone.isdisjoint(group.hosts)):
        stay = [living.get(host, host) if host in gone else host for host in group.hosts]
        group.hosts = list(dict.fromkeys(host for host in stay if host not in gone))
        group.version += 1
        emit(session, group, GroupUpdated, None)
    if state is not CommunityState.ARCHIVED:
        reason = Reason("group-merged")
        wants = [
            Want(living[a], group, reason, inputs={"from": str(a)}, held_by=by_rule.get((a, group)))
            for a, group in pairs
            if a in living
        ]
        await place(session, community_id, wants, actor=None)
