"""Who may look after a member."""

from __future__ import annotations


def may_own(*, organization_role: str | None, merged: bool, bot: bool, member: bool, staff: bool, roles: bool) -> bool:
    """Whether an account may look after members: the brand's own people, and who belongs and has a role or is marked as staff."""
    if merged or bot:
        return False
    return organization_role is not None or (member and (staff or roles))
