"""Who may say and change what: decisions over plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from contracts.members import CommunityState

DEFAULT_SECTION = "general"


class Refusal(NamedTuple):
    """Why something cannot be done now: a stable code, and words."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Caller:
    """What a member is, towards what is said: `trusted` are staff and holders of any role."""

    trusted: bool
    moderator: bool


def speaking_refusal(state: CommunityState, caller: Caller) -> Refusal | None:
    """Return why nothing new can be said in a community, None when it can: open to members, as a draft to the trusted."""
    match state:
        case CommunityState.OPEN:
            return None
        case CommunityState.DRAFT:
            return None if caller.trusted else Refusal("community-draft", "The community is not open yet.")
        case CommunityState.PAUSED:
            return Refusal("community-paused", "The community is paused: nothing new until it goes on.")
        case CommunityState.ARCHIVED:
            return archive_refusal(state)


def archive_refusal(state: CommunityState) -> Refusal | None:
    """Return why a text cannot be changed or imported any more; taking it down stays possible."""
    if state is CommunityState.ARCHIVED:
        return Refusal("community-archived", "The community is archived: it can only be read.")
    return None


def may_change(caller: Caller, *, own: bool) -> bool:
    """Return whether a caller may edit or delete: authors their own, moderators everything."""
    return own or caller.moderator


def can(state: CommunityState, caller: Caller, *, own: bool, answer: str) -> list[str]:
    """Return what a caller may do with a text; `answer` is the word for answering it (comment, reply)."""
    allowed = [answer, "react"] if speaking_refusal(state, caller) is None else []
    if may_change(caller, own=own):
        allowed += ["delete"] if archive_refusal(state) else ["edit", "delete"]
    return allowed
