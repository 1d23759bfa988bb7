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
    """One act of one account in one community."""

    community_id: UUID
    account_id: UUID
    act: Act
    at: datetime


@dataclass(frozen=True)
class Reacted:
    """One emoji of one reaction as of one version of it; without `at` it was taken back."""

    community_id: UUID
    account_id: UUID
    towards: UUID
    reaction_id: UUID
    emoji: str
    version: int
    at: datetime | None


@dataclass(frozen=True)
class Acts:
    """The acts of one account at one instant, by kind; reactions are counted by those that stand, and here only mark the day."""

    community_id: UUID
    account_id: UUID
    at: datetime
    posts: int
    comments: int


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
    return [Acts(*key, counted[(*key, Act.POST)], counted[(*key, Act.COMMENT)]) for key in keys]


def newest(reacted: Iterable[Reacted]) -> list[Reacted]:
    """Return the newest version of each emoji of each reaction, in one order for everybody."""
    found: dict[tuple[UUID, str], Reacted] = {}
    for one in reacted:
        key = (one.reaction_id, one.emoji)
        if key not in found or found[key].version < one.version:
            found[key] = one
    return [found[key] for key in sorted(found)]
