"""What a filter means, over plain values: the compiled SQL must find the same people."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from members.segments.filters.policy import (
    Amount,
    Bucket,
    Count,
    Either,
    Every,
    Figure,
    Filters,
    InSegment,
    Is,
    NeverActive,
    Node,
    Not,
    OneOf,
    When,
    Within,
    compare,
    names,
)


@dataclass(frozen=True)
class Moment:
    """When and where a filter is asked: days are those of the community's zone."""

    now: datetime
    zone: str

    @property
    def today(self) -> date:
        """The day that it is in the community."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class Day:
    """A member's acts on one day."""

    posts: int
    comments: int
    reactions: int


@dataclass(frozen=True)
class Member:
    """An approved member, as plain values.

    `texts`, `flags`, `times`, `numbers` and `sets` are by the name of the field; a time may be missing, and a missing number is 0.
    """

    account_id: UUID
    texts: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    times: Mapping[str, datetime] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    days: Mapping[date, Day] = field(default_factory=dict)
    received: frozenset[tuple[UUID, date]] = frozenset()
    last_active_at: datetime | None = None


def bucket_of(salt: str, account_id: UUID, of: int) -> int:
    """Return the bucket of an account: the first 32 bits of SHA-256 over salt, colon and id, modulo `of`."""
    return int(hashlib.sha256(f"{salt}:{account_id}".encode()).hexdigest()[:8], 16) % of


def matches(node: Node, member: Member, moment: Moment, filters: Filters) -> bool:
    """Whether a filter means a member. Staff and bots are meant only by filters that name them."""
    named = names(node, filters)
    if any(member.flags[flag] and flag not in named for flag in ("staff", "bot")):
        return False
    return _holds(node, member, moment, filters)


def _holds(node: Node, member: Member, moment: Moment, filters: Filters) -> bool:  # noqa: PLR0911  one per kind of node
    match node:
        case Every(parts):
            return all(_holds(part, member, moment, filters) for part in parts)
        case Either(parts):
            return any(_holds(part, member, moment, filters) for part in parts)
        case Not(part):
            return not _holds(part, member, moment, filters)
        case InSegment(segment_id):
            return matches(filters[segment_id], member, moment, filters)
        case NeverActive():
            return not member.days
        case Bucket(salt, bucket, of):
            return bucket_of(salt, member.account_id, of) == bucket
        case Count():
            figure = _figure(node, member, moment)
            return figure is not None and compare(figure, node.comparison, node.value)
        case _:
            return _asked(node, member, moment)


def _asked(node: OneOf | Is | When | Within | Amount, member: Member, moment: Moment) -> bool:
    name = node.field.name
    match node:
        case OneOf():
            held = member.sets[name] if name in member.sets else {member.texts[name]}
            return not held.isdisjoint(node.values)
        case Is():
            return member.flags[name] == node.value
        case When():
            return name in member.times and (member.times[name] < node.instant) == node.before
        case Amount():
            return compare(member.numbers.get(name, 0), node.comparison, node.value)
        case Within():
            return name in member.times and member.times[name] >= moment.now - timedelta(days=node.days)


def _figure(node: Count, member: Member, moment: Moment) -> int | None:
    if node.figure is Figure.LAST_ACTIVITY_DAYS_AGO:
        if member.last_active_at is None:
            return None
        return (moment.today - member.last_active_at.astimezone(ZoneInfo(moment.zone)).date()).days
    since = moment.today - timedelta(days=node.window) if node.window is not None else None
    if node.figure is Figure.REACTIONS_FROM_DISTINCT:
        return len({giver for giver, day in member.received if since is None or day > since})
    days = [acts for day, acts in member.days.items() if since is None or day > since]
    if node.figure is Figure.ACTIVE_DAYS:
        return len(days)
    return sum(int(getattr(acts, node.figure.value)) for acts in days)
