"""What a community needs before it may open. Each requirement joins the list when its capability stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Missing:
    """One thing that is missing: a stable code, words, and the route that mends it."""

    code: str
    detail: str
    method: str
    path: str
