"""Who may do what with a note."""

from __future__ import annotations

LONGEST = 4000


def allowed(*, author: bool, manages: bool) -> list[str]:
    """Return what a caller who may read a note may do with it: its author and managers edit and delete."""
    return ["edit", "delete"] if author or manages else []


def readable(*, moderates: bool, subject: bool) -> bool:
    """Whether a caller may read notes on a member: moderators and managers, but nobody what is written about themselves."""
    return moderates and not subject
