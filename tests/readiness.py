"""What a draft needs before it may open, as requests that any test can send."""

from __future__ import annotations

from typing import Any, NamedTuple

PIECES = ("audience", "need", "activity", "voice", "offering", "promise", "business_link")
ENTRY = {"all": [{"metric": "active_days", "threshold": 3, "window_days": 30}]}
TIERS = [
    {"code": "newcomer", "name": {"zh": "新芽", "en": "Newcomer"}},
    {"code": "regular", "name": {"zh": "常客", "en": "Regular"}, "entry": ENTRY},
]


class Step(NamedTuple):
    """One request: where under the community, with which body, and the version of what it changes."""

    method: str
    path: str
    body: Any
    version: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The version as If-Match."""
        return {} if self.version is None else {"If-Match": f'"{self.version}"'}


STEPS = (
    Step("PATCH", "charter", {piece: {"en": f"The {piece}."} for piece in PIECES}, 0),
    Step("POST", "goals", {"title": {"en": "Many"}, "metric": "members", "target": 1000, "due_on": "2099-12-31"}),
    Step("POST", "tier-standards", {"tiers": TIERS}),
    Step("POST", "tier-standards/1/adopt", None, 1),
    Step("PUT", "screening-policy", {"mode": "review"}, 0),
)
"""In an order that works; each must be answered with a success."""
