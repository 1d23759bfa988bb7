"""What a policy answers when something cannot be done."""

from __future__ import annotations

from typing import NamedTuple

from chassis.errors import Problem


class Refusal(NamedTuple):
    """Why something cannot be done now: a stable code, and words."""

    code: str
    detail: str


def check(refusal: Refusal | None, status: int = 409) -> None:
    """Raise the refusal as a Problem, if there is one."""
    if refusal is not None:
        raise Problem(status, refusal.code, refusal.detail)
