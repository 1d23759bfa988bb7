"""Who may come, go and be sent away."""

from __future__ import annotations

from contracts.members import CommunityRole, CommunityState, MembershipState

STEPS: dict[str, dict[MembershipState, MembershipState]] = {
    "apply": {
        MembershipState.REJECTED: MembershipState.APPLIED,
        MembershipState.LEFT: MembershipState.APPLIED,
    },
    "approve": {
        MembershipState.APPLIED: MembershipState.APPROVED,
        MembershipState.REJECTED: MembershipState.APPROVED,
        MembershipState.REMOVED: MembershipState.APPROVED,
    },
    "reject": {MembershipState.APPLIED: MembershipState.REJECTED},
    "leave": {
        MembershipState.APPLIED: MembershipState.LEFT,
        MembershipState.APPROVED: MembershipState.LEFT,
    },
    "remove": {MembershipState.APPROVED: MembershipState.REMOVED},
    "restore": {
        MembershipState.APPROVED: MembershipState.APPLIED,
        MembershipState.REJECTED: MembershipState.APPLIED,
    },
}
"""Step → state before → state after. Who was removed comes back only by a manager's approval; `restore` undoes a decision."""

REFUSALS = {
    MembershipState.APPLIED: "The application is waiting for a decision.",
    MembershipState.APPROVED: "The account is a member.",
    MembershipState.REJECTED: "The application was declined.",
    MembershipState.LEFT: "The account has left.",
    MembershipState.REMOVED: "The account was removed; only a manager can let it in again.",
}


def next_state(step: str, state: MembershipState) -> MembershipState | None:
    """Return the state after a step, None when the step does not start from `state`."""
    return STEPS[step].get(state)


def takes_applications(state: CommunityState) -> bool:
    """Whether a community in this state lets people apply."""
    return state is CommunityState.OPEN


def may_remove(*, manages: bool, roles: frozenset[CommunityRole]) -> bool:
    """Whether somebody may remove a member: moderators only those without a role, managers anyone."""
    return manages or not roles


def allowed(
    state: MembershipState, *, own: bool, manages: bool, moderates: bool, roles: frozenset[CommunityRole]
) -> list[str]:
    """Return what a caller may do with a membership."""
    can = []
    if manages:
        can += [step for step in ("approve", "reject") if state in STEPS[step]]
        if state is MembershipState.APPROVED:
            can.append("roles")
    if moderates and not own and state in STEPS["remove"] and may_remove(manages=manages, roles=roles):
        can.append("remove")
    if own:
        can += [step for step in ("apply", "leave") if state in STEPS[step]]
    return can
