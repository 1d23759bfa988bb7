"""How far back something is told again."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from gateway.deliveries.policy import KEPT

MOST_RUNNING = 10
"""Replays of one endpoint that are under way at once."""

Fault = tuple[Literal["/event_id", "/since", "/until", "/only"], str, str]


def span_faults(
    *, event: bool, since: datetime | None, until: datetime | None, only_undelivered: bool, now: datetime
) -> list[Fault]:
    """Return what is wrong with what somebody asks for: where, a stable code and words; nothing when it is one event or one span."""
    if event:
        if since is not None or until is not None or only_undelivered:
            return [("/event_id", "ambiguous", "Name one event, or a span of time by since: not both.")]
        return []
    if since is None:
        return [("/since", "missing", "Name one event by event_id, or a span of time by since.")]
    faults: list[Fault] = []
    if since < now - KEPT:
        faults.append(("/since", "too-long-ago", f"What was told is kept for {KEPT.days} days."))
    if since >= (until or now):
        faults.append(("/since", "span-empty", "The span ends before it begins."))
    return faults
