"""What pulse's figures mean, in plain Python. The statement that computes them on a million facts is held to this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)


class Kind(StrEnum):
    """What counts as activity."""

    POST = "post"
    COMMENT = "comment"
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Week:
    """One ISO week: how many members were active, what that made them, and how many fell silent."""

    week: str
    active: int
    new: int
    returning: int
    resurrected: int
    dormant: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A community's pulse."""

    zone: str
    members: int
    never_active: int
    member_days: int
    weeks: list[Week]


def monday(day: date) -> date:
    """Return the first day of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def label(week: date) -> str:
    """Return the ISO name of a week: `2018-W01` begins on 2018-01-01."""
    year, number, _ = week.isocalendar()
    return f"{year}-W{number:02}"


def figures(
    zone: str, approved: Collection[UUID], counted: Collection[UUID], facts: Iterable[tuple[UUID, datetime]]
) -> Figures:
    """Return a community's figures.

    `approved` are the members and `counted` everybody who ever applied, both without staff and bots; `facts` are who was active when.
    A member is active on a local day of the zone when there is a fact of theirs on it. Of a week's active members, new were never
    active before, returning were in the week before, resurrected were before but not then; dormant were in the week before and are
    not now. Weeks run without a gap from the first active one to the last.
    """
    days = {(account, at.astimezone(ZoneInfo(zone)).date()) for account, at in facts if account in counted}
    active: defaultdict[date, set[UUID]] = defaultdict(set)
    for account, day in days:
        active[monday(day)].add(account)
    ever: set[UUID] = set()
    weeks: list[Week] = []
    week, last = min(active, default=date.max), max(active, default=date.min)
    while week <= last:
        now, before = active[week], active[week - WEEK]
        weeks.append(
            Week(
                week=label(week),
                active=len(now),
                new=len(now - ever),
                returning=len(now & before),
                resurrected=len((now & ever) - before),
                dormant=len(before - now),
            )
        )
        ever |= now
        week += WEEK
    return Figures(
        zone=zone,
        members=len(approved),
        never_active=len(set(approved) - {account for account, _ in days}),
        member_days=len(days),
        weeks=weeks,
    )
