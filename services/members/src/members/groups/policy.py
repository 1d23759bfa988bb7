"""Who lands in which group, and who may do what with groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.members import GroupState

MOST_HOSTS = 20
MOST_GROUPS = 2000
MOST_OF_MEMBER = 50
"""Groups of one member in one community: they all stand in each of the member's events."""
LONGEST_NAME = 200


@dataclass(frozen=True)
class Room:
    """A group of a series as far as seats go; no capacity means as many as come."""

    ordinal: int
    capacity: int | None
    members: int
    open: bool

    @property
    def free(self) -> int | None:
        """Seats that are free, None for any number."""
        if not self.open:
            return 0
        return None if self.capacity is None else max(0, self.capacity - self.members)


@dataclass(frozen=True)
class Landing:
    """Where each of those who wanted in lands, by place in the list; whoever is not there finds no open group."""

    ordinals: dict[int, int] = field(default_factory=dict)
    opened: list[int] = field(default_factory=list)


def fill(rooms: Sequence[Room], preferred: Sequence[int]) -> Landing:
    """Seat people, each with the ordinal they prefer, in a series: there, else in the first open group with room, else in a new one.

    A new group opens when every open one is full, and has the capacity of the last. A closed group takes nobody, and where all
    are closed, none opens.
    """
    landing = Landing()
    free: dict[int, int | None] = {room.ordinal: room.free for room in sorted(rooms, key=lambda room: room.ordinal)}
    if not any(room.open for room in rooms):
        return landing
    capacity = max(rooms, key=lambda room: room.ordinal).capacity
    with_room = [ordinal for ordinal, seats in free.items() if seats is None or seats > 0]
    for place, wanted in enumerate(preferred):
        seats = free.get(wanted, 0)
        if seats is None or seats > 0:
            ordinal = wanted
        else:
            while with_room and free[with_room[0]] == 0:
                with_room.pop(0)
            if with_room:
                ordinal = with_room[0]
            else:
                ordinal = max(free) + 1
                free[ordinal] = capacity
                with_room.append(ordinal)
                landing.opened.append(ordinal)
        left = free[ordinal]
        free[ordinal] = None if left is None else left - 1
        landing.ordinals[place] = ordinal
    return landing


def opens(rooms: Sequence[Room], newcomers: int) -> int:
    """Return how many groups open when so many come."""
    return len(fill(rooms, [0] * newcomers).opened)


def numbered(name: Mapping[str, str], ordinal: int) -> dict[str, str]:
    """Return the name of the n-th group of a series, in every language of the first one's."""
    ending = f" {ordinal}"
    return {language: text[: LONGEST_NAME - len(ending)] + ending for language, text in name.items()}


def as_template(fields: Mapping[str, Any], ordinal: int) -> dict[str, Any]:
    """Return what a template says of the n-th group of a series: the same with the number behind its name."""
    return {**fields, "name": numbered(fields["name"], ordinal)} if ordinal > 1 else dict(fields)


def leads(*, manages: bool, member: bool, account_id: UUID, hosts: Collection[UUID]) -> bool:
    """Whether somebody may bring members into a group, take them out and write its card."""
    return manages or (member and account_id in hosts)


def allowed(
    *, manages: bool, leads: bool, member: bool, joined: bool, seated: bool, state: GroupState, self_join: bool
) -> list[str]:
    """Return what a caller, who is in this group or seated somewhere in its series, may do with it while the community lives."""
    can = ["edit"] if manages else []
    if leads:
        can += ["add", "remove", "write_card"]
    if member and not seated and state is GroupState.OPEN and (self_join or leads):
        can.append("join")
    if member and joined:
        can.append("leave")
    return can
