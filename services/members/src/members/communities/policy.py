"""What may happen to a community, and who may do it."""

from __future__ import annotations

from contracts.members import CommunityState

TRANSITIONS: dict[str, dict[CommunityState, CommunityState]] = {
    "open": {CommunityState.DRAFT: CommunityState.OPEN, CommunityState.PAUSED: CommunityState.OPEN},
    "pause": {CommunityState.OPEN: CommunityState.PAUSED},
    "archive": {
        CommunityState.DRAFT: CommunityState.ARCHIVED,
        CommunityState.OPEN: CommunityState.ARCHIVED,
        CommunityState.PAUSED: CommunityState.ARCHIVED,
    },
}
"""Transition → state before → state after. What is archived stays archived."""


def next_state(transition: str, state: CommunityState) -> CommunityState | None:
    """Return the state after a transition, None when it does not start from `state`."""
    return TRANSITIONS[transition].get(state)


def allowed(state: CommunityState, *, manages: bool, member: bool) -> list[str]:
    """Return what a caller may do with a community."""
    actions: list[str] = []
    if manages and state is not CommunityState.ARCHIVED:
        actions += ["edit", "import", *(name for name, steps in TRANSITIONS.items() if state in steps)]
    if not member and state is CommunityState.OPEN:
        actions.append("apply")
    if state is CommunityState.OPEN and member:
        actions.append("post")
    return actions
