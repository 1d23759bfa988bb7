"""What a draft needs before it may open, as requests that any test can send."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from chassis import clock

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
THEME = {"name": {"en": "Words", "zh": "单词"}, "target_share": 50}
SLOT = {
    "name": {"en": "Word of the day", "zh": "每日一词"},
    "kind": "daily_topic",
    "rrule": "FREQ=DAILY",
    "at": "12:30",
}
"""What content needs for the gate: a theme, and a slot whose `theme_id` is its id."""


def with_rhythm(send: Callable[[str, str, Any, dict[str, str]], Any], community: dict[str, Any]) -> str:
    """Define a theme and its slot, waiting until content knows the community; return the Hearth-After of the opening.

    `send` takes method, path, body and headers, and answers with httpx's answer.
    """
    path = f"/v1/communities/{community['id']}"
    after = {"Hearth-After": f"community/{community['id']}@{community['version']}"}
    theme = send("POST", f"{path}/themes", THEME, after)
    assert theme.is_success, theme.text
    # So far ahead that nothing of it falls due, or is missed, while tests run.
    starts_on = (clock.now() + timedelta(days=60)).date().isoformat()
    new = SLOT | {"theme_id": theme.json()["id"], "starts_on": starts_on}
    slot = send("POST", f"{path}/slots", new, after)
    assert slot.is_success, slot.text
    return str(slot.headers["Hearth-Position"])
