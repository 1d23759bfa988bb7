"""When to try again, for how long, and what an answer of members means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.inbound.mapping.policy import Item

PATIENCE = timedelta(days=3)
"""How long what an item needs may be away."""
BODIES_KEPT = timedelta(days=30)
"""How long a message's body is kept after it was settled, so that what failed can be tried again."""
IDS_KEPT = timedelta(days=180)
"""How long a message's id is known, far longer than anybody retries."""
_DELAYS = (5, 30, 120, 600, 1800, 3600)

LOCAL = ("order", "refund")
"""Kinds that are the gateway's own; the others are members'."""
_RANK = {"contact": 0, "tags": 1, "consent": 1, "order": 0, "refund": 1}
_CODE = re.compile(r"[a-z0-9-]{1,60}")
_POINTER = re.compile(r"/[A-Za-z0-9_/-]{0,60}")
_MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What members said of an item: `waiting` means that it is to be asked again."""

    state: str
    reason: str | None = None
    account_id: UUID | None = None


def delay(tries: int) -> timedelta:
    """Return how long to wait after so many tries; within a minute at first, hourly in the end."""
    return timedelta(seconds=_DELAYS[min(max(tries, 1), len(_DELAYS)) - 1])


def in_order(items: Sequence[tuple[int, Item]]) -> list[tuple[int, Item]]:
    """Return items with their positions in the order in which they are applied.

    The gateway's own do not wait for members. Contacts come before what is said of them, older news before newer.
    """
    return sorted(
        items, key=lambda one: (one[1].kind not in LOCAL, _RANK[one[1].kind], one[1].key, one[1].version, one[0])
    )


def settled(states: Sequence[str]) -> tuple[str, str | None] | None:
    """Return what a receipt is when its items are that, with a reason; None while one waits."""
    if "waiting" in states:
        return None
    return ("failed", "items-failed") if "failed" in states else ("applied", None)


def judge(kind: str, status: int, body: Any) -> Answer:  # noqa: ANN401  JSON of another service
    """Return what an answer of members means for an item."""
    told = body if isinstance(body, dict) else {}
    if 200 <= status < 300:  # noqa: PLR2004  success
        state = "stale" if told.get("outcome") == "stale" else "applied"
        reason = "outranked" if told.get("outcome") == "outranked" else None
        return Answer(state, reason, _account(told) if kind == "contact" else None)
    if status == 404:  # noqa: PLR2004  not found
        # The contact may be told of later, or has not joined the community yet.
        return Answer("waiting", "contact-unknown")
    if status in (401, 408, 425, 429) or status >= 500:  # noqa: PLR2004  it may pass
        return Answer("waiting", "members-unavailable")
    return Answer("failed", _refusal(told, status))


def _account(told: dict[str, Any]) -> UUID | None:
    try:
        return UUID(told["account_id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _refusal(told: dict[str, Any], status: int) -> str:
    """Return a problem's code and places. Its words stay out: they may repeat what a person is called."""
    code = str(told.get("type", "")).rpartition(":")[2]
    errors = told.get("errors")
    places = [one.get("pointer") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    known = [place for place in places if isinstance(place, str) and _POINTER.fullmatch(place)]
    return " ".join([code if _CODE.fullmatch(code) else f"status-{status}", *known[:_MOST_PLACES]])
