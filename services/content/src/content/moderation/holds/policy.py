"""Who may decide about a held text, and when: decisions over plain values."""

from __future__ import annotations

from enum import StrEnum

from content.refusal import Refusal


class HoldState(StrEnum):
    """Where a hold stands."""

    WAITING = "waiting"
    RELEASED = "released"
    REMOVED = "removed"


class HoldCause(StrEnum):
    """What holds a text."""

    DETECTOR = "detector"
    CHECKER = "checker"


def deciding_refusal(state: str, subject_state: str) -> Refusal | None:
    """Return why nothing can be decided about a held text any more."""
    if state != HoldState.WAITING:
        return Refusal("hold-decided", "It has been decided already.")
    if subject_state != "held":
        return Refusal("text-not-held", "The text is not held any more.")
    return None


def can(state: str, *, own: bool) -> list[str]:
    """Return what a moderator may do about a hold: nobody decides about their own text."""
    return ["release", "remove"] if state == HoldState.WAITING and not own else []
