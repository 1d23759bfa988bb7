"""What counts as an act of a member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Act(StrEnum):
    """What a member does."""

    POST = "post"
    COMMENT = "comment"
    REACTION = "reaction"


@dataclass(frozen=True)
class Fact:
    """One act of one account in one community; `towards` is the author of what was reacted to."""

    community_id: UUID
    account_id: UUID
    act: Act
    at: datetime
    towards: UUID | None = None


@dataclass(frozen=True)
class Acts:
    """The acts of one account at one instant, by kind."""

    community_id: UUID
    account_id: UUID
    at: datetime
    posts: int
    comments: int
    reactions: int


def living(account_id: UUID, merged: Mapping[UUID, UUID]) -> UUID:
    """Return the account that lives on after every merge."""
    seen = set()
    while account_id in merged and account_id not in seen:
        seen.add(account_id)
        account_id = merged[account_id]
    return account_id


def gather(facts: Iterable[Fact], merged: Mapping[UUID, UUID]) -> list[Acts]:
    """Count the acts of each living account at each instant, in one order for everybody."""
    counted = Counter((one.community_id, living(one.account_id, merged), one.at, one.act) for one in facts)
    keys = sorted({(community, account, at) for community, account, at, _ in counted})
    return [
        Acts(*key, counted[(*key, Act.POST)], counted[(*key, Act.COMMENT)], counted[(*key, Act.REACTION)])
        for key in keys
    ]


def received(facts: Iterable[Fact], merged: Mapping[UUID, UUID]) -> list[tuple[UUID, UUID, UUID, datetime]]:
    """Return (community, receiver, giver, instant) of the reactions that somebody got from another person."""
    found = set()
    for one in facts:
        if one.towards is not None:
            receiver, giver = living(one.towards, merged), living(one.account_id, merged)
            if receiver != giver:
                found.add((one.community_id, receiver, giver, one.at))
    return sorted(found)
