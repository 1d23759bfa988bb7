"""Which decision about a purpose is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from contracts.members import ClientBasis, ConsentPurpose

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far ahead of ours a partner's clock may be: what lies behind that has not been decided yet."""


class Source(StrEnum):
    """Who told of a decision."""

    PERSON = "person"
    """The person, signed in."""
    PARTNER = "partner"
    """A partner, who says that the person decided so."""
    STAFF = "staff"
    """Somebody of the brand, who says so."""


class Outcome(StrEnum):
    """What became of a decision that was told."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """It was so already."""
    STALE = "stale"
    """A newer one was known."""
    OUTRANKED = "outranked"
    """The person said otherwise, and only the person can undo that."""


@dataclass(frozen=True, slots=True)
class Decision:
    """That a purpose is agreed to or not, since when, and by whose word."""

    granted: bool
    decided_at: datetime
    source: Source


def judge(known: Decision | None, told: Decision) -> Outcome:
    """Return what becomes of a decision, from the one in force.

    A person's own word outranks every claim about it. The one exception is on the safe side: a claim that the person has withdrawn since
    is heeded, for it takes nothing but contact. Of claims the later counts; of two at one moment the refusal.
    """
    if known is None:
        return Outcome.APPLIED
    same = known.granted == told.granted
    withdraws = known.granted and not told.granted
    if told.source is Source.PERSON:
        return Outcome.UNCHANGED if same and known.source is Source.PERSON else Outcome.APPLIED
    if known.source is Source.PERSON:
        if withdraws:
            return Outcome.APPLIED if told.decided_at > known.decided_at else Outcome.STALE
        return Outcome.UNCHANGED if same else Outcome.OUTRANKED
    if told.decided_at == known.decided_at:
        return Outcome.UNCHANGED if same else Outcome.APPLIED if withdraws else Outcome.STALE
    return Outcome.APPLIED if told.decided_at > known.decided_at else Outcome.STALE


def merge(stays: Decision | None, comes: Decision) -> bool:
    """Tell whether, of two accounts of one person, the decision of the one that goes is in force for the one that stays.

    Own words outrank claims, then the later counts, then the refusal.
    """
    if stays is None:
        return True
    return _weight(comes) > _weight(stays)


def _weight(one: Decision) -> tuple[bool, datetime, bool]:
    return one.source is Source.PERSON, one.decided_at, not one.granted


def may_claim(purpose: ConsentPurpose, basis: ClientBasis, *, granted: bool) -> bool:
    """Tell whether a partner may tell of such a decision: none that gets personal data by consent can give it to itself."""
    return purpose is not ConsentPurpose.PARTNER or not granted or basis is ClientBasis.PROCESSOR
