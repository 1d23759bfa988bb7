"""Making groups, and bringing members in and out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem, not_found
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.base import Origin
from contracts.members import (
    CommunityState,
    GroupCreated,
    GroupEvent,
    GroupMemberJoined,
    GroupMemberLeft,
    GroupState,
    GroupUpdated,
)
from members.groups import policy, queries
from members.groups.cards import commands as cards
from members.groups.models import Group
from members.groups.policy import Room
from members.groups.schemas import GroupCreate, GroupPlacedOut, GroupUpdate
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


def _archived() -> Problem:
    return Problem(409, "community-archived", "An archived community does not change.")


def emit(session: Session, group: Group, event: type[GroupEvent], actor: UUID | None) -> None:
    """Tell of a group, whole."""
    outbox.emit(
        session,
        event(
            group_id=group.id,
            community_id=group.community_id,
            series_id=group.series_id,
            ordinal=group.ordinal,
            dimension=group.dimension,
            hosts=list(group.hosts),
            capacity=group.capacity,
            state=group.state,
        ),
        organization_id=group.organization_id,
        aggregate_id=group.id,
        version=group.version,
        community_id=group.community_id,
        actor=actor,
    )


async def check_hosts(session: Session, community_id: UUID, hosts: Iterable[UUID]) -> list[UUID]:
    """Return the hosts without repeats. Raises Problem 422 unless each is a member."""
    wanted = list(dict.fromkeys(hosts))
    known = await queries.lock_members(session, community_id, wanted)
    faults = [
        Fault(f"/hosts/{place}", "not-a-member", "A host is a member of the community.")
        for place, host in enumerate(wanted)
        if not known.get(host, (host, False))[1]
    ]
    if faults:
        raise Problem(422, "invalid", "The request is well-formed and not acceptable.", errors=faults)
    return wanted


async def create(
    session: Session,
    *,
    organization_id: UUID,
    community_id: UUID,
    actor: UUID,
    body: GroupCreate,
    template_key: str | None = None,
) -> Group:
    """Make a group. Raises Problem 404, 409, 422."""
    if await queries.lock_community(session, community_id, alone=True) is CommunityState.ARCHIVED:
        raise _archived()
    if await queries.count(session, community_id) >= policy.MOST_GROUPS:
        raise Problem(409, "too-many-groups", f"A community has at most {policy.MOST_GROUPS} groups.")
    identifier = new_id()
    group = Group(
        id=identifier,
        organization_id=organization_id,
        community_id=community_id,
        series_id=identifier,
        ordinal=1,
        dimension=body.dimension,
        name=body.name,
        hosts=await check_hosts(session, community_id, body.hosts),
        capacity=body.capacity,
        members=0,
        state=GroupState.OPEN,
        self_join=body.self_join,
        template_key=template_key,
        created_at=clock.now(),
        version=1,
    )
    session.add(group)
    await session.flush()
    emit(session, group, GroupCreated, actor)
    return group


async def update(
    session: Session, community_id: UUID, group_id: UUID, actor: UUID, body: GroupUpdate, *, expected: int | None = None
) -> Group:
    """Change a group; nothing happens when nothing is new. Raises Problem 404, 409, 412, 422."""
    if await queries.lock_community(session, community_id, alone=True) is CommunityState.ARCHIVED:
        raise _archived()
    changes = body.model_dump(exclude_unset=True)
    for name in ("name", "hosts", "state", "self_join"):
        if changes.get(name, ...) is None:
            del changes[name]
    if "hosts" in changes:
        changes["hosts"] = await check_hosts(session, community_id, changes["hosts"])
    group = await queries.get_for_update(session, community_id, group_id)
    check_version(group.version if expected is None else expected, group.version)
    if changes.get("capacity") is not None and changes["capacity"] < group.members:
        raise Problem(
            409,
            "capacity-below-members",
            f"{group.members} are in the group; move some before it holds fewer.",
            errors=[Fault("/capacity", "capacity-below-members", f"At least {group.members}.")],
        )
    if all(getattr(group, name) == value for name, value in changes.items()):
        return group
    for name, value in changes.items():
        setattr(group, name, value)
    group.version += 1
    await session.flush()
    emit(session, group, GroupUpdated, actor)
    return group


async def _open_next(session: Session, series: list[Group], actor: UUID | None) -> Group:
    """Open the next group of a locked series: as the last one, named after the first, with its card."""
    first, last = series[0], series[-1]
    group = Group(
        id=new_id(),
        organization_id=last.organization_id,
        community_id=last.community_id,
        series_id=first.id,
        ordinal=last.ordinal + 1,
        dimension=first.dimension,
        name=policy.numbered(first.name, last.ordinal + 1),
        hosts=list(last.hosts),
        capacity=last.capacity,
        members=0,
        state=GroupState.OPEN,
        self_join=last.self_join,
        created_at=clock.now(),
        version=1,
    )
    session.add(group)
    await session.flush()
    await cards.copy(session, last.id, group.id)
    emit(session, group, GroupCreated, actor)
    return group


_SEAT = text("""
INSERT INTO group_member (organization_id, community_id, group_id, series_id, account_id, joined_at)
SELECT :organization_id, :community_id, group_id, series_id, account_id, :now
FROM unnest(CAST(:groups AS uuid[]), CAST(:series AS uuid[]), CAST(:accounts AS uuid[])) AS seat(group_id, series_id, account_id)
""")
_KEEP_REASONS = text("""
INSERT INTO group_assignment (id, organization_id, community_id, account_id, group_id, reason_code, reason_params,
    rules_version, rule_key, inputs, decided_by, decided_at)
SELECT id, :organization_id, :community_id, account_id, group_id, reason_code, reason_params, rules_version, rule_key, inputs,
    :actor, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS kept(id uuid, account_id uuid, group_id uuid, reason_code text,
    reason_params jsonb, rules_version integer, rule_key text, inputs jsonb)
""")
_ADVANCE = text("""
UPDATE membership SET groups_version = groups_version + steps
FROM unnest(CAST(:ids AS uuid[]), CAST(:steps AS integer[])) AS moved(membership_id, steps)
WHERE membership.id = moved.membership_id
RETURNING membership.id, groups_version
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
        raise _archived()
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
    return [
        GroupPlacedOut(account_id=want.account_id, outcome=outcomes[p][0], group_id=outcomes[p][1])
        for p, want in enumerate(wants)
    ]


async def _seat(
    session: Session, series: list[Group], wants: Sequence[tuple[int, Want]], actor: UUID | None
) -> dict[int, Group]:
    """Find each a group of a locked series, opening what must open, and count them in; return place → group."""
    ordinals = {group.id: group.ordinal for group in series}
    rooms = [Room(one.ordinal, one.capacity, one.members, one.state == GroupState.OPEN) for one in series]
    landing = policy.fill(rooms, [ordinals[want.group_id] for _, want in wants])
    for _ in landing.opened:
        series.append(await _open_next(session, series, actor))
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
    shared = {
        "organization_id": taken[0][1].organization_id,
        "community_id": community_id,
        "now": clock.now(),
    }
    await session.execute(
        _SEAT,
        {
            **shared,
            "groups": [group.id for _, group in taken],
            "series": [group.series_id for _, group in taken],
            "accounts": [wants[place_].account_id for place_, _ in taken],
        },
    )
    rows = [
        {
            "id": str(new_id()),
            "account_id": str(wants[place_].account_id),
            "group_id": str(group.id),
            "reason_code": wants[place_].reason.code,
            "reason_params": wants[place_].reason.params,
            "rules_version": wants[place_].rules_version,
            "rule_key": wants[place_].rule_key,
            "inputs": {**wants[place_].inputs, "asked": str(wants[place_].group_id)},
        }
        for place_, group in taken
    ]
    await session.execute(_KEEP_REASONS, {**shared, "actor": actor, "rows": orjson.dumps(rows).decode()})
    moves = [(wants[place_].account_id, group) for place_, group in taken]
    await _tell(session, moves, GroupMemberJoined, people, held, actor=actor, origin=origin)


async def _tell(
    session: Session,
    moves: Sequence[tuple[UUID, Group]],
    event: type[GroupMemberJoined | GroupMemberLeft],
    people: Mapping[UUID, tuple[UUID, bool]],
    held: Mapping[UUID, Mapping[UUID, UUID]],
    *,
    actor: UUID | None,
    origin: Origin = Origin.LIVE,
) -> None:
    """Tell of members who came or went, each with all of the member's groups thereafter; the memberships are locked."""
    steps = Counter(people[account][0] for account, _ in moves)
    advanced = await session.execute(_ADVANCE, {"ids": list(steps), "steps": list(steps.values())})
    versions = {row.id: row.groups_version - steps[row.id] for row in advanced}
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


_UNSEAT = text("""
DELETE FROM group_member USING unnest(CAST(:groups AS uuid[]), CAST(:accounts AS uuid[])) AS gone(group_id, account_id)
WHERE group_member.group_id = gone.group_id AND group_member.account_id = gone.account_id
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
    await session.execute(
        _UNSEAT, {"groups": [group for _, group in gone], "accounts": [account for account, _ in gone]}
    )
    for _, group in gone:
        groups[group].members -= 1
    await session.flush()
    await _tell(session, [(a, groups[g]) for a, g in gone], GroupMemberLeft, people, held, actor=actor)


async def take_out(session: Session, community_id: UUID, group_id: UUID, account_id: UUID, actor: UUID | None) -> None:
    """Take a member out of a group. Raises Problem 404 when the account is not in it, 409 when archived."""
    if await queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        raise _archived()
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
        wants = [Want(living[a], group, reason, inputs={"from": str(a)}) for a, group in pairs if a in living]
        await place(session, community_id, wants, actor=None)
