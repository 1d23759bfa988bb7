"""Who may become staff, and who must stay."""

from __future__ import annotations

from members.accounts.policy import OrganizationRole


def role_fault(
    *, before: str | None, after: str | None, bot: bool, credentialed: bool, owners: int
) -> tuple[str, str] | None:
    """Return (code, words) of why a role cannot be given or taken, None when it can."""
    if after is not None and bot:
        return "bot", "A bot cannot be staff."
    if after is not None and not credentialed:
        return "not-claimed", "Nobody can sign in to this account yet: invite the person to claim it first."
    if before == OrganizationRole.OWNER and after != OrganizationRole.OWNER and owners <= 1:
        return "last-owner", "An organization keeps at least one owner: appoint another first."
    return None
