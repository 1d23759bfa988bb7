"""What a policy answers when something cannot be done."""

from __future__ import annotations

from typing import NamedTuple

from chassis.errors import Fault, Problem


class Refusal(NamedTuple):
    """Why something cannot be done now: a stable code, and words."""

    code: str
    detail: str


def check(refusal: Refusal | None, status: int = 409, at: str | None = None) -> None:
    """Raise the refusal as a Problem, if there is one; `at` points at what of the request it is about."""
    if refusal is not None:
        faults = [] if at is None else [Fault(at, refusal.code, refusal.detail)]
        raise Problem(status, refusal.code, refusal.detail, errors=faults)
